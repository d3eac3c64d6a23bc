"""The worker that a hook wakes: brings the index up to date, one at a time."""

import logging
from pathlib import Path

from filelock import FileLock, Timeout

from rsidx.indexer.git import Repository
from rsidx.indexer.wake import bring_up_to_date, index_file

_log = logging.getLogger("rsidx")


def run(repository: Repository, db: str, *, max_bytes: int) -> None:
    """Take in what is new; never raises, what goes wrong is logged.

    A burst of commits costs one worker: whoever comes while one is at work leaves a mark and
    goes. The mark is looked at again after the lock is let go, so none is missed.
    """
    try:
        file = index_file(db)
        if file is not None:
            _drain(repository, db, file, max_bytes)
        else:
            _update(repository, db, max_bytes)
    except Exception:  # A hook must never fail: the log and `rsidx status` tell.
        _log.exception("hook: the index could not be brought up to date")


def _drain(repository: Repository, db: str, file: Path, max_bytes: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark = Path(f"{file}.pending")
    mark.touch(mode=0o600)
    while mark.exists():
        try:
            with FileLock(f"{file}.worker.lock", timeout=0, mode=0o600):
                while mark.exists():
                    mark.unlink(missing_ok=True)
                    _update(repository, db, max_bytes)
        except Timeout:
            return


def _update(repository: Repository, db: str, max_bytes: int) -> None:
    bring_up_to_date(repository, db, jobs=2, max_bytes=max_bytes)
