"""Where an index is to be: neither it nor the files beside it may be somebody else's."""

import sqlite3
import stat
from contextlib import closing, suppress
from pathlib import Path

from rsidx.errors import IndexStoreError

_LOCKS = (".lock", ".readers", ".parsing", ".refresh")
"""What the names of an index's empty files end in."""
_TABLES = frozenset({"alembic_version", "blob_chunks"})
"""Two of an index's tables of every version."""


def check_place(file: Path) -> None:
    """Raise IndexStoreError where an index in `file` would write to what rsidx did not make."""
    for ending in _LOCKS:
        beside = Path(f"{file}{ending}")
        with suppress(OSError):
            status = beside.lstat()
            if status.st_size or not stat.S_ISREG(status.st_mode):
                raise IndexStoreError(
                    f"an index at {file} needs {beside.name}, which is somebody else's file; name "
                    "another one with --db"
                )
    tables = _tables(file)
    if tables and not tables >= _TABLES:
        raise IndexStoreError(
            f"{file} is a database, but no index of rsidx; name another file with --db"
        )


def _tables(file: Path) -> set[str]:
    """Return the names of a database's tables; none where it cannot be read as one."""
    try:
        address = f"{file.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as opened:
            rows = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {str(name) for (name,) in rows}
    except sqlite3.Error:
        return set()
