"""The folder of a corpus's indexes, clones, results and logs, here or in an object store.

What is made of a repository alone is kept from run to run. What a run makes lies in a folder that
is named by a digest of all that decides it, so a run goes on where one of the same name stopped.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from rsidx.errors import CorpusError
from rsidx.files import put

if TYPE_CHECKING:
    from datatrove.io import DataFolder


@dataclass(frozen=True)
class Workspace:
    """A folder by its path or fsspec address; it can be sent to other processes."""

    address: str

    @property
    def folder(self) -> "DataFolder":
        """The folder, to read and write in."""
        from datatrove.io import get_datafolder  # noqa: PLC0415  (an extra)

        return get_datafolder(self.address)

    def within(self, name: str) -> "Workspace":
        """Return a folder in it."""
        return Workspace(f"{self.address.rstrip('/')}/{name}")

    def local(self, name: str) -> Path:
        """Return the path of a file or folder on this machine; raises CorpusError for no path."""
        if not self.folder.is_local():
            raise CorpusError(f"{self.address} is no folder of this machine")
        return Path(self.folder.resolve_paths(name))

    def write_json(self, name: str, value: Any) -> None:
        """Write JSON to a file."""
        self.write_bytes(name, json.dumps(value, sort_keys=True).encode())

    def read_json(self, name: str) -> Any:
        """Return what a file of JSON holds, None where there is no such file."""
        if not self.folder.isfile(name):
            return None
        return json.loads(self.read_bytes(name))

    def write_bytes(self, name: str, value: bytes) -> None:
        """Write a file, as a whole or not at all."""
        if self.folder.is_local():
            file = self.local(name)
            file.parent.mkdir(parents=True, exist_ok=True)
            put(file, value)
            return
        # An object appears once all of it is there.
        with self.folder.open(name, "wb") as opened:
            opened.write(value)

    def read_bytes(self, name: str) -> bytes:
        """Return the content of a file."""
        with self.folder.open(name, "rb") as file:
            return bytes(file.read())

    def write_lines(self, name: str, lines: Iterable[Any]) -> None:
        """Write a line of JSON for each value; if that fails, the file is left as it was."""
        part = f"{name}.part"
        try:
            with self.folder.open(part, "wb") as file:
                for line in lines:
                    file.write(orjson.dumps(line) + b"\n")
        except BaseException:
            self.remove(part)
            raise
        self.folder.mv(part, name)

    def read_lines(self, name: str) -> Iterator[Any]:
        """Yield the values of a file's lines."""
        with self.folder.open(name, "rb") as file:
            for line in file:
                yield orjson.loads(line)

    def files(self, beginning: str = "") -> list[str]:
        """Return the names of the files and folders in it that begin so, if there is one."""
        folder = self.folder
        folder.invalidate_cache("")  # Other machines write, too.
        if not folder.exists(""):
            return []
        names = (name.rstrip("/").rpartition("/")[2] for name in folder.ls("", detail=False))
        return sorted(name for name in names if name.startswith(beginning))

    def remove(self, name: str) -> None:
        """Remove a file or folder, if it is there."""
        if self.folder.exists(name):
            self.folder.rm(name, recursive=True)
