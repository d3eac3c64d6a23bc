"""All that hooks may call: make the index ready, and update it."""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rsidx.errors import IndexInUseError
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.ingest import Progress, SyncReport
from rsidx.indexer.refresh import is_needed, refresh
from rsidx.indexer.sync import record_tips, update
from rsidx.store.database import Database, passwords, resolve_url

_NICENESS = 10
_log = logging.getLogger("rsidx")


def index_file(db: str) -> Path | None:
    """Return the index's file, None where it is on a server."""
    url = resolve_url(db)
    is_file = url.drivername == "sqlite" and url.database
    return Path(url.database) if is_file and url.database else None


def has_password(db: str) -> bool:
    """Tell whether an index's address has a password in it."""
    return bool(passwords(resolve_url(db)))


def start_index(repository: Repository, db: str) -> None:
    """Make the index ready, so that every commit from now on is ingested."""
    database = Database(resolve_url(db), create=True)
    try:
        record_tips(repository, database)
    finally:
        database.close()


def update_index(
    repository: Repository,
    db: str,
    *,
    max_bytes: int,
    progress: Progress | None = None,
    gives_way: Callable[[], bool] = lambda: False,
) -> SyncReport:
    """Ingest what is new on the branches and in the worktrees.

    After that, read again what another version of rsidx wrote, at low priority, until that is
    done or `gives_way` says to stop.
    """
    database = Database(resolve_url(db), create=True)
    try:
        return update_all(
            repository,
            database,
            max_bytes=max_bytes,
            progress=progress,
            before_refresh=_let_others_go_first,
            gives_way=gives_way,
        )
    finally:
        database.close()


def update_all(
    repository: Repository,
    database: Database,
    *,
    max_bytes: int,
    progress: Progress | None = None,
    before_refresh: Callable[[], None] = lambda: None,
    gives_way: Callable[[], bool] = lambda: False,
) -> SyncReport:
    """Do the same with an open database; `before_refresh` is called if something is read again."""
    report = update(repository, database, jobs=2, max_bytes=max_bytes, progress=progress)
    if is_needed(repository, database):
        before_refresh()
        try:
            report.n_refreshed = refresh(
                repository,
                database,
                jobs=1,
                max_bytes=max_bytes,
                progress=progress,
                gives_way=gives_way,
            )
        except IndexInUseError as error:
            _log.info("file versions of another version of rsidx are left for later: %s", error)
    return report


def _let_others_go_first() -> None:
    with suppress(OSError):
        own = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, 0, max(own, _NICENESS))
