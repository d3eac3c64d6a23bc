"""What an export must remember of each of its rows, in a file and not in memory."""

import sqlite3
import tempfile
from pathlib import Path

_CACHE_KIB = 4096


def open_scratch(folder: Path | None = None) -> sqlite3.Connection:
    """Open an empty database in a folder, by default the system's; it goes when it is closed."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".scratch-") as file:
        connection = sqlite3.connect(file.name, isolation_level=None)
        # It is open before it loses its name, and with these no other file is needed.
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("BEGIN EXCLUSIVE")
    return connection


class Numbers:
    """A number for each of many keys."""

    def __init__(self, folder: Path) -> None:
        self._connection = open_scratch(folder)
        self._connection.execute(
            "CREATE TABLE number (key BLOB PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID"
        )

    def get(self, key: bytes) -> int | None:
        """Return a key's number, None where it has none."""
        query = "SELECT value FROM number WHERE key = ?"
        row = self._connection.execute(query, (key,)).fetchone()
        return None if row is None else int(row[0])

    def add(self, key: bytes, value: int) -> bool:
        """Give a number to a key that has none; tell whether it had none."""
        insert = "INSERT OR IGNORE INTO number VALUES (?, ?)"
        return self._connection.execute(insert, (key, value)).rowcount > 0

    def close(self) -> None:
        """Give up the file."""
        self._connection.close()
