"""How worker processes are started, and what they, and who has some, do first."""

import ctypes
import os
import signal
import sys
import threading
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import wait
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any

# As in malloc.h.
_M_TRIM_THRESHOLD, _M_ARENA_MAX = -1, -8
_KEPT_BYTES = 1 << 22


_main_lock = threading.Lock()


class _Worker(SpawnProcess):
    """A process that does not run the main module of the program, as spawned ones do by default.

    A worker needs nothing of it, and a script without `if __name__ == "__main__":` would start all
    over in each worker.
    """

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Any:  # noqa: N802  (multiprocessing's own name)
        with _main_lock:
            main = sys.modules["__main__"]
            sys.modules["__main__"] = ModuleType("__main__")
            try:
                return SpawnProcess._Popen(process_obj)
            finally:
                sys.modules["__main__"] = main


class WorkerContext(SpawnContext):
    """The context in which worker processes are started."""

    Process = _Worker


def begin_as_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it, even if it is killed.

    A pool's workers hold both ends of the queue that they read, so nothing else would tell them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _set_up_malloc()
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def keep_little_memory() -> None:
    """Have glibc give back what is freed: about 20 MB in a process that works for long.

    In a program that uses rsidx as a library nothing is set: its threads may need their arenas.
    """
    if _is_command_line():
        _set_up_malloc()


def _is_command_line() -> bool:
    spec = sys.modules["__main__"].__spec__
    return "rsidx.__main__" in sys.modules or (spec is not None and spec.name == "rsidx.__main__")


def _set_up_malloc() -> None:
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
