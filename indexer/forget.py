"""Erasing text from the index for good, on request."""

from collections.abc import Sequence

from rsidx.errors import IndexStoreError
from rsidx.indexer import identity
from rsidx.indexer.git.repository import Repository
from rsidx.store import erasure as store
from rsidx.store.cache import remove_cache
from rsidx.store.database import Database
from rsidx.store.erasure import Forgotten, Removed


def forget(
    repository: Repository, database: Database, targets: Sequence[str], *, dry_run: bool = False
) -> Removed:
    """Take out the text of paths, file versions and commits, and never take it in again.

    The room is overwritten, and the cache beside the index goes, too. With `dry_run` nothing is
    changed, and what would go is returned. Raises IndexStoreError for a target that names nothing,
    before anything is changed, and while an export reads the index.
    """
    with database.writing() as connection, database.exclusive():
        wanted = _find(database, repository, targets)
        removed = store.forget(connection, wanted)
        if dry_run:
            connection.rollback()
            return removed
        # First: once it is committed, nobody would look for what is left of it.
        if database.cache_file is not None:
            remove_cache(database.cache_file)
        connection.commit()
    database.vacuum()
    return removed


def remember(
    repository: Repository, database: Database, targets: Sequence[str], *, dry_run: bool = False
) -> int:
    """Undo `forget`; the next backfill reads the text again. Return how many blobs it will read.

    With `dry_run` nothing is changed. Raises IndexStoreError for a target that names nothing.
    """
    with database.writing() as connection, database.exclusive():
        wanted = _find(database, repository, targets)
        n_blobs = store.remember(connection, wanted)
        if dry_run:
            connection.rollback()
        else:
            connection.commit()
    return n_blobs


def forgotten(database: Database) -> list[tuple[str, str]]:
    """Return kind and name of what is forgotten: paths as text, ids as hexadecimal digits."""
    with database.reading() as connection:
        rows = list(store.read_forgotten(connection).rows())
    return [
        (kind, value.decode("utf-8", "replace") if kind == "path" else value.hex())
        for kind, value in rows
    ]


def _find(database: Database, repository: Repository, targets: Sequence[str]) -> Forgotten:
    wanted = Forgotten()
    with database.reading() as connection:
        repository_id = identity.find(database, connection, repository) or 0
        for target in targets:
            found = store.find(connection, repository_id, target)
            if not any(found.rows()):
                raise IndexStoreError(
                    f"the index has no path, and no single object, called {target!r}"
                )
            wanted.paths |= found.paths
            wanted.blobs |= found.blobs
            wanted.commits |= found.commits
    return wanted
