"""The index of a repository: a file of the work folder, or a copy of one from an object store."""

import json
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rsidx.corpus.workspace import Workspace
from rsidx.errors import CorpusError
from rsidx.store.database import Database, resolve_url

_LEASE_S = 6 * 3600
"""A task that takes longer is taken for dead."""


@contextmanager
def index_of(work: Workspace, slug: str, *, writes: bool) -> Iterator[Database]:
    """Open the index of a repository, which is made if the block writes to it.

    From an object store it is copied to this machine; what was written is put back under a new name
    once it is whole, while a lease keeps other tasks out. Raises CorpusError where another has it.
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
        with _lease(indexes, f"{slug}.lease"):
            before = _fetch(indexes, slug, file)
            with _opened(file, create=True) as database:
                yield database
                whole = Path(folder) / "whole.db"
                database.back_up(whole, lambda *_: None)
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


@contextmanager
def _lease(indexes: Workspace, name: str) -> Iterator[None]:
    """Hold a lease; one whose task died runs out."""
    held = None
    with suppress(ValueError):
        held = indexes.read_json(name)
    if held is not None and time.time() - held["since"] < _LEASE_S:
        raise CorpusError(f"another task works on it since {held['since']:.0f} ({name})")
    own = {"owner": uuid.uuid4().hex, "since": time.time()}
    indexes.folder.makedirs("", exist_ok=True)
    indexes.write_bytes(name, json.dumps(own).encode())
    if indexes.read_json(name) != own:
        raise CorpusError(f"another task has begun to work on it ({name})")
    try:
        yield
    finally:
        indexes.remove(name)
