"""Fill in the middle: a hole in the new file, and what stands around it.

The middle is always a part of what a commit changed: the lines that it added, a run of whole
statements or items, some lines, or some characters. Which, and whether the suffix comes first,
follows from the edit and the seed, so the same export makes the same holes.
"""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rsidx.exporters.edits.diff import opcodes
from rsidx.exporters.edits.splitting import Part
from rsidx.exporters.examples.example import Example, FimContext

MIDDLES = ("commit", "node", "line", "char")
"""What a middle may be: added lines, whole statements or items, some lines, some characters."""
_MAX_SHARE = 4
"""A middle is at most this part of the characters that an example may have."""
_MAX_LINES = 2000


@dataclass(frozen=True, slots=True)
class FimOptions:
    """Which middles are made, how often the suffix comes first (0 to 1), and a seed."""

    middles: tuple[str, ...] = MIDDLES
    spm: float = 0.5
    seed: int = 0


@dataclass(frozen=True, slots=True)
class EditedText:
    """The texts of an edit and of its new file, and where the new code may be cut.

    `start` is the new code's offset in the file; `breaks` are (offset, depth) in the new code.
    """

    old: bytes
    new: bytes
    file: bytes
    start: int
    breaks: Sequence[tuple[int, int]]


def fill_in(
    whole: Example, text: EditedText, where: str, options: FimOptions, max_chars: int, room: int
) -> Example | None:
    """Return the example of a hole in an edit's new code; None where there is nothing to cut out.

    `where` is the edit's identity, `max_chars` what an example may have (the middle follows from
    it), and `room` the characters of the middle and what is around it, at most so many.
    """
    rng = random.Random(hashlib.blake2b(f"{options.seed}\0{where}".encode()).digest())
    kinds = list(options.middles)
    rng.shuffle(kinds)
    is_suffix_first = rng.random() < options.spm
    for kind in kinds:
        found = _MIDDLE[kind](text, rng, max_chars // _MAX_SHARE)
        if found is not None:
            start, end = found
            return _example(whole, text, (start, end), kind, room, is_suffix_first)
    return None


def _example(
    whole: Example,
    text: EditedText,
    middle: tuple[int, int],
    kind: str,
    room: int,
    is_suffix_first: bool,
) -> Example:
    start, end = middle
    first, last = _window(text.file, text.start + start, text.start + end, room)
    around = FimContext(
        prefix=text.file[first : text.start + start].decode("utf-8"),
        suffix=text.file[text.start + end : last].decode("utf-8"),
        start=first,
        end=last,
        is_suffix_first=is_suffix_first,
        middle=kind,
    )
    return replace(
        whole,
        part=Part(0, 0, start, end, start),
        n_parts=1,
        new=text.new[start:end].decode("utf-8"),
        around=around,
    )


def _window(file: bytes, start: int, end: int, room: int) -> tuple[int, int]:
    """Return what is shown of a file around a hole: whole lines, as much before as behind."""
    left = max(0, room - (end - start))
    before = min(start, max(left // 2, left - (len(file) - end)))
    first, last = start - before, min(len(file), end + left - before)
    if first > 0:
        line = file.find(b"\n", first, start)
        first = line + 1 if line >= 0 else _character(file, first, start)
    if last < len(file):
        line = file.rfind(b"\n", end, last)
        last = line + 1 if line >= 0 else _character(file, last, end)
    return first, last


def _character(file: bytes, offset: int, towards: int) -> int:
    """Return the next offset at which a character begins."""
    step = 1 if towards > offset else -1
    while offset != towards and file[offset] & 0xC0 == 0x80:
        offset += step
    return offset


def _trimmed(new: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Leave the white space at both ends to what is around; None where nothing is left."""
    text = new[start:end]
    if not text.strip():
        return None
    lead = len(text) - len(text.lstrip())
    return start + lead, start + lead + len(text.strip())


def _added(text: EditedText, rng: random.Random, most: int) -> tuple[int, int] | None:
    """Choose one of the runs of lines that the commit added."""
    old, new = text.old.splitlines(keepends=True), text.new.splitlines(keepends=True)
    if max(len(old), len(new)) > _MAX_LINES:
        return None
    offsets = [0]
    for line in new:
        offsets.append(offsets[-1] + len(line))
    runs = [
        trimmed
        for tag, _, _, first, last in opcodes(old, new)
        if tag in ("insert", "replace")
        and (trimmed := _trimmed(text.new, offsets[first], offsets[last])) is not None
        and trimmed[1] - trimmed[0] <= most
    ]
    return rng.choice(runs) if runs else None


def _nodes(text: EditedText, rng: random.Random, most: int) -> tuple[int, int] | None:
    """Choose a run of whole statements or items: from one break to a later one as deep."""
    found = []
    for index, (start, depth) in enumerate(text.breaks):
        for end, other in text.breaks[index + 1 :]:
            if other < depth or end - start > most:
                break
            if other == depth:
                trimmed = _trimmed(text.new, start, end)
                if trimmed is not None:
                    found.append(trimmed)
    return rng.choice(found) if found else None


def _lines(text: EditedText, rng: random.Random, most: int) -> tuple[int, int] | None:
    """Choose a run of lines."""
    offsets = [0]
    for line in text.new.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    first = rng.randrange(len(offsets))
    last = min(len(offsets) - 1, first + 1 + int(rng.expovariate(1 / 4)))
    while last > first and offsets[last] - offsets[first] > most:
        last -= 1
    return _trimmed(text.new, offsets[first], offsets[last])


def _characters(text: EditedText, rng: random.Random, most: int) -> tuple[int, int] | None:
    """Choose a run of characters that begins and ends anywhere."""
    if not text.new.strip():
        return None
    first = rng.randrange(len(text.new))
    last = min(len(text.new), first + rng.randint(1, max(1, most // 4)))
    first, last = _character(text.new, first, 0), _character(text.new, last, len(text.new))
    return (first, last) if text.new[first:last].strip() else None


_MIDDLE = {"commit": _added, "node": _nodes, "line": _lines, "char": _characters}
