"""Splitting long edits between statements.

The old code alone says where: it is cut into windows at the places that the index keeps for a
chunk, and each window that the commit changed becomes a part, with what has taken its place in the
new code. Only new code that has no old code, or that outgrows its window, is cut by itself.
"""

import itertools
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rsidx.exporters.edits.diff import opcodes
from rsidx.exporters.edits.similarity import strip_insignificant, words
from rsidx.store.records import IN_STATEMENT

Breaks = Sequence[tuple[int, int]]
"""Where a text may be cut, and how deep inside of blocks that is."""
_OPENING = (b"{", b"(", b"[")
_DEEPER_BYTES = 40
"""A place that is one block deeper is worth as much as one that is so much further away."""
_LEAD_SHARE = 4
_MAX_BLANKS = 200


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


@dataclass(frozen=True, slots=True)
class Window:
    """A range of a text, in bytes; it `fits` unless there is no place to cut it."""

    start: int
    end: int
    fits: bool


class UnsplittableError(Exception):
    """A side has a line that alone is over the limit."""


def windows(text: bytes, breaks: Breaks, max_chars: int) -> list[Window]:
    """Return a text as windows of at most `max_chars` characters, about equally long.

    They are cut between statements, and inside of one only between the elements of its lists, and
    only if it is too long. A window that cannot be cut may be longer.
    """
    if n_chars(text) <= max_chars:
        return [Window(0, len(text), fits=True)]
    cuts = _Cuts(text, breaks, max_chars)
    found = []
    start = 0
    while start < len(text):
        end = cuts.after(start)
        found.append(Window(start, end, fits=n_chars(text[start:end]) <= max_chars))
        start = end
    return found


def split(
    old: bytes,
    new: bytes,
    old_breaks: Breaks,
    new_breaks: Breaks,
    *,
    max_chars: int,
    max_new_chars: int | None = None,
) -> tuple[list[Part], int]:
    """Split an edit into parts, and count the places that are too long and cannot be cut.

    The old text of a part has at most `max_chars` characters, the new one `max_new_chars`, by
    default as many. A short edit is one part even if nothing changes. What takes the place of old
    text has no part if any piece of it is too long.
    """
    max_new_chars = max_chars if max_new_chars is None else max_new_chars
    sides = windows(old, old_breaks, max_chars)
    new_starts = [0, *_aligned(old, new, old_breaks, new_breaks, sides), len(new)]
    parts: list[Part] = []
    n_too_long = 0
    for window, (start, end) in zip(sides, itertools.pairwise(new_starts), strict=True):
        is_same = old[window.start : window.end] == new[start:end]
        if is_same and len(sides) > 1:
            continue
        if not window.fits:
            n_too_long += 1
            continue
        inside = [(at - start, depth) for at, depth in new_breaks if start < at < end]
        pieces = windows(new[start:end], inside, max_new_chars)
        n_unfit = sum(not piece.fits for piece in pieces)
        n_too_long += n_unfit
        if old and n_unfit:
            # The others would be an answer that stops, or begins, in the middle.
            continue
        for number, piece in enumerate(pieces):
            if not piece.fits:
                continue
            old_start = window.end if number else window.start
            new_start = start + piece.start
            lead = _lead(new_breaks, new_start, max_new_chars) if number else new_start
            parts.append(Part(old_start, window.end, new_start, start + piece.end, lead))
    return parts, n_too_long


def n_chars(text: bytes) -> int:
    """Return how many characters a text has."""
    return len(text.decode("utf-8"))


class _Cuts:
    """Chooses where the windows of a text end."""

    def __init__(self, text: bytes, breaks: Breaks, max_chars: int) -> None:
        self._text = text
        self._max_chars = max_chars
        inner = [(at, depth) for at, depth in breaks if 0 < at < len(text)]
        good = [(at, d) for at, d in inner if d < IN_STATEMENT and not self._is_opening(at)]
        self._places: list[tuple[int, int]] = []
        for start, end in itertools.pairwise([(0, 0), *good, (len(text), 0)]):
            if n_chars(text[start[0] : end[0]]) > max_chars:
                self._places += [one for one in inner if start[0] < one[0] < end[0]]
            self._places.append(end)

    def _is_opening(self, at: int) -> bool:
        """Tell whether a bracket opens right before a place, which would be left open."""
        return self._text[max(0, at - _MAX_BLANKS) : at].rstrip().endswith(_OPENING)

    def after(self, start: int) -> int:
        """Return the end of the window that begins at a place."""
        n_left = n_chars(self._text[start:])
        aim = n_left // -(-n_left // self._max_chars)
        first = bisect_left(self._places, (start + 1, 0))
        choices = []
        length = 0
        before = start
        for place in self._places[first:]:
            length += n_chars(self._text[before : place[0]])
            before = place[0]
            if length > self._max_chars:
                break
            choices.append((length, place))
        if not choices:
            return self._places[first][0]
        far = [choice for choice in choices if 2 * choice[0] >= aim] or choices[-1:]
        _, (end, _) = min(far, key=lambda choice: (choice[1][1], abs(choice[0] - aim)))
        return end


