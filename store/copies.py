"""Copies of an index's file: making one that is whole, and knowing one that is not.

A file that is copied while rsidx writes to it has pages from before and after. So an index says
where it lives, in SQLite's `user_version`: a number that follows from its inode. An index that is
found elsewhere is a copy, or was moved to another file system; it is checked once and says so from
then on. A copy that `back_up` made is known to be whole until somebody writes to it. What SQLite's
own checks cannot see is a table of before beside one of after: so each transaction leaves the
number of all rows in `application_id`.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from rsidx.errors import IndexStoreError
from rsidx.store import schema

MADE_BY_BACKUP = 1
_HEADER = b"SQLite format 3\0"
_VERSION_AT = 60
_PAGES_AT_ONCE = 1024
_NO_HOMES = 2**31 - 3
_NO_COUNTS = 2**31

Progress = Callable[[int, int], None]
"""Called with the pages done and the pages to do."""


def home_of(file: Path) -> int:
    """Return what an index in a file has as its `user_version`, from 2 on."""
    return 2 + file.stat().st_ino % _NO_HOMES


def said_home(file: Path) -> int:
    """Return what a file says without being read as a database; 0 where it says nothing."""
    with file.open("rb") as content:
        header = content.read(_VERSION_AT + 4)
    return int.from_bytes(header[_VERSION_AT:]) if header.startswith(_HEADER) else 0


def torn(file: Path, detail: object) -> IndexStoreError:
    """Return the error for an index that is not whole."""
    return IndexStoreError(
        f"{file} is a torn copy of an index, or damaged ({detail}): copy an index with `rsidx "
        "backup`, or remove this one and run `rsidx backfill`"
    )


def move_in(database: sqlite3.Connection, file: Path) -> None:
    """Have a file say that it lives where it is, and how many rows it has."""
    database.execute("BEGIN IMMEDIATE")
    try:
        database.execute(f"PRAGMA user_version = {home_of(file)}")
        record_count(database)
        database.execute("COMMIT")
    except BaseException:
        database.rollback()
        raise


def record_count(database: sqlite3.Connection) -> None:
    """Record, inside of a transaction, how many rows there are."""
    database.execute(f"PRAGMA application_id = {count_rows(database) % _NO_COUNTS}")


def add_to_count(database: sqlite3.Connection, n_rows: int) -> None:
    """Record, inside of a transaction, how many rows it adds; fewer than none where some go."""
    [[before]] = database.execute("PRAGMA application_id")
    database.execute(f"PRAGMA application_id = {(before + n_rows) % _NO_COUNTS}")


def count_rows(database: sqlite3.Connection) -> int:
    """Count the rows of an index's tables."""
    query = " + ".join(f'(SELECT count(*) FROM "{name}")' for name in schema.metadata.tables)
    [[n_rows]] = database.execute(f"SELECT {query}")
    return int(n_rows)


def is_new(database: sqlite3.Connection, file: Path) -> bool:
    """Tell whether nothing has been written to a file, but for a header."""
    [[n_pages]] = database.execute("PRAGMA page_count")
    [[n_bytes]] = database.execute("PRAGMA page_size")
    # To use a write-ahead log is written to the first page; a table needs another.
    return int(n_pages) <= 1 and file.stat().st_size <= int(n_bytes)


def size_fault(database: sqlite3.Connection, file: Path) -> str | None:
    """Return what shows that a file is cut off, or too long; None where nothing does."""
    [[mode]] = database.execute("PRAGMA journal_mode")
    [[n_pages]] = database.execute("PRAGMA page_count")
    [[n_bytes]] = database.execute("PRAGMA page_size")
    # Pages that are only in the write-ahead log are not in the file.
    if mode != "wal" and file.stat().st_size != n_pages * n_bytes:
        return f"it says that it has {n_pages} pages, and has {file.stat().st_size / n_bytes:g}"
    return None


def fault(database: sqlite3.Connection, file: Path) -> str | None:
    """Return the first thing that shows that a database is not whole, None where nothing does.

    Reads all of it: tables, their indexes, and the references between them.
    """
    found = size_fault(database, file)
    if found is not None:
        return found
    [[found]] = database.execute("PRAGMA integrity_check(1)")
    if found != "ok":
        return " ".join(str(found).split())
    lacking = database.execute("PRAGMA foreign_key_check").fetchone()
    if lacking:
        return f"a row of {lacking[0]} is without one of {lacking[2]}"
    version = database.execute("SELECT version_num FROM alembic_version").fetchone()
    if version != (schema.SCHEMA_VERSION,):
        return None  # It has other tables, which the migration counts anew.
    [[said]] = database.execute("PRAGMA user_version")
    [[n_rows]] = database.execute("PRAGMA application_id")
    # Version 0.1.0 did not count.
    if said and n_rows != count_rows(database) % _NO_COUNTS:
        return f"it says that it has {n_rows:,} rows, and has {count_rows(database):,}"
    return None


def back_up(database: sqlite3.Connection, out: Path, progress: Progress) -> None:
    """Write a whole copy of an index to a file, beside its place first.

    Holds a transaction meanwhile: a writer that wants to commit waits. Raises IndexStoreError
    where something else is at the place, it cannot be written, or the index itself is damaged.
    """
    _check_place(out)
    beside = out.with_name(f".rsidx-{os.urandom(6).hex()}")
    try:
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _copy(database, beside, progress)
        _check_place(out)
        beside.replace(out)
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise IndexStoreError(f"cannot write {out}: {reason}") from error
    finally:
        for left in (beside, beside.with_name(f"{beside.name}-journal")):
            left.unlink(missing_ok=True)


def _copy(database: sqlite3.Connection, out: Path, progress: Progress) -> None:
    with closing(sqlite3.connect(out)) as copy:
        database.execute("BEGIN")
        try:
            # A transaction begins with the first read.
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            database.backup(
                copy,
                pages=_PAGES_AT_ONCE,
                progress=lambda _, left, total: progress(total - left, total),
            )
        finally:
            database.execute("ROLLBACK")
        # A write-ahead log is a second file, and needs a folder that can be written to.
        copy.execute("PRAGMA journal_mode = DELETE")
        found = fault(copy, out)
        if found is not None:
            raise IndexStoreError(f"the index is damaged ({found}); run `rsidx doctor`")
        copy.execute(f"PRAGMA user_version = {MADE_BY_BACKUP}")


def _check_place(out: Path) -> None:
    """Raise IndexStoreError unless a copy may be put there: over an earlier one alone."""
    if not os.path.lexists(out):
        return
    with suppress(OSError):
        if out.is_file() and not out.is_symlink() and said_home(out) == MADE_BY_BACKUP:
            return
    raise IndexStoreError(f"{out} is there, and is no copy that `rsidx backup` made; name another")
