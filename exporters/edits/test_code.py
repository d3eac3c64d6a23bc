"""Which code is test code, by where it stands and what it says of itself."""

import posixpath
import re

from rsidx.store.reader import Reader
from rsidx.store.records import TEST_MARK, ChunkRow

_FOLDERS = frozenset({"tests", "benches"})
_NAME = re.compile(r"(?:.*_)?tests?\.rs\Z", re.DOTALL)


def is_test_file(reader: Reader, path_id: int, blob_id: int | None) -> bool:
    """Tell whether a file is one of tests or benchmarks by a folder, or by its name.

    `blob_id` is what is known of it, None for nothing. A name says so only where the file has a
    test: `src/cmd/test.rs` may be a command.
    """
    *folders, name = reader.path(path_id).decode("utf-8", "replace").split(posixpath.sep)
    if not _FOLDERS.isdisjoint(folders):
        return True
    return _NAME.match(name) is not None and (blob_id is None or _has_test(reader, blob_id))


def _has_test(reader: Reader, blob_id: int) -> bool:
    """Tell whether something in a file is test code, or whether nothing in it is known."""
    chunks = reader.chunks(blob_id)
    return not chunks or any(
        TEST_MARK in chunk.container or any(one.is_test for one in reader.symbols(chunk.id))
        for chunk in chunks
    )


def is_test_chunk(reader: Reader, chunk: ChunkRow) -> bool:
    """Tell whether a chunk is test code by its container, or by attributes of all that it has."""
    if TEST_MARK in chunk.container:
        return True
    symbols = reader.symbols(chunk.id)
    marks = [one.is_test for one in symbols or reader.imports(chunk.id)]
    return bool(marks) and all(marks)
