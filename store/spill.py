"""Spilling to disk what would need too much memory."""

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rsidx.errors import ExportError

_CACHE_KIB = 4096


class TemporaryDatabase:
    """An empty database in a folder, by default the system's temporary one, gone when closed.

    Its file has no name. Raises ExportError if it cannot be written.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path()
        try:
            self._folder = folder or Path(tempfile.gettempdir())
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".scratch-") as file:
                # Nobody else can open it, so nothing needs to be locked.
                address = f"{Path(file.name).as_uri()}?nolock=1"
                self._connection = sqlite3.connect(address, uri=True, isolation_level=None)
                # It is open before it loses its name, and with these no other file is needed.
                for pragma in ("journal_mode = OFF", "synchronous = OFF"):
                    self._connection.execute(f"PRAGMA {pragma}")
        except (OSError, sqlite3.Error) as error:
            reason = getattr(error, "strerror", error)
            raise ExportError(f"cannot write to {self._folder}: {reason}") from error
        self.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self.execute("BEGIN EXCLUSIVE")

    def execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Execute a statement; raises ExportError where the disk is full."""
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise ExportError(f"cannot write to {self._folder}: {error}") from error

    def close(self) -> None:
        """Close the file, which removes it."""
        self._connection.close()


class SpillMap:
    """A map from keys to numbers on disk."""

    def __init__(self, folder: Path) -> None:
        self._database = TemporaryDatabase(folder)
        self._database.execute(
            "CREATE TABLE number (key BLOB PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID"
        )

    def get(self, key: bytes) -> int | None:
        """Return a key's number, None where it has none."""
        query = "SELECT value FROM number WHERE key = ?"
        row = self._database.execute(query, (key,)).fetchone()
        return None if row is None else int(row[0])

    def add(self, key: bytes, value: int) -> bool:
        """Give a number to a key that has none; tell whether it had none."""
        insert = "INSERT OR IGNORE INTO number VALUES (?, ?)"
        return self._database.execute(insert, (key, value)).rowcount > 0

    def close(self) -> None:
        """Close the file, which removes it."""
        self._database.close()


class SpillList:
    """Values on disk, by their numbers from 0."""

    def __init__(self, folder: Path) -> None:
        self._database = TemporaryDatabase(folder)
        self._database.execute("CREATE TABLE value (number INTEGER PRIMARY KEY, value BLOB)")
        self._n_values = 0

    def __len__(self) -> int:
        """Return how many values there are."""
        return self._n_values

    def append(self, value: bytes) -> None:
        """Add a value; its number is how many there were."""
        self._database.execute("INSERT INTO value VALUES (?, ?)", (self._n_values, value))
        self._n_values += 1

    def __getitem__(self, number: int) -> bytes:
        """Return a value; raises IndexError where there is none."""
        query = "SELECT value FROM value WHERE number = ?"
        row = self._database.execute(query, (number,)).fetchone()
        if row is None:
            raise IndexError(number)
        return bytes(row[0])

    def close(self) -> None:
        """Close the file, which removes it."""
        self._database.close()


class SpillSorter:
    """Rows of values, read back by their keys; equal keys in the order in which they came."""

    def __init__(self, folder: Path | None = None, *, n_values: int) -> None:
        self._database = TemporaryDatabase(folder)
        values = [f"value_{number}" for number in range(n_values)]
        self._columns = ", ".join(values)
        self._insert = f"INSERT INTO row VALUES ({', '.join('?' * (n_values + 1))})"
        self._database.execute(f"CREATE TABLE row (key, {self._columns})")
        self._database.execute("CREATE INDEX place ON row (key)")

    def add(self, key: int | bytes, *values: int | bytes) -> None:
        """Add a row."""
        self._database.execute(self._insert, (key, *values))

    def rows(self, from_key: int | bytes | None = None) -> Iterator[tuple[Any, ...]]:
        """Yield key and values of each row in order, from a key on if one is given."""
        where, keys = ("", ()) if from_key is None else ("WHERE key >= ?", (from_key,))
        query = f"SELECT key, {self._columns} FROM row {where} ORDER BY key, rowid"
        yield from self._database.execute(query, keys)

    def close(self) -> None:
        """Close the file, which removes it."""
        self._database.close()
