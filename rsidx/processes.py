"""What every worker process does first."""

import os
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait


def begin_as_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it, even if it is killed.

    A pool's workers hold both ends of the queue that they read, so nothing else would tell them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
