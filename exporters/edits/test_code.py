"""Which code is test code, by where it stands and what it says of itself."""

import posixpath
import re

from rsidx.store.reader import Reader
from rsidx.store.records import TEST_MARK, ChunkRow

_FOLDERS = frozenset({"tests", "benches"})
_NAME = re.compile(r"(?:.*_)?tests?\.rs\Z", re.DOTALL)


def is_test_path(path: bytes) -> bool:
    """Tell whether a file is one of tests or benchmarks by its name, or by that of a folder."""
    *folders, name = path.decode("utf-8", "replace").split(posixpath.sep)
    return not _FOLDERS.isdisjoint(folders) or _NAME.match(name) is not None


def is_test_chunk(reader: Reader, chunk: ChunkRow) -> bool:
    """Tell whether a chunk is test code by its container, or by attributes of all that it has."""
    if TEST_MARK in chunk.container:
        return True
    symbols = reader.symbols(chunk.id)
    marks = [one.is_test for one in symbols or reader.imports(chunk.id)]
    return bool(marks) and all(marks)
