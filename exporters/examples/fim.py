"""Fill in the middle: a hole in the new file, and the code around it.

The middle is always a part of what a commit changed: the lines that it added, a run of whole
statements or items, some lines, or some characters. Which, and whether the suffix comes first,
follows from the edit and the seed, so the same export makes the same holes.
"""

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from rsidx.exporters.context.excerpts import Excerpt
from rsidx.exporters.edits.diff import added_lines
from rsidx.exporters.edits.edit import Edit, Side
from rsidx.exporters.edits.splitting import Part
from rsidx.exporters.examples.draft import Draft, MapText, Source
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.kind import Kind, Limits, Shown, Sources, items_only
from rsidx.store.records import CommitRow

if TYPE_CHECKING:  # A configuration names its kind, so it imports this module.
    from rsidx.exporters.config import ExportConfig

MIDDLES = ("commit", "node", "line", "char")
"""What a middle may be: added lines, whole statements or items, some lines, some characters."""
_MAX_SHARE = 4
"""A middle has at most one in so many of the characters that an example may have."""
_MAX_LINES = 2000
_FILES_KEPT = 4
_HOLES_KEPT = 1000


@dataclass(frozen=True, slots=True)
class HoleCode:
    """A hole in a file: the code around it, and `new`, the code that fills it.

    In bytes of the blob, what is shown begins at `start` and ends at `end`, and the hole at
    `hole_start` and `hole_end`. `middle` is one of `MIDDLES`, empty in a prompt.
    """

    prefix: str
    new: str
    suffix: str
    blob_id: int
    start: int
    hole_start: int
    hole_end: int
    end: int
    is_suffix_first: bool
    middle: str

    roles: ClassVar[tuple[str, ...]] = ("prompt", "context", "prefix", "suffix", "new")
    has_old: ClassVar[bool] = False

    @property
    def variant(self) -> str:
        """Empty: a place has one hole."""
        return ""

    @property
    def n_chars(self) -> int:
        """The characters around the hole."""
        return len(self.prefix) + len(self.suffix)

    @property
    def target(self) -> str:
        """The code that fills the hole."""
        return self.new

    @property
    def is_changed(self) -> bool:
        """Always: a hole is something to write."""
        return True

    @property
    def texts(self) -> dict[str, str]:
        """The code that fills the hole; it has no old code."""
        return {"old": "", "new": self.new}

    @property
    def facts(self) -> dict[str, Any]:
        """Where the hole is in its file, and how it was chosen."""
        return {
            "around": {
                "start": self.start,
                "end": self.end,
                "is_suffix_first": self.is_suffix_first,
                "middle": self.middle,
            }
        }

    def shows(self, excerpt: Excerpt) -> bool:
        """Tell whether the file around the hole shows an excerpt; an outline adds nothing to it."""
        return excerpt.section == "outline" or excerpt.text.strip() in self.prefix + self.suffix

    def with_line_ends(self, line_ends: str) -> "HoleCode":
        """Return the same: a hole is in the new file, which is all around it."""
        del line_ends
        return self

    def map_texts(self, change: MapText, edit: Edit, part: Part) -> "HoleCode":
        """Return the same with its texts changed."""
        del edit, part
        ranges = (
            (self.start, self.hole_start),
            (self.hole_start, self.hole_end),
            (self.hole_end, self.end),
        )
        before, inside, behind = (Source(self.blob_id, (one,)) for one in ranges)
        return replace(
            self,
            prefix=change(self.prefix, before),
            new=change(self.new, inside),
            suffix=change(self.suffix, behind),
        )


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


@dataclass(frozen=True, slots=True)
class HoleOptions:
    """Which holes are made: `spm` is the share (0 to 1) in suffix-prefix-middle order.

    The holes follow from the seed and from `max_chars`, the length of an example.
    """

    middles: tuple[str, ...] = MIDDLES
    spm: float = 0.5
    seed: int = 0
    max_chars: int = 4000


