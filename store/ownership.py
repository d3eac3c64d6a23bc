"""Checking an index's path: neither it nor the files beside it may belong to another program."""

import sqlite3
import stat
from contextlib import closing, suppress
from pathlib import Path

from rsidx.errors import IndexStoreError

_LOCKS = (".lock", ".readers", ".parsing", ".refresh")
"""Suffixes of the empty files beside an index."""
_TABLES = frozenset({"alembic_version", "blob_chunks"})
"""Two tables that an index has had in every version."""


def check_place(file: Path) -> None:
    """Raise IndexStoreError if an index at `file` would write to a file that rsidx did not make."""
    for ending in _LOCKS:
        beside = Path(f"{file}{ending}")
        with suppress(OSError):
            status = beside.lstat()
            if status.st_size or not stat.S_ISREG(status.st_mode):
                raise IndexStoreError(
                    f"an index at {file} needs {beside.name}, which is not a file of rsidx; name "
                    "another index with --db"
                )
    tables = tables_of(file)
    if tables and not tables >= _TABLES:
        raise IndexStoreError(
            f"{file} is a database, but not an index of rsidx; name another file with --db"
        )


def tables_of(file: Path) -> set[str] | None:
    """Return the names of a database's tables, None if it cannot be read as one."""
    try:
        address = f"{file.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as opened:
            rows = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {str(name) for (name,) in rows}
    except sqlite3.Error:
        return None
