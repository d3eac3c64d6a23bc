"""Values that take long to make, by key, in a file of their own that may go at any time.

Nothing in it is the only copy of anything: where it cannot be opened, is locked or is damaged,
it is begun anew or done without. A file of its name that is no cache is left alone.
"""

import contextlib
import logging
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rsidx.errors import IndexStoreError, LockError
from rsidx.locking import HeldError, locked
from rsidx.store.ownership import tables_of

MAX_BYTES = 2 << 30
_VERSION = 2
_APPLICATION = 0x72736478
"""Tells the file from any other SQLite database, even where it is damaged."""
_HEADER = b"SQLite format 3\0"
_N_HEADER = 100
_TABLES = frozenset({"build", "entry", "claim"})
"""Of a cache by version 0.1.0, which had no mark."""
_NO_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_NOMEM,
    }
)
_ZEROS = 1 << 20
_KEYS_AT_ONCE = 500
_WAIT_S = 0.01
_TIMEOUT_S = 60
_SCHEMA = """
CREATE TABLE IF NOT EXISTS build (
    id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE,
    used INTEGER NOT NULL, n_bytes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS entry (
    build_id INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (build_id, key));
CREATE TABLE IF NOT EXISTS claim (
    build_id INTEGER NOT NULL, key BLOB NOT NULL, PRIMARY KEY (build_id, key)) WITHOUT ROWID;
"""
_log = logging.getLogger("rsidx")


