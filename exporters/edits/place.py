"""Where a hole in a file stands: by the old file and the rest of the new, not by its filling."""

from bisect import bisect_right
from io import BytesIO
from itertools import accumulate

from rsidx.exporters.edits.diff import opcodes
from rsidx.exporters.edits.pairing import Edit, Side, edit_of
from rsidx.store.reader import Reader
from rsidx.store.records import ChunkRow


def edit_at_hole(
    reader: Reader, path_id: int, old_blob_id: int | None, file: bytes, offset: int
) -> Edit:
    """Return the edit that filling a hole will be, without a new side.

    `file` is the file without what belongs at `offset`; `old_blob_id` is the version that it is
    compared with, None for a new file. The old side is the chunk of that version which the hole is
    in; it has none where the hole is between two.
    """
    chunks = reader.chunks(old_blob_id) if old_blob_id is not None else ()
    if old_blob_id is None or not chunks:
        return _addition("")
    old = reader.blob_text(old_blob_id)
    at, is_between_lines = _offset_in_old(old, file, offset)
    starts = list(accumulate((chunk.n_bytes for chunk in chunks), initial=0))
    number = min(bisect_right(starts, at), len(chunks)) - 1
    if is_between_lines and (at in (starts[number], len(old))):
        before = chunks[number - 1] if at == starts[number] and number else None
        return _addition(_container(before if at < len(old) else chunks[-1], chunks[number]))
    side = Side(path_id, old_blob_id, number, starts[number], (chunks[number],))
    return edit_of(reader, side)


def _addition(container: str) -> Edit:
    return Edit("add", "", "", container, is_test=False, old=None, new=None)


def _container(before: ChunkRow | None, behind: ChunkRow) -> str:
    """Return the container of what comes between two chunks, as far as they tell."""
    for chunk in (before, behind):
        if chunk is not None and not chunk.kind.endswith(("_header", "_footer")):
            return chunk.container
    return behind.container


def _offset_in_old(old: bytes, file: bytes, offset: int) -> tuple[int, bool]:
    """Return where in the old text a hole is, and whether it is between two of its lines.

    Of lines that differ, the hole is in the one that stands in their place.
    """
    # As rustc counts them: a carriage return alone ends no line.
    old_lines, lines = BytesIO(old).readlines(), BytesIO(file).readlines()
    starts = list(accumulate(map(len, old_lines), initial=0))
    line = file.count(b"\n", 0, offset)
    column = offset - (file.rfind(b"\n", 0, offset) + 1)
    for tag, i1, i2, j1, j2 in opcodes(old_lines, lines):
        if tag == "delete" and j1 == line:
            return starts[i1], False
        if not j1 <= line < j2:
            continue
        if tag == "equal":
            return starts[i1 + line - j1] + column, column == 0
        if tag == "insert":
            return starts[i1], True
        return starts[min(i1 + line - j1, i2 - 1)], False
    return len(old), True
