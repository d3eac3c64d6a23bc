"""Splitting long edits between statements.

Both sides are cut at the places that the index keeps for a chunk; the pieces are compared, and
each run of changed pieces becomes a part, widened by its unchanged neighbours up to the limit.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from rsidx.exporters.edits.diff import opcodes


@dataclass(frozen=True, slots=True)
class Part:
    """Ranges of the old and the new text, in bytes from the start of each side.

    Putting `new[new_start:new_end]` in place of `old[old_start:old_end]`, for every part of an
    edit, makes the new text of the old. `lead_start` is where the text that leads up to a
    part of a long addition begins in the new text; it equals `new_start` for all others.
    """

    old_start: int
    old_end: int
    new_start: int
    new_end: int
    lead_start: int


class UnsplittableError(Exception):
    """A side has a line that alone is over the limit."""


def split(
    old: bytes,
    new: bytes,
    old_breaks: Sequence[tuple[int, int]],
    new_breaks: Sequence[tuple[int, int]],
    *,
    max_chars: int,
) -> list[Part]:
    """Split an edit into parts whose old and new text have at most `max_chars` characters.

    Raises UnsplittableError where a single line is longer than that.
    """
    if len(old) <= max_chars and len(new) <= max_chars:
        return [Part(0, len(old), 0, len(new), 0)]
    if _n_chars(old) <= max_chars and _n_chars(new) <= max_chars:
        return [Part(0, len(old), 0, len(new), 0)]
    old_ends = piece_ends(old, old_breaks, max_chars)
    new_ends = piece_ends(new, new_breaks, max_chars)
    sides = _Sides(old, new, old_ends, new_ends, dict(new_breaks), max_chars)
    return sides.parts()


def _n_chars(text: bytes) -> int:
    return len(text.decode("utf-8"))


def piece_ends(text: bytes, breaks: Sequence[tuple[int, int]], max_chars: int) -> list[int]:
    """Return where the pieces end: at the breaks, and at lines where those are too far apart."""
    ends: list[int] = []
    start = 0
    for end in [*(offset for offset, _ in breaks if 0 < offset < len(text)), len(text)]:
        if _n_chars(text[start:end]) > max_chars:
            ends += _line_ends(text, start, end, max_chars)
        if end > start:
            ends.append(end)
        start = end
    return sorted(set(ends))


def _line_ends(text: bytes, start: int, end: int, max_chars: int) -> list[int]:
    ends = []
    length = 0
    for line in text[start:end].splitlines(keepends=True):
        n_chars = _n_chars(line)
        if n_chars > max_chars:
            raise UnsplittableError
        length += n_chars
        if length > max_chars:
            ends.append(start)
            length = n_chars
        start += len(line)
    return ends


class _Sides:
    """Both sides as pieces; hunks are (first old, end old, first new, end new) in pieces."""

    def __init__(
        self,
        old: bytes,
        new: bytes,
        old_ends: list[int],
        new_ends: list[int],
        depths: dict[int, int],
        max_chars: int,
    ) -> None:
        self.old = old
        self.new = new
        self.old_starts = [0, *old_ends]
        self.new_starts = [0, *new_ends]
        self.depths = depths
        self.max_chars = max_chars

    def parts(self) -> list[Part]:
        old = _pieces(self.old, self.old_starts)
        new = _pieces(self.new, self.new_starts)
        hunks = [codes[1:] for codes in opcodes(old, new) if codes[0] != "equal"]
        parts: list[Part] = []
        floor = (0, 0)
        merged = self._merged(hunks)
        for index, hunk in enumerate(merged):
            if self._fits(hunk):
                ceiling = (
                    merged[index + 1][::2] if index + 1 < len(merged) else (len(old), len(new))
                )
                grown = self._grown(hunk, floor, (ceiling[0], ceiling[1]))
                parts.append(self._part(grown))
                floor = (grown[1], grown[3])
            else:
                parts += self._divided(hunk)
                floor = (hunk[1], hunk[3])
        return parts

    def _size(self, hunk: tuple[int, int, int, int]) -> int:
        i1, i2, j1, j2 = hunk
        old = self.old[self.old_starts[i1] : self.old_starts[i2]]
        new = self.new[self.new_starts[j1] : self.new_starts[j2]]
        return max(_n_chars(old), _n_chars(new))

    def _fits(self, hunk: tuple[int, int, int, int]) -> bool:
        return self._size(hunk) <= self.max_chars

    def _merged(self, hunks: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
        """Join neighbouring hunks, with what is between them, while the whole fits."""
        merged: list[tuple[int, int, int, int]] = []
        for hunk in hunks:
            if merged:
                joined = (merged[-1][0], hunk[1], merged[-1][2], hunk[3])
                if self._fits(joined):
                    merged[-1] = joined
                    continue
            merged.append(hunk)
        return merged

    def _grown(
        self, hunk: tuple[int, int, int, int], floor: tuple[int, int], ceiling: tuple[int, int]
    ) -> tuple[int, int, int, int]:
        """Widen a hunk by unchanged pieces on both sides, in turn, while it fits."""
        i1, i2, j1, j2 = hunk
        going = True
        while going:
            going = False
            if i1 > floor[0] and j1 > floor[1] and self._fits((i1 - 1, i2, j1 - 1, j2)):
                i1, j1, going = i1 - 1, j1 - 1, True
            if i2 < ceiling[0] and j2 < ceiling[1] and self._fits((i1, i2 + 1, j1, j2 + 1)):
                i2, j2, going = i2 + 1, j2 + 1, True
        return i1, i2, j1, j2

    def _part(self, hunk: tuple[int, int, int, int]) -> Part:
        i1, i2, j1, j2 = hunk
        start = self.new_starts[j1]
        return Part(self.old_starts[i1], self.old_starts[i2], start, self.new_starts[j2], start)

    def _divided(self, hunk: tuple[int, int, int, int]) -> list[Part]:
        """Divide a hunk that does not fit: groups of new pieces, the old ones shared out."""
        i1, i2, j1, j2 = hunk
        new_groups = self._groups(self.new_starts, self.new, j1, j2)
        old_groups = self._groups(self.old_starts, self.old, i1, i2)
        n_parts = max(len(new_groups), len(old_groups))
        old_groups += [(i2, i2)] * (n_parts - len(old_groups))
        new_groups += [(j2, j2)] * (n_parts - len(new_groups))
        parts = []
        for (old_first, old_end), (new_first, new_end) in zip(old_groups, new_groups, strict=True):
            start = self.new_starts[new_first]
            lead = (
                self._lead(start)
                if self.old_starts[old_first] == self.old_starts[old_end]
                else start
            )
            parts.append(
                Part(
                    self.old_starts[old_first],
                    self.old_starts[old_end],
                    start,
                    self.new_starts[new_end],
                    lead,
                )
            )
        return parts

    def _groups(
        self, starts: list[int], text: bytes, first: int, end: int
    ) -> list[tuple[int, int]]:
        """Group pieces up to the limit; a group ends at the shallowest place in its second half."""
        groups = []
        while first < end:
            last = first + 1
            while last < end and _n_chars(text[starts[first] : starts[last + 1]]) <= self.max_chars:
                last += 1
            if last < end:
                half = starts[first] + self.max_chars // 2
                choices = [at for at in range(first + 1, last + 1) if starts[at] >= half] or [last]
                last = min(choices, key=lambda at: (self.depths.get(starts[at], 99), -at))
            groups.append((first, last))
            first = last
        return groups

    def _lead(self, start: int) -> int:
        """Return where a quarter of the limit before `start` begins, at a line."""
        begin = max(0, start - self.max_chars // 4)
        if begin == 0:
            return 0
        line = self.new.find(b"\n", begin, start)
        return start if line < 0 else line + 1


def _pieces(text: bytes, starts: list[int]) -> list[bytes]:
    return [text[start:end] for start, end in itertools.pairwise(starts)]
