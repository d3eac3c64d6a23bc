"""The worker that a hook wakes: brings the index up to date, one at a time."""

import logging

from filelock import FileLock, Timeout

from rsidx.hooks.script import MARK
from rsidx.indexer.git import Repository
from rsidx.indexer.wake import bring_up_to_date

_log = logging.getLogger("rsidx")


def run(repository: Repository, db: str, *, max_bytes: int) -> None:
    """Take in what is new; never raises, what goes wrong is logged.

    A burst of commits costs one worker: whoever comes while one is at work leaves the mark and
    goes. The mark is taken away before the refs are read, and looked at again after the lock is
    let go, so none is missed.
    """
    try:
        mark = repository.common_dir / MARK
        mark.parent.mkdir(exist_ok=True, mode=0o700)
        mark.touch(mode=0o600)
        while mark.exists():
            try:
                with FileLock(f"{mark}.lock", timeout=0, mode=0o600):
                    while mark.exists():
                        mark.unlink(missing_ok=True)
                        bring_up_to_date(repository, db, jobs=2, max_bytes=max_bytes)
            except Timeout:
                return
    except Exception:  # A hook must never fail: the log and `rsidx status` tell.
        _log.exception("hook: the index could not be brought up to date")
