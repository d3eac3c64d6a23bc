"""Runs a command of rsidx in a process that ends, as by `kill -9`, at a named point.

    python crash_driver.py MODULE:NAME COUNT before|after COMMAND...

The process ends before or after the COUNTth call of the function.
"""

import os
import signal
import sys
from importlib import import_module

from rsidx.__main__ import main
from rsidx.indexer import ingest

MAX_BATCH_COMMITS = 7
"""Small batches, so that there are many."""


def patch(target, count, when):
    module, path = target.split(":")
    owner = import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    plain = getattr(owner, name)
    calls = 0

    def patched(*args, **options):
        nonlocal calls
        calls += 1
        if calls == count and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = plain(*args, **options)
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, patched)


if __name__ == "__main__":
    ingest._MAX_BATCH_COMMITS = MAX_BATCH_COMMITS
    target, count, when, *command = sys.argv[1:]
    if target != "-":
        patch(target, int(count), when)
    sys.exit(main(command))
