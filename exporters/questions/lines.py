"""Lines of files, counted from 1."""

from rsidx.store.reader import Reader


def line_of(reader: Reader, blob_id: int, offset: int) -> int:
    """Return the line that an offset of a blob is in."""
    return 1 + reader.blob_text(blob_id).count(b"\n", 0, offset)