class Cache:
    """The values of one build: of what made them, and how it was set up."""

    def __init__(self, connection: sqlite3.Connection, build_id: int) -> None:
        self._connection = connection
        self._build_id = build_id

    def missing(self, keys: Iterable[bytes]) -> list[bytes]:
        """Return the keys that have no value, in their order."""
        query = "SELECT key FROM entry WHERE build_id = ?"
        present = {row[0] for row in self._connection.execute(query, (self._build_id,))}
        return [key for key in keys if key not in present]

    def put(self, values: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep values of keys that have none."""
        rows = [(self._build_id, key, value) for key, value in values]
        n_bytes = sum(len(key) + len(value) for _, key, value in rows)
        with self._transaction() as connection:
            connection.executemany("INSERT INTO entry VALUES (?, ?, ?)", rows)
            connection.executemany(
                "DELETE FROM claim WHERE build_id = ? AND key = ?", [row[:2] for row in rows]
            )
            connection.execute(
                "UPDATE build SET n_bytes = n_bytes + ? WHERE id = ?", (n_bytes, self._build_id)
            )

    def get(self, key: bytes) -> bytes:
        """Return a value that is there; raises KeyError where it is not."""
        query = "SELECT value FROM entry WHERE build_id = ? AND key = ?"
        row = self._connection.execute(query, (self._build_id, key)).fetchone()
        if row is None:
            raise KeyError(key)
        return bytes(row[0])

    def get_or_make(
        self, keys: Sequence[bytes], make: Callable[[Sequence[bytes]], Sequence[bytes]]
    ) -> dict[bytes, bytes]:
        """Return the values of keys; `make` is called with those that nobody has made.

        Of several processes that want the same value at one time, one makes it and the others
        wait for it. One that dies meanwhile keeps them for a minute, and each makes it then.
        """
        found = self._read(keys)
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        if not missing:
            return found
        own = self._claim(missing)
        made = make(own) if own else ()
        self.put(zip(own, made, strict=True))
        found.update(zip(own, made, strict=True))
        deadline = time.monotonic() + _TIMEOUT_S
        while left := [key for key in missing if key not in found]:
            if time.monotonic() > deadline:
                found.update(zip(left, make(left), strict=True))
            time.sleep(_WAIT_S)
            found |= self._read(left)
        return found

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        return {row[0]: row[1] for row in self._select("key, value FROM entry", keys)}

    def _claim(self, keys: Sequence[bytes]) -> list[bytes]:
        """Return those keys that neither have a value nor are being made, claimed for us."""
        with self._transaction() as connection:
            taken = {row[0] for row in self._select("key FROM entry", keys)}
            taken |= {row[0] for row in self._select("key FROM claim", keys)}
            own = [key for key in keys if key not in taken]
            rows = [(self._build_id, key) for key in own]
            connection.executemany("INSERT INTO claim VALUES (?, ?)", rows)
        return own

    def _select(self, what: str, keys: Sequence[bytes]) -> Iterator[tuple[bytes, ...]]:
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            some = keys[start : start + _KEYS_AT_ONCE]
            marks = ", ".join("?" * len(some))
            query = f"SELECT {what} WHERE build_id = ? AND key IN ({marks})"
            yield from self._connection.execute(query, (self._build_id, *some))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection


def is_cache(file: Path) -> bool:
    """Tell whether a file is a cache, which may be removed, or is empty or absent."""
    try:
        with file.open("rb") as content:
            header = content.read(_N_HEADER)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    if not header or not header.startswith(_HEADER):
        return not header
    application = int.from_bytes(header[68:72])
    if application:
        return application == _APPLICATION
    tables = tables_of(file)
    return tables is not None and tables <= _TABLES


def remove_cache(file: Path) -> None:
    """Remove a cache's file, overwritten with zeros; the caller sees to it that nobody uses it.

    A file of that name that is no cache stays. Raises IndexStoreError where it cannot be removed.
    """
    if not is_cache(file):
        _log.warning("%s is no cache of rsidx and stays as it is", file)
        return
    try:
        for part in (file, file.with_name(f"{file.name}-journal")):
            if part.exists():
                _overwrite(part)
                part.unlink()
    except OSError as error:
        raise IndexStoreError(f"cannot remove {file}: {error.strerror}") from error


def _overwrite(file: Path) -> None:
    left = file.stat().st_size
    with file.open("r+b", buffering=0) as out:
        while left > 0:
            left -= out.write(bytes(min(left, _ZEROS)))
        os.fsync(out.fileno())


class CacheFile:
    """An open cache file; while it is open, nobody but this process and its children use it."""

    def __init__(self, connection: sqlite3.Connection, file: Path) -> None:
        self._connection = connection
        self.file = file

    def of(self, build: bytes) -> Cache:
        """Return what there is of a build."""
        return Cache(self._connection, _build_id(self._connection, build))

    def prepare(self, builds: Sequence[bytes], max_bytes: int) -> None:
        """Have builds in use, and drop those used longest ago until all are no larger.

        The first of `builds` always stays. What a process that died had claimed is let go.
        """
        connection = self._connection
        used = "(SELECT coalesce(max(used), 0) + 1 FROM build)"
        connection.execute("DELETE FROM claim")
        for build in reversed(builds):
            build_id = _build_id(connection, build)
            connection.execute(f"UPDATE build SET used = {used} WHERE id = ?", (build_id,))
        sizes = connection.execute("SELECT id, name, n_bytes FROM build ORDER BY used DESC")
        total = 0
        for number, (build_id, name, n_bytes) in enumerate(sizes.fetchall()):
            total += n_bytes
            if number and total > max_bytes:
                total -= n_bytes
                connection.execute("DELETE FROM entry WHERE build_id = ?", (build_id,))
                connection.execute("UPDATE build SET n_bytes = 0 WHERE id = ?", (build_id,))
                if name not in builds:
                    connection.execute("DELETE FROM build WHERE id = ?", (build_id,))


def _build_id(connection: sqlite3.Connection, build: bytes) -> int:
    query = "SELECT id FROM build WHERE name = ?"
    row = connection.execute(query, (build,)).fetchone()
    if row is None:
        connection.execute("INSERT OR IGNORE INTO build VALUES (NULL, ?, 0, 0)", (build,))
        row = connection.execute(query, (build,)).fetchone()
    return int(row[0])


@contextmanager
def open_cache(
    file: Path | None,
    builds: Sequence[bytes],
    *,
    max_bytes: int = MAX_BYTES,
    is_copy: bool = False,
) -> Iterator[CacheFile]:
    """Open the cache in a file; in one that lasts as long as the block, where that cannot be.

    With `is_copy` that one begins as a copy of the file, which stays as it is. `builds` are those
    that will be used. Raises IndexStoreError where there is no room, and where damage is found only
    in the block; the file is removed then.
    """
    with contextlib.ExitStack() as stack:
        opened = None
        if file is not None and not is_copy:
            opened = _try(file, builds, max_bytes, stack)
        if opened is None:
            original = file if is_copy else None
            opened = _open_temporary(builds, max_bytes, stack, original)
        try:
            yield opened
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise IndexStoreError(f"cannot write {opened.file}: {error}") from error
            opened.file.unlink(missing_ok=True)
            raise IndexStoreError(
                f"{opened.file} could not be used and was removed ({error}); run the command again"
            ) from error


@contextmanager
def share_cache(file: Path, build: bytes) -> Iterator[Cache]:
    """Open what a process's parent has opened with `open_cache`."""
    with contextlib.closing(_connect(file)) as connection:
        yield Cache(connection, _build_id(connection, build))


def _is_damage(error: sqlite3.Error) -> bool:
    """Tell whether a database is at fault, and not the room or the rights that there are."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF not in _NO_DAMAGE


def _open_temporary(
    builds: Sequence[bytes],
    max_bytes: int,
    stack: contextlib.ExitStack,
    original: Path | None = None,
) -> CacheFile:
    try:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rsidx-cache-"))
        file = Path(folder) / "cache.db"
        if original is not None and original.exists() and is_cache(original):
            with contextlib.suppress(HeldError, LockError), locked(_lock_of(original)):
                shutil.copyfile(original, file)
        return _open(file, builds, max_bytes, stack)
    except (OSError, sqlite3.Error) as error:
        raise IndexStoreError(f"cannot write to {tempfile.gettempdir()}: {error}") from error


def _lock_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.lock")


def _try(
    file: Path, builds: Sequence[bytes], max_bytes: int, stack: contextlib.ExitStack
) -> CacheFile | None:
    if not is_cache(file):
        _log.warning("%s is no cache of rsidx: this export does without one", file)
        return None
    try:
        stack.enter_context(locked(_lock_of(file)))
    except (HeldError, LockError, OSError):
        return None
    try:
        return _open(file, builds, max_bytes, stack)
    except sqlite3.Error as error:
        if not _is_damage(error):
            return None
    try:
        file.unlink(missing_ok=True)
        return _open(file, builds, max_bytes, stack)
    except (sqlite3.Error, OSError):
        return None


def _open(
    file: Path, builds: Sequence[bytes], max_bytes: int, stack: contextlib.ExitStack
) -> CacheFile:
    if not file.exists():
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
    connection = _connect(file)
    stack.callback(connection.close)
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if version != _VERSION:
        # An older cache, or a new one; what is in it can be made again.
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (name,) in tables.fetchall():
            connection.execute(f'DROP TABLE "{name}"')
        connection.executescript(f"{_SCHEMA} PRAGMA user_version = {_VERSION};")
    [application] = connection.execute("PRAGMA application_id").fetchone()
    if application != _APPLICATION:
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    opened = CacheFile(connection, file)
    opened.prepare(builds, max_bytes)
    return opened


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=_TIMEOUT_S, isolation_level=None)
    try:
        # Safe against a kill; what a power failure may damage is made again.
        connection.execute("PRAGMA journal_mode = TRUNCATE")
        connection.execute("PRAGMA synchronous = OFF")
    except sqlite3.Error:
        connection.close()
        raise
    return connection
