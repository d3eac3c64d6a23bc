"""Opening the index's database: address, pragmas, the lock around writes.

SQLite 3.7.0 to 3.51.2 (backports 3.44.6 and 3.50.7) can corrupt a database in WAL mode when
two checkpoints race, so those versions get a rollback journal, and so does an index on a network
file system, where WAL has no shared memory. One lock is held around all that writes.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from rsidx.errors import IndexStoreError, LockError
from rsidx.store import server
from rsidx.store.cache import remove_cache
from rsidx.store.copies import (
    MADE_BY_BACKUP,
    Progress,
    add_to_count,
    back_up,
    fault,
    home_of,
    is_new,
    record_count,
    record_home,
    size_fault,
    torn,
)
from rsidx.store.locks import FileLocks, Locks, ServerLocks, Waiting, is_on_network
from rsidx.store.migrate import migrate
from rsidx.store.ownership import check_place

_CACHE_KIB = 24_576
_BUSY_TIMEOUT_MS = 60_000


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Tell whether this version of SQLite has the checkpoint race repaired."""
    repaired_in = {(3, 44): (3, 44, 6), (3, 50): (3, 50, 7)}
    return version >= repaired_in.get((version[0], version[1]), (3, 51, 3))


def resolve_url(db: str) -> URL:
    """Read a path or an SQLAlchemy URL; raises IndexStoreError for neither."""
    if "://" not in db:
        return URL.create("sqlite", database=str(Path(db).expanduser().absolute()))
    try:
        return make_url(db)
    except (ArgumentError, ValueError) as error:
        # Not repeated: it may hold a password.
        raise IndexStoreError("--db is neither a path nor a database URL") from error


def passwords(url: URL) -> list[str]:
    """Return the passwords in an address: the user's, and those of its query."""
    found = [str(url.password)] if url.password is not None else []
    for key, value in url.query.items():
        if "pass" in key.lower():
            found += [value] if isinstance(value, str) else value
    return found


def shown(url: URL) -> str:
    """Return an address as it may be printed, without its passwords."""
    hidden = {key: "***" for key in url.query if "pass" in key.lower()}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


