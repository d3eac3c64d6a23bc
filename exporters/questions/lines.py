"""Lines of files, counted from 1."""

from rsidx.exporters.edits.edit import Side
from rsidx.store.reader import Reader


def line_of(reader: Reader, blob_id: int, offset: int) -> int:
    """Return the line that an offset of a blob is in."""
    return 1 + reader.blob_text(blob_id).count(b"\n", 0, offset)


def line_start(file: bytes, line: int) -> int:
    """Return where a line begins, as an offset; behind the file for one that is not there."""
    start = 0
    for _ in range(line - 1):
        start = file.find(b"\n", start) + 1
        if not start:
            return len(file)
    return start


def first_line(reader: Reader, side: Side) -> int:
    """Return the line where a side begins, but for the blank lines in front of it."""
    text = reader.text(side.chunks[0].id)
    return line_of(reader, side.blob_id, side.start + len(text) - len(text.lstrip()))