def _aligned(
    old: bytes, new: bytes, old_breaks: Breaks, new_breaks: Breaks, sides: Sequence[Window]
) -> Iterator[int]:
    """Yield the places of the new text where the windows of the old one end, but for the last."""
    if len(sides) == 1:
        return
    old_starts, new_starts = _starts(old, old_breaks), _starts(new, new_breaks)
    codes = opcodes(_pieces(old, old_starts), _pieces(new, new_starts))
    depths = dict(new_breaks)
    by_word: dict[int, _Words] = {}
    reached = 0
    for window in sides[:-1]:
        index = bisect_left(old_starts, window.end)
        tag, i1, i2, j1, j2 = next(code for code in codes if code[1] <= index <= code[2])
        if tag == "equal":
            at = new_starts[j1 + index - i1]
        elif index in (i1, i2) or j1 == j2:
            at = new_starts[j1 if index == i1 else j2]
        else:
            if i1 not in by_word:
                by_word[i1] = _Words(
                    old[old_starts[i1] : old_starts[i2]], new[new_starts[j1] : new_starts[j2]]
                )
            expected = new_starts[j1] + by_word[i1].moved(window.end - old_starts[i1])
            at = min(
                new_starts[j1 : j2 + 1],
                key=lambda at: abs(at - expected) + _DEEPER_BYTES * depths.get(at, 0),
            )
        reached = max(reached, at)
        yield reached


def _starts(text: bytes, breaks: Breaks) -> list[int]:
    return [0, *(at for at, _ in breaks if 0 < at < len(text)), len(text)]


def _pieces(text: bytes, starts: Sequence[int]) -> list[bytes]:
    """Return what is between the places, as it is compared: code that is only indented is alike."""
    return [strip_insignificant(text[start:end]) for start, end in itertools.pairwise(starts)]


class _Words:
    """Two texts, compared by their words."""

    def __init__(self, old: bytes, new: bytes) -> None:
        old_words, new_words = words(old), words(new)
        self._old_starts = [word.start() for word in old_words]
        self._new_starts = [*(word.start() for word in new_words), len(new)]
        self._codes = opcodes(
            [word.group() for word in old_words], [word.group() for word in new_words]
        )

    def moved(self, offset: int) -> int:
        """Return where a place of the old text is in the new one, by the words around it."""
        number = bisect_left(self._old_starts, offset)
        for _, i1, i2, j1, j2 in self._codes:
            if number <= i2:
                return self._new_starts[j1 + (number - i1) * (j2 - j1) // max(1, i2 - i1)]
        return self._new_starts[-1]


def _lead(breaks: Breaks, start: int, max_chars: int) -> int:
    """Return where the code that leads up to a place begins: at a statement of a quarter before."""
    first = max(0, start - max_chars // _LEAD_SHARE)
    return next((at for at, _ in ((0, 0), *breaks) if first <= at < start), start)


def piece_ends(text: bytes, breaks: Breaks, max_chars: int) -> list[int]:
    """Return where the pieces end: at the breaks, and at lines where those are too far apart.

    Raises UnsplittableError where a single line is longer than that.
    """
    ends: list[int] = []
    start = 0
    for end in [*(offset for offset, _ in breaks if 0 < offset < len(text)), len(text)]:
        if n_chars(text[start:end]) > max_chars:
            ends += _line_ends(text, start, end, max_chars)
        if end > start:
            ends.append(end)
        start = end
    return sorted(set(ends))


def _line_ends(text: bytes, start: int, end: int, max_chars: int) -> list[int]:
    ends = []
    length = 0
    for line in text[start:end].splitlines(keepends=True):
        n_chars_in_line = n_chars(line)
        if n_chars_in_line > max_chars:
            raise UnsplittableError
        length += n_chars_in_line
        if length > max_chars:
            ends.append(start)
            length = n_chars_in_line
        start += len(line)
    return ends
