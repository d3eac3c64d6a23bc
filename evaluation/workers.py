"""Threads that take one piece of work after another."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from queue import Empty, SimpleQueue
from typing import TypeVar

Progress = Callable[[int, int], None]
"""Told how much is done, and how much there is to do."""
_T = TypeVar("_T")


def work_off(
    pieces: Iterable[_T],
    n_threads: int,
    begin: Callable[[int], Callable[[_T], None]],
    stop: threading.Event,
) -> None:
    """Work through pieces in so many threads; where one fails, no other piece is begun.

    `begin` returns what a thread does with each piece, given the number of the thread. `stop` is
    set once a piece failed, somebody interrupted, or all is done. Raises what the first piece that
    failed raised.
    """
    waiting: SimpleQueue[_T] = SimpleQueue()
    for piece in pieces:
        waiting.put(piece)

    def work(number: int) -> None:
        do = begin(number)
        while not stop.is_set():
            try:
                piece = waiting.get_nowait()
            except Empty:
                return
            do(piece)

    with ThreadPoolExecutor(n_threads) as pool:
        running = [pool.submit(work, number) for number in range(n_threads)]
        try:
            wait(running, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()
    for error in filter(None, (one.exception() for one in running)):
        raise error
