"""Lines of JSON, plain or compressed by gzip or zstandard, as the name's ending says."""

import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import zstandard

_GZIP_LEVEL = 6
_ZSTANDARD_LEVEL = 10
_SEPARATORS = {
    character.encode(): f"\\u{ord(character):04x}".encode() for character in "\x85\u2028\u2029"
}
"""What some readers end a line at, and JSON does not escape."""


class Writer:
    """Writes rows as lines."""

    def __init__(self, path: Path, _n_tokens: int = 0) -> None:
        self._file = path.open("wb")
        self._out: Any = self._file
        if path.suffix == ".gz":
            # No name and no time: the same rows are the same bytes.
            self._out = gzip.GzipFile("", "wb", _GZIP_LEVEL, self._file, mtime=0)
        elif path.suffix == ".zst":
            compressor = zstandard.ZstdCompressor(level=_ZSTANDARD_LEVEL)
            self._out = compressor.stream_writer(self._file, closefd=False)

    def write(self, columns: Mapping[str, Any]) -> None:
        """Write one row."""
        self._out.write(line_of(orjson.dumps(columns)))

    def close(self) -> None:
        """Write what is left and close the file."""
        if self._out is not self._file:
            self._out.close()
        self._file.close()


def line_of(value: bytes) -> bytes:
    """Return a JSON value as a line that is one for every reader."""
    for separator, escape in _SEPARATORS.items():
        value = value.replace(separator, escape)
    return value + b"\n"


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file; raises OSError or ValueError where it is damaged."""
    with path.open("rb") as file:
        lines: Any = file
        if path.suffix == ".gz":
            lines = gzip.GzipFile(fileobj=file)
        elif path.suffix == ".zst":
            lines = io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file))
        try:
            for line in lines:
                yield orjson.loads(line)
        except (EOFError, zlib.error, zstandard.ZstdError) as error:
            raise ValueError(str(error)) from error
