"""Copies of an index's file: writing complete ones, and detecting torn ones.

A file that is copied while rsidx writes to it has pages from before and after a transaction. An
index therefore records its home, a number derived from its inode, in SQLite's `user_version`. An
index that is opened elsewhere is a copy, or was moved to another file system: it is checked in
full, and its home is recorded anew if it can be written. A copy that `back_up` wrote is known to be
complete until it is written to. SQLite's own checks cannot see that one table is from before a
transaction and another from after it, so each transaction records the number of all rows in
`application_id`.
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
    """Return the `user_version` of an index that was last written at this place: 2 or more."""
    return 2 + file.stat().st_ino % _NO_HOMES


def recorded_home(file: Path) -> int:
    """Read `user_version` from a file's header without opening a database; 0 if there is none."""
    with file.open("rb") as content:
        header = content.read(_VERSION_AT + 4)
    return int.from_bytes(header[_VERSION_AT:]) if header.startswith(_HEADER) else 0


def torn(file: Path, detail: object) -> IndexStoreError:
    """Return the error for an index that is not complete."""
    return IndexStoreError(
        f"{file} is a torn copy of an index, or damaged ({detail}): copy an index with `rsidx "
        "backup`, or remove this one and run `rsidx backfill`"
    )


def record_home(database: sqlite3.Connection, file: Path) -> None:
    """Record in an index that this is its home, and how many rows it has."""
    database.execute("BEGIN IMMEDIATE")
    try:
        database.execute(f"PRAGMA user_version = {home_of(file)}")
        record_count(database)
        database.execute("COMMIT")
    except BaseException:
        database.rollback()
        raise


def record_count(database: sqlite3.Connection) -> None:
    """Count all rows and record their number, inside a transaction."""
    database.execute(f"PRAGMA application_id = {count_rows(database) % _NO_COUNTS}")


def add_to_count(database: sqlite3.Connection, n_rows: int) -> None:
    """Add to the recorded number of rows, inside a transaction; negative for deleted rows."""
    [[before]] = database.execute("PRAGMA application_id")
    database.execute(f"PRAGMA application_id = {(before + n_rows) % _NO_COUNTS}")


def count_rows(database: sqlite3.Connection) -> int:
    """Count the rows of an index's tables."""
    query = " + ".join(f'(SELECT count(*) FROM "{name}")' for name in schema.metadata.tables)
    [[n_rows]] = database.execute(f"SELECT {query}")
    return int(n_rows)


def is_new(database: sqlite3.Connection, file: Path) -> bool:
    """Tell whether a file holds no tables yet, and at most a header."""
    [[n_pages]] = database.execute("PRAGMA page_count")
    [[n_bytes]] = database.execute("PRAGMA page_size")
    # Switching to a write-ahead log writes the first page; a table needs a second one.
    return int(n_pages) <= 1 and file.stat().st_size <= int(n_bytes)


def size_fault(database: sqlite3.Connection, file: Path) -> str | None:
    """Say how a file's size contradicts its header; None if it does not."""
    [[n_pages]] = database.execute("PRAGMA page_count")
    [[n_bytes]] = database.execute("PRAGMA page_size")
    log = file.with_name(f"{file.name}-wal")
    # Pages that are only in the write-ahead log are not in the file.
    has_log = log.exists() and log.stat().st_size > 0
    if not has_log and file.stat().st_size != n_pages * n_bytes:
        return f"it has {file.stat().st_size / n_bytes:g} pages, and {n_pages} by its header"
    return None


def fault(database: sqlite3.Connection, file: Path) -> str | None:
    """Return the first sign that a database is torn or damaged, None if there is none.

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
        return f"a row of {lacking[0]} refers to a missing row of {lacking[2]}"
    version = database.execute("SELECT version_num FROM alembic_version").fetchone()
    if version != (schema.SCHEMA_VERSION,):
        return None  # It has other tables; the migration counts the rows anew.
    [[home]] = database.execute("PRAGMA user_version")
    [[n_rows]] = database.execute("PRAGMA application_id")
    # Version 0.1.0 recorded neither.
    if home and n_rows != count_rows(database) % _NO_COUNTS:
        return f"it has {count_rows(database):,} rows, and recorded {n_rows:,}"
    return None


def back_up(database: sqlite3.Connection, out: Path, progress: Progress) -> None:
    """Write a complete copy of an index: to a temporary file beside `out`, which is then renamed.

    A writer that wants to commit meanwhile waits. Raises IndexStoreError if `out` is something
    else than an earlier copy, if it cannot be written, and if the index itself is damaged.
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
    """Raise IndexStoreError unless `out` is free or an earlier copy that nobody wrote to."""
    if not os.path.lexists(out):
        return
    with suppress(OSError):
        if out.is_file() and not out.is_symlink() and recorded_home(out) == MADE_BY_BACKUP:
            return
    raise IndexStoreError(f"{out} exists and is not a copy by `rsidx backup`; name another file")
