"""Values that take long to make, by key, in a file of their own that may go at any time.

Nothing in it is the only copy of anything: where it cannot be opened, is locked or is damaged,
it is begun anew or done without.
"""

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from rsidx.errors import IndexStoreError

MAX_BYTES = 2 << 30
_ZEROS = 1 << 20
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    key BLOB PRIMARY KEY, build BLOB NOT NULL, n_bytes INTEGER NOT NULL, value BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS entry_build ON entry (build, n_bytes);
CREATE TABLE IF NOT EXISTS build (build BLOB PRIMARY KEY, used INTEGER NOT NULL);
"""


class Cache:
    """An open cache; values belong to a build: what made them, and how it was set up.

    Only the process that opened it reads and writes it.
    """

    def __init__(self, connection: sqlite3.Connection, build: bytes, max_bytes: int) -> None:
        self._connection = connection
        self._build = build
        connection.executescript(_SCHEMA)
        used = "SELECT coalesce(max(used), 0) + 1 FROM build"
        connection.execute(f"INSERT OR REPLACE INTO build VALUES (?, ({used}))", (build,))
        connection.commit()
        self._shrink(max_bytes)

    def _shrink(self, max_bytes: int) -> None:
        """Drop the builds that were used longest ago, until the others are no larger."""
        sizes = self._connection.execute(
            "SELECT build, (SELECT coalesce(sum(n_bytes), 0) FROM entry e WHERE e.build = b.build)"
            " FROM build b ORDER BY used DESC"
        ).fetchall()
        total = 0
        for number, (build, n_bytes) in enumerate(sizes):
            total += n_bytes
            if number and total > max_bytes:
                self._connection.execute("DELETE FROM entry WHERE build = ?", (build,))
                self._connection.execute("DELETE FROM build WHERE build = ?", (build,))
        self._connection.commit()

    def missing(self, keys: Iterable[bytes]) -> list[bytes]:
        """Return the keys that have no value, in their order."""
        query = "SELECT key FROM entry WHERE build = ?"
        present = {row[0] for row in self._connection.execute(query, (self._build,))}
        return [key for key in keys if self._full(key) not in present]

    def put(self, values: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep values; a value that is there already is replaced."""
        rows = [(self._full(key), self._build, len(value), value) for key, value in values]
        self._connection.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?)", rows)
        self._connection.commit()

    def get(self, key: bytes) -> bytes:
        """Return a value that is there; raises KeyError where it is not."""
        query = "SELECT value FROM entry WHERE key = ?"
        row = self._connection.execute(query, (self._full(key),)).fetchone()
        if row is None:
            raise KeyError(key)
        return bytes(row[0])

    def _full(self, key: bytes) -> bytes:
        return self._build + key


def remove_cache(file: Path) -> None:
    """Remove a cache's file, overwritten with zeros; the caller sees to it that nobody uses it.

    Raises IndexStoreError where it cannot be removed.
    """
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


@contextmanager
def open_cache(file: Path | None, build: bytes, *, max_bytes: int = MAX_BYTES) -> Iterator[Cache]:
    """Open the cache in a file; in one that lasts as long as the block, where that cannot be.

    Raises IndexStoreError where damage is found only in the block; the file is removed then.
    """
    with contextlib.ExitStack() as stack:
        opened = _try(file, build, max_bytes, stack) if file is not None else None
        if opened is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rsidx-cache-"))
            file = Path(folder) / "cache.db"
            opened = _open(file, build, max_bytes, stack)
        try:
            yield opened
        except sqlite3.DatabaseError as error:
            assert file is not None
            file.unlink(missing_ok=True)
            raise IndexStoreError(
                f"{file} could not be used and was removed ({error}); run the command again"
            ) from error


def _try(file: Path, build: bytes, max_bytes: int, stack: contextlib.ExitStack) -> Cache | None:
    lock = FileLock(f"{file}.lock", timeout=0, mode=0o600)
    try:
        lock.acquire()
    except (Timeout, OSError):
        return None
    stack.callback(lock.release)
    try:
        return _open(file, build, max_bytes, stack)
    except sqlite3.Error:
        pass
    try:
        file.unlink(missing_ok=True)
        return _open(file, build, max_bytes, stack)
    except (sqlite3.Error, OSError):
        return None


def _open(file: Path, build: bytes, max_bytes: int, stack: contextlib.ExitStack) -> Cache:
    if not file.exists():
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
    connection = sqlite3.connect(file)
    stack.callback(connection.close)
    # Safe against a kill; what a power failure may damage is made again.
    connection.execute("PRAGMA journal_mode = TRUNCATE")
    connection.execute("PRAGMA synchronous = OFF")
    return Cache(connection, build, max_bytes)
