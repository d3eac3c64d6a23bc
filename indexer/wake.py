"""What a hook asks of the index: start from here, and come up to date."""

from pathlib import Path

from rsidx.indexer.git import Repository
from rsidx.indexer.intake import Progress, SyncReport
from rsidx.indexer.sync import mark, update
from rsidx.store.database import Database, passwords, resolve_url


def index_file(db: str) -> Path | None:
    """Return the index's file, None where it is on a server."""
    url = resolve_url(db)
    is_file = url.drivername == "sqlite" and url.database
    return Path(url.database) if is_file and url.database else None


def has_password(db: str) -> bool:
    """Tell whether an index's address has a password in it."""
    return bool(passwords(resolve_url(db)))


def start_from_here(repository: Repository, db: str) -> None:
    """Make the index ready, so that every commit from now on is taken in."""
    database = Database(resolve_url(db), create=True)
    try:
        mark(repository, database)
    finally:
        database.close()


def bring_up_to_date(
    repository: Repository,
    db: str,
    *,
    jobs: int,
    max_bytes: int,
    progress: Progress | None = None,
) -> SyncReport:
    """Take in what is new on the branches and in the worktrees."""
    database = Database(resolve_url(db), create=True)
    try:
        return update(repository, database, jobs=jobs, max_bytes=max_bytes, progress=progress)
    finally:
        database.close()
