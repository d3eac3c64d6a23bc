"""The worker that a hook wakes: brings the index up to date, one at a time."""

import logging
from pathlib import Path

from filelock import FileLock, Timeout
from rsidx.indexer.git import Repository
from rsidx.indexer.sync import update
from rsidx.store.database import Database
from sqlalchemy import URL

_log = logging.getLogger("rsidx")


def run(repository: Repository, url: URL, *, max_bytes: int) -> None:
    """Take in what is new; never raises, what goes wrong is logged.

    A burst of commits costs one worker: whoever comes while one is at work leaves a mark and
    goes. The mark is looked at again after the lock is let go, so none is missed.
    """
    try:
        if url.drivername == "sqlite" and url.database:
            _drain(repository, url, Path(url.database), max_bytes)
        else:
            _update(repository, url, max_bytes)
    except Exception:  # A hook must never fail: the log and `rsidx status` tell.
        _log.exception("hook: the index could not be brought up to date")


def _drain(repository: Repository, url: URL, file: Path, max_bytes: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark = Path(f"{file}.pending")
    mark.touch(mode=0o600)
    while mark.exists():
        try:
            with FileLock(f"{file}.worker.lock", timeout=0, mode=0o600):
                while mark.exists():
                    mark.unlink(missing_ok=True)
                    _update(repository, url, max_bytes)
        except Timeout:
            return


def _update(repository: Repository, url: URL, max_bytes: int) -> None:
    database = Database(url, create=True)
    try:
        report = update(repository, database, jobs=2, max_bytes=max_bytes)
    finally:
        database.close()
    _log.info("hook: %d commits, %d file versions", report.n_commits, report.n_blobs)
