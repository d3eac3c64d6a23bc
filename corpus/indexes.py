"""The index of a repository: a file of the work folder, or a copy of one from an object store."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rsidx.corpus.lease import leased
from rsidx.corpus.workspace import Workspace
from rsidx.store.database import Database, resolve_url


@contextmanager
def index_of(work: Workspace, slug: str, *, writes: bool) -> Iterator[Database]:
    """Open the index of a repository, which is made if the block writes to it.

    From an object store it is copied to this machine; what was written is put back under a new name
    once it is whole. Meanwhile a lease keeps other tasks out, which wait; CorpusError is raised if
    it was lost.
    """
    if work.folder.is_local():
        with _opened(work.local(f"indexes/{slug}.db"), create=writes) as database:
            yield database
        return
    indexes = work.within("indexes")
    with tempfile.TemporaryDirectory(prefix="rsidx-") as folder:
        file = Path(folder) / "index.db"
        if not writes:
            _fetch(indexes, slug, file)
            with _opened(file, create=False) as database:
                yield database
            return
        with leased(indexes, slug, waits=True) as check:
            before = _fetch(indexes, slug, file)
            with _opened(file, create=True) as database:
                yield database
                whole = Path(folder) / "whole.db"
                database.back_up(whole, lambda *_: None)
            check()
            _put(indexes, slug, whole, before)


@contextmanager
def _opened(file: Path, *, create: bool) -> Iterator[Database]:
    database = Database(resolve_url(str(file)), create=create)
    try:
        yield database
    finally:
        database.close()


def _versions(indexes: Workspace, slug: str) -> list[str]:
    return [name for name in indexes.files(f"{slug}.db-") if name.rpartition("-")[2].isdecimal()]


def _fetch(indexes: Workspace, slug: str, file: Path) -> list[str]:
    """Copy the newest version of an index to a file; return the names of all versions."""
    versions = _versions(indexes, slug)
    if versions:
        indexes.folder.get_file(versions[-1], str(file))
    return versions


def _put(indexes: Workspace, slug: str, file: Path, before: list[str]) -> None:
    """Put an index back as its next version, and remove those before it."""
    number = int(before[-1].rpartition("-")[2]) + 1 if before else 0
    indexes.folder.put_file(str(file), f"{slug}.db-{number:06d}")
    for name in before:
        indexes.remove(name)
