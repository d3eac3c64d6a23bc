"""What worker processes, and who has some, do first."""

import ctypes
import os
import signal
import threading
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import wait

# As in malloc.h.
_M_TRIM_THRESHOLD, _M_ARENA_MAX = -1, -8
_KEPT_BYTES = 1 << 22


def begin_as_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it, even if it is killed.

    A pool's workers hold both ends of the queue that they read, so nothing else would tell them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_little_memory()
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def keep_little_memory() -> None:
    """Have glibc give back what is freed: about 20 MB in a process that works for long."""
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