class Database:
    """An index's database at the schema's newest version, open for reading.

    Writing happens inside `writing()`, which holds the lock that every writer shares.
    """

    def __init__(self, url: URL, *, create: bool, is_known: bool = False) -> None:
        """Open an index; `is_known` says that another process of this command has checked it.

        Raises IndexStoreError if there is none, if it is a torn copy, or if a newer rsidx wrote it.
        """
        self.url = url
        self.file = Path(url.database) if url.drivername == "sqlite" and url.database else None
        if self.file is not None:
            check_place(self.file)
        if self.file is not None and not self.file.exists():
            if not create:
                raise IndexStoreError(
                    f"there is no index at {self.file}; run `rsidx backfill` first"
                )
            self._create_file(self.file)
            # What was made of an index that is gone does not follow from the new one.
            remove_cache(self.file.with_name(f"{self.file.name}.cache"))
        self.engine = _engine(url)
        self._locks: Locks = FileLocks(self.file) if self.file else ServerLocks(self.engine)
        try:
            self._settle(is_known=is_known)
        except BaseException:
            self.close()
            raise

    def _settle(self, *, is_known: bool) -> None:
        try:
            home = self._recognise(self.file) if self.file and not is_known else None
            migrate(self.engine, self._maintenance, _count_anew)
        except DBAPIError as error:
            raise self.explained(error, "cannot open the index") from error
        # If the recorded home is another place, the first writer records this one.
        self._is_settled = self.file is None or is_known or home == home_of(self.file)
        if not self._is_settled and home != MADE_BY_BACKUP:
            with suppress(IndexStoreError, LockError), self.writing(timeout_s=0):
                pass

    def _recognise(self, file: Path) -> int:
        """Return the home that a file has recorded, see `rsidx.store.copies`.

        Raises IndexStoreError for a torn copy.
        """
        with self.engine.connect() as connection:
            home = connection.exec_driver_sql("PRAGMA user_version").scalar()
            database = _driver(connection)
            if home == home_of(file) or is_new(database, file):
                return int(home or 0)
            try:
                # Nobody has written to what `back_up` made, but it may have been copied in part.
                found = (size_fault if home == MADE_BY_BACKUP else fault)(database, file)
            except sqlite3.DatabaseError as error:
                raise torn(file, error) from error
        if found is not None:
            raise torn(file, found)
        return int(home or 0)

    def explained(self, error: DBAPIError, what: str = "the index") -> IndexStoreError:
        """Return the error to show for one of the database, with advice if the file is damaged."""
        code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        if self.file is not None and code & 0xFF == sqlite3.SQLITE_CORRUPT:
            return torn(self.file, error.orig)
        # A server's fault has several lines.
        return IndexStoreError(f"{what} {self.shown}: {' '.join(str(error.orig).split())}")

    @property
    def cache_file(self) -> Path | None:
        """The file beside the index for what can be made again; None where it is on a server."""
        return self.file.with_name(f"{self.file.name}.cache") if self.file else None

    @property
    def parsing_file(self) -> Path | None:
        """The file beside the index that is there while this process parses; None on a server."""
        return self.file.with_name(f"{self.file.name}.parsing") if self.file else None

    @property
    def shown(self) -> str:
        """The address as it may be printed: a path, or a URL without its password."""
        return str(self.file) if self.file else shown(self.url)

    @staticmethod
    def _create_file(file: Path) -> None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
        except OSError as error:
            raise IndexStoreError(f"cannot create the index {file}: {error.strerror}") from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection for reading; a writer may have to wait until it is closed."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def long_read(self) -> Iterator[Connection]:
        """Open a connection for a long read, which no writer waits for.

        Rows added meanwhile are seen; no row is deleted, since `exclusive` refuses to begin.
        """
        with self._locks.reading(), self.engine.connect() as connection:
            yield connection.execution_options(rsidx_browse=self.file is not None)

    @contextmanager
    def writing(
        self, *, timeout_s: float = -1, waiting: Waiting | None = None
    ) -> Iterator[Connection]:
        """Open a connection under the writers' lock, to add to what is there; -1 waits without end.

        The caller commits. `waiting` is called while the lock is waited for, and may raise to
        give up. Raises IndexStoreError if the lock cannot be acquired in time.
        """
        with self._locks.writing(timeout_s, waiting), self.engine.connect() as opened:
            connection = opened.execution_options(rsidx_write=True)
            if self.file is not None and not self._is_settled:
                try:
                    record_home(_driver(connection), self.file)
                except sqlite3.Error as error:
                    raise IndexStoreError(f"cannot write {self.file}: {error}") from error
                self._is_settled = True
            yield connection

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold, inside of `writing`, what is needed to delete or change rows.

        Raises IndexStoreError during a long read.
        """
        with self._locks.without_readers():
            yield

    @contextmanager
    def _maintenance(self) -> Iterator[None]:
        with self._locks.writing(-1), self.exclusive():
            yield

    def vacuum(self) -> None:
        """Shrink the file after rows were dropped, overwriting the space that they took.

        Raises IndexStoreError if the disk has no space for a copy of the remaining rows.
        """
        if self.file is None:
            return
        with self._maintenance(), self.engine.connect() as connection:
            try:
                _driver(connection).execute("VACUUM")
                # A write-ahead log keeps the old pages for as long as anybody has the file open.
                _driver(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                raise IndexStoreError(
                    f"cannot write {self.file}: {error}; what was dropped is gone, but the file "
                    "does not shrink until this is run again"
                ) from error

    def n_bytes(self) -> int:
        """Return the size of the index: of its file, or on a server of its tables with indexes."""
        if self.file is not None:
            return self.file.stat().st_size
        with self.reading() as connection:
            return server.n_table_bytes(connection)

    def back_up(self, out: Path, progress: Progress) -> None:
        """Write a complete copy of the index to a file, see `rsidx.store.copies.back_up`.

        Raises IndexStoreError also for an index on a server.
        """
        if self.file is None:
            raise IndexStoreError(
                "the index is on a server: copy it with a tool of the server's, such as pg_dump"
            )
        with self.engine.connect() as connection:
            back_up(_driver(connection), out, progress)

    def damage(self) -> str | None:
        """Return the first damage that SQLite finds in the file, None where there is none."""
        if self.file is None:
            return None
        try:
            with self.reading() as connection:
                found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        except DBAPIError as error:
            found = str(error.orig)
        return None if found == "ok" else str(found)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _engine(url: URL) -> Engine:
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise IndexStoreError(
            f"cannot use the database {shown(url)}: neither SQLite nor PostgreSQL"
        )
    try:
        # An error names no parameters: they are the code of a repository that may be private.
        engine = create_engine(url, hide_parameters=True)
    except ModuleNotFoundError as error:
        raise IndexStoreError(
            f"{shown(url)} needs {error.name}: pip install 'rsidx[postgres]'"
        ) from error
    except ArgumentError as error:
        raise IndexStoreError(f"cannot use the database {shown(url)}: {error}") from error
    if url.drivername != "sqlite":
        return engine
    _count_rows(engine)
    file = Path(url.database or "").absolute()

    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _: Any) -> None:
        try:
            _set_up(connection, file)
        except sqlite3.Error:
            connection.close()  # The pool has no hold of it yet.
            raise

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        # Without a transaction each statement is one, and lets go of the file at its end.
        if not options.get("rsidx_browse", False):
            # A deferred one that reads and then writes fails at once under contention.
            immediate = options.get("rsidx_write", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _set_up(connection: sqlite3.Connection, file: Path) -> None:
    # The begin event of `_engine` starts transactions; the driver must not.
    connection.isolation_level = None
    cursor = connection.cursor()
    # The page size counts only before the first table.
    cursor.execute("PRAGMA page_size = 8192")
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    may_log = wal_is_safe(sqlite3.sqlite_version_info) and not is_on_network(file)
    if may_log and _use_wal(cursor):
        cursor.execute("PRAGMA synchronous = NORMAL")
    else:
        cursor.execute("PRAGMA journal_mode = TRUNCATE")
        cursor.execute("PRAGMA synchronous = FULL")
    # A page written before its time would shut readers out until the commit.
    cursor.execute("PRAGMA cache_spill = OFF")
    cursor.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    cursor.execute("PRAGMA temp_store = MEMORY")
    # What is dropped is gone: nothing of it stays in free pages.
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _use_wal(cursor: sqlite3.Cursor) -> bool:
    """Switch to a write-ahead log, which writes to the file; tell whether that was possible."""
    try:
        cursor.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError:
        return False
    return True


def _count_rows(engine: Engine) -> None:
    """Record the number of rows in each transaction, see `rsidx.store.copies`."""

    @event.listens_for(engine, "after_cursor_execute")
    def _on_execute(connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
        sign = {"INSERT": 1, "DELETE": -1}.get(statement[:6].upper())
        if sign is not None:
            connection.info["rsidx_rows"] = (
                connection.info.get("rsidx_rows", 0) + sign * cursor.rowcount
            )

    @event.listens_for(engine, "commit")
    def _on_commit(connection: Connection) -> None:
        n_rows = connection.info.pop("rsidx_rows", 0)
        if n_rows:
            add_to_count(_driver(connection), n_rows)

    @event.listens_for(engine, "rollback")
    def _on_rollback(connection: Connection) -> None:
        connection.info.pop("rsidx_rows", None)


def _count_anew(connection: Connection) -> None:
    """Record the number of rows after a migration, which copies and drops whole tables."""
    if connection.dialect.name == "sqlite":
        connection.info.pop("rsidx_rows", None)
        record_count(_driver(connection))