class HoleExamples:
    """Makes an example of a hole in an edit's new code."""

    def __init__(self, sources: Sources, config: "ExportConfig") -> None:
        self._reader = sources.reader
        self._texts = sources.texts
        self._cuts_secret = sources.cuts_secret
        # Many edits are of one file.
        self._file_text = lru_cache(_FILES_KEPT)(sources.reader.blob_text)
        # Its place is asked for before its code.
        self._hole = lru_cache(_HOLES_KEPT)(self._chosen)
        self._options = HoleOptions(
            config.fim_middles, config.fim_spm, config.seed, config.max_chars
        )

    def wants(self, commit: CommitRow) -> bool:
        """Return True: any commit may have new code."""
        del commit
        return True

    def file_without_hole(self, edit: Edit) -> tuple[bytes, int] | None:
        """Return the new file without the code of the hole, and the hole's offset."""
        if edit.new is None:
            return None
        hole = self._hole(edit)
        if hole is None:
            return None
        text = self._file_text(edit.new.blob_id)
        start, end = edit.new.start + hole.start, edit.new.start + hole.end
        return text[:start] + text[end:], start

    def questions(self, draft: Draft, max_chars: int) -> list[Example]:
        """Return none: a hole has no old code."""
        del draft, max_chars
        return []

    def of(self, draft: Draft, limits: Limits) -> tuple[list[Example], Counter[str]]:
        """Return an example of a hole with the code around it; none if none fits.

        Counts `edits_without_middle` and `edits_cutting_a_secret`.
        """
        side = draft.edit.new
        if side is None:
            return [], Counter()
        hole = self._hole(draft.edit)
        if hole is None:
            return [], Counter(edits_without_middle=1)
        bounds = side.start + hole.start, side.start + hole.end
        code = code_around(self._file_text(side.blob_id), side.blob_id, bounds, limits.new_chars)
        if self._cuts_secret(side.blob_id, (code.start, *bounds, code.end)):
            return [], Counter(edits_cutting_a_secret=1)
        code = replace(code, is_suffix_first=hole.is_suffix_first, middle=hole.middle)
        part = Part(0, 0, hole.start, hole.end, hole.start)
        return [Example(draft, part, 0, 1, code)], Counter()

    def _edited(self, edit: Edit, side: Side) -> EditedText:
        return EditedText(
            self._texts.text(edit.old),
            self._texts.text(side),
            self._file_text(side.blob_id),
            side.start,
            self._texts.breaks(side),
        )

    def _chosen(self, edit: Edit) -> "Hole | None":
        side = edit.new
        assert side is not None
        text = self._edited(edit, side)
        path = self._reader.path(side.path_id).decode("utf-8", "replace")
        blob = self._reader.blob(side.blob_id).oid.hex()
        return choose_hole(text, f"{path}\0{blob}\0{side.start}", self._options)


def code_around(file: bytes, blob_id: int, bounds: tuple[int, int], max_chars: int) -> HoleCode:
    """Return the code of a hole, the prefix first; with what is around it, of `max_chars` at most.

    `bounds` are those of the hole in the file.
    """
    start, end = bounds
    first, last = text_around(file, start, end, max_chars)
    return HoleCode(
        prefix=file[first:start].decode("utf-8"),
        new=file[start:end].decode("utf-8"),
        suffix=file[end:last].decode("utf-8"),
        blob_id=blob_id,
        start=first,
        hole_start=start,
        hole_end=end,
        end=last,
        is_suffix_first=False,
        middle="",
    )


@dataclass(frozen=True, slots=True)
class Hole:
    """A range of an edit's new text that is cut out."""

    start: int
    end: int
    middle: str
    is_suffix_first: bool


def choose_hole(text: EditedText, where: str, options: HoleOptions) -> Hole | None:
    """Return a hole in an edit's new text; None where nothing can be cut out.

    `where` is the edit's identity: the same edit has the same hole.
    """
    rng = random.Random(hashlib.blake2b(f"{options.seed}\0{where}".encode()).digest())
    middles = sorted(options.middles)
    rng.shuffle(middles)
    is_suffix_first = rng.random() < options.spm
    for middle in middles:
        bounds = _CHOOSERS[middle](text, rng, options.max_chars // _MAX_SHARE)
        if bounds is not None:
            return Hole(*bounds, middle, is_suffix_first)
    return None


def text_around(file: bytes, start: int, end: int, max_chars: int) -> tuple[int, int]:
    """Return the range of a file to show around a hole: whole lines, as much before as behind.

    Together with the longest hole that an example may have, it has at most `max_chars` bytes: how
    much is shown does not tell how long the hole is.
    """
    left = max_chars - max_chars // _MAX_SHARE
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
    """Return a range without the white space at its ends; None if nothing is left."""
    text = new[start:end]
    if not text.strip():
        return None
    n_blank = len(text) - len(text.lstrip())
    return start + n_blank, start + n_blank + len(text.strip())


def _added(text: EditedText, rng: random.Random, most: int) -> tuple[int, int] | None:
    """Choose one of the runs of lines that the commit added."""
    if max(len(text.old.splitlines()), len(text.new.splitlines())) > _MAX_LINES:
        return None
    runs = [
        trimmed
        for first, last in added_lines(text.old, text.new)
        if (trimmed := _trimmed(text.new, first, last)) is not None
        and trimmed[1] - trimmed[0] <= most
    ]
    return rng.choice(runs) if runs else None


def _nodes(text: EditedText, rng: random.Random, most: int) -> tuple[int, int] | None:
    """Choose a run of whole statements or items: from one break to a later one as deep."""
    runs = []
    for index, (start, depth) in enumerate(text.breaks):
        for end, other in text.breaks[index + 1 :]:
            if other < depth or end - start > most:
                break
            if other == depth:
                trimmed = _trimmed(text.new, start, end)
                if trimmed is not None:
                    runs.append(trimmed)
    return rng.choice(runs) if runs else None


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


_CHOOSERS = {"commit": _added, "node": _nodes, "line": _lines, "char": _characters}


def _shown(meta: Mapping[str, Any]) -> Iterator[Shown]:
    hole, around = meta["new"], meta["around"]
    yield Shown("prefix", "new", {**hole, "start": around["start"], "end": hole["start"]})
    yield Shown("new", "new", hole)
    yield Shown("suffix", "new", {**hole, "start": hole["end"], "end": around["end"]})


FIM = Kind(
    "fim",
    "Holes in edits",
    "Holes to fill in, in what the commits of a Rust repository changed: what is around each, "
    "and what belongs there",
    level="item",
    has_prompt=True,
    divides=False,
    has_message=False,
    conflict=items_only,
    examples=HoleExamples,
    shown=_shown,
)
