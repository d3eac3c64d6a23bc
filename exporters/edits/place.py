"""Where a hole in a file stands: by the old file and the rest of the new, not by its filling."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from io import BytesIO
from itertools import accumulate

from rsidx.exporters.edits.diff import opcodes
from rsidx.exporters.edits.edit import Insertion, Place, Side, edit_of
from rsidx.store.reader import Reader
from rsidx.store.records import ChunkRow


def place_of_hole(
    reader: Reader, path_id: int, old_blob_id: int | None, file: bytes, offset: int
) -> Place:
    """Return the place of the edit that filling a hole will be.

    `file` is the file without what belongs at `offset`; `old_blob_id` is the version that it is
    compared with, None for a new file. The old side is the chunk of that version which the hole is
    in; it has none where the hole is between two.
    """
    chunks = reader.chunks(old_blob_id) if old_blob_id is not None else ()
    if old_blob_id is None or not chunks:
        return Place("add", path_id, "", is_test=False)
    old = reader.blob_text(old_blob_id)
    at, is_between_lines = _offset_in_old(old, file, offset)
    starts = list(accumulate((chunk.n_bytes for chunk in chunks), initial=0))
    number = min(bisect_right(starts, at), len(chunks)) - 1
    # A chunk begins with the blank lines in front of its item.
    is_in_front = not old[starts[number] : at].strip()
    if is_between_lines and (is_in_front or at == len(old)):
        before = chunks[number - 1] if number else None
        container = _container(before if is_in_front else chunks[-1], chunks[number])
        position = number if is_in_front else len(chunks)
        insertion = Insertion(path_id, old_blob_id, position)
        return Place("add", path_id, container, is_test=False, insertion=insertion)
    side = Side(path_id, old_blob_id, number, starts[number], (chunks[number],))
    return edit_of(reader, side).place


def _container(before: ChunkRow | None, behind: ChunkRow) -> str:
    """Return the container of what comes between two chunks, as far as they tell."""
    for chunk in (before, behind):
        if chunk is not None and not chunk.kind.endswith(("_header", "_footer")):
            return chunk.container
    return behind.container


def _offset_in_old(old: bytes, file: bytes, offset: int) -> tuple[int, bool]:
    """Return where in the old text a hole is, and whether it is between two of its lines.

    Of lines that differ, the hole is in the one that stands in their place. A hole at the
    beginning of a line takes the place of those that are gone in front of it.
    """
    # As rustc counts them: a carriage return alone ends no line.
    old_lines, lines = BytesIO(old).readlines(), BytesIO(file).readlines()
    starts = list(accumulate(map(len, old_lines), initial=0))
    line = file.count(b"\n", 0, offset)
    column = offset - (file.rfind(b"\n", 0, offset) + 1)
    first_old, end_old, first, end = _stretch(old_lines, lines, line)
    starts = starts[first_old : end_old + 1]
    line -= first
    for tag, i1, i2, j1, j2 in opcodes(old_lines[first_old:end_old], lines[first:end]):
        if tag == "delete" and j1 == line and column == 0:
            return starts[i1], False
        if not j1 <= line < j2:
            continue
        if tag == "equal":
            return starts[i1 + line - j1] + column, column == 0
        if tag == "insert":
            return starts[i1], True
        return starts[min(i1 + line - j1, i2 - 1)], False
    return starts[-1], True


def _stretch(old: Sequence[bytes], new: Sequence[bytes], line: int) -> tuple[int, int, int, int]:
    """Return the lines of both texts around one of the new text, up to the nearest anchors.

    Anchors are lines that both texts have once, in the same order. A commit may have hundreds of
    holes in one file, and to compare all of its lines for each took half a second.
    """
    before, behind = (-1, -1), (len(old), len(new))
    for anchor in _increasing(_unique_pairs(old, new)):
        if anchor[1] < line:
            before = anchor
        elif anchor[1] > line:
            behind = anchor
            break
    return before[0] + 1, behind[0], before[1] + 1, behind[1]


def _unique_pairs(old: Sequence[bytes], new: Sequence[bytes]) -> list[tuple[int, int]]:
    """Return where the lines are that both texts have once, in the order of the new one."""
    in_old, in_new = Counter(old), Counter(new)
    places = {text: place for place, text in enumerate(old) if in_old[text] == in_new[text] == 1}
    return [(places[text], place) for place, text in enumerate(new) if text in places]


def _increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest run of pairs, gaps allowed, whose first numbers increase."""
    ends: list[int] = []
    numbers: list[int] = []
    before: list[int] = []
    for number, (place, _) in enumerate(pairs):
        length = bisect_left(ends, place)
        before.append(numbers[length - 1] if length else -1)
        ends[length : length + 1] = [place]
        numbers[length : length + 1] = [number]
    found = []
    number = numbers[-1] if numbers else -1
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]
