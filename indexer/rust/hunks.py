"""What differs between two versions of a file, by whole lines, as edits of a tree.

Any set of differences that covers all of them is right; smaller ones make parsing faster. So
lines that are unique on both sides are the anchors (as in patience diff), and what is between
two anchors is one hunk.
"""

import re
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate, pairwise

_BLOCK = 1 << 12
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Hunk:
    """Bytes `start:old_end` of the old version became `new_start:new_end` of the new one.

    All four are the starts of lines, or the ends of the versions.
    """

    start: int
    old_end: int
    new_start: int
    new_end: int


def hunks(old: bytes, new: bytes) -> list[Hunk]:
    """Return the hunks that turn `old` into `new`, in ascending order."""
    head = old.rfind(b"\n", 0, _common_prefix(old, new)) + 1
    tail = _common_suffix(old, new, min(len(old), len(new)) - head)
    # The lines that are compared end with a line break, or with the file.
    old_end, new_end = len(old) - tail, len(new) - tail
    if tail and not (_starts_line(old, old_end) and _starts_line(new, new_end)):
        skipped = old.find(b"\n", old_end) + 1
        tail = len(old) - skipped if skipped else 0
        old_end, new_end = len(old) - tail, len(new) - tail
    if head in (old_end, new_end):
        return [Hunk(head, old_end, head, new_end)] if old_end != new_end else []
    return list(_between(old, new, head, old_end, new_end))


def _starts_line(text: bytes, position: int) -> bool:
    return position == 0 or text[position - 1 : position] == b"\n"


def _between(old: bytes, new: bytes, head: int, old_end: int, new_end: int) -> list[Hunk]:
    old_lines, new_lines = _LINE.findall(old, head, old_end), _LINE.findall(new, head, new_end)
    old_starts = list(accumulate(map(len, old_lines), initial=head))
    new_starts = list(accumulate(map(len, new_lines), initial=head))
    found: list[Hunk] = []
    i = j = 0
    for a, b in [*_anchors(old_lines, new_lines), (len(old_lines), len(new_lines))]:
        # Lines that are alike before and after what differs shrink the hunk.
        while i < a and j < b and old_lines[i] == new_lines[j]:
            i, j = i + 1, j + 1
        up_to, at = a, b
        while up_to > i and at > j and old_lines[up_to - 1] == new_lines[at - 1]:
            up_to, at = up_to - 1, at - 1
        if i < up_to or j < at:
            found.append(Hunk(old_starts[i], old_starts[up_to], new_starts[j], new_starts[at]))
        i, j = a, b
    return found


def _anchors(old: list[bytes], new: list[bytes]) -> list[tuple[int, int]]:
    """Pair the lines that are unique on both sides, as many as keep their order."""
    where = _unique(new)
    pairs = [(index, where[line]) for line, index in _unique(old).items() if line in where]
    if all(one[1] < other[1] for one, other in pairwise(pairs)):
        return pairs
    # The longest ascending row of places: of each length so far, the pair that ends it lowest.
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [place]
        last[length : length + 1] = [number]
    chain = []
    number = last[-1]
    while number >= 0:
        chain.append(pairs[number])
        number = before[number]
    return chain[::-1]


def _unique(lines: list[bytes]) -> dict[bytes, int]:
    """Return the place of each line that is there once, in their order."""
    times = Counter(lines)
    return {line: index for index, line in enumerate(lines) if times[line] == 1}


def _common_prefix(old: bytes, new: bytes) -> int:
    length = min(len(old), len(new))
    position = 0
    while (
        position < length and old[position : position + _BLOCK] == new[position : position + _BLOCK]
    ):
        position += _BLOCK
    low, high = min(position, length), min(position + _BLOCK, length)
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_suffix(old: bytes, new: bytes, limit: int) -> int:
    """Count the equal bytes at the ends, at most `limit`."""
    n, m = len(old), len(new)
    low = 0
    while (
        low < limit
        and old[max(0, n - low - _BLOCK) : n - low] == new[max(0, m - low - _BLOCK) : m - low]
    ):
        low += _BLOCK
    low, high = min(low, limit), min(low + _BLOCK, limit)
    while low < high:
        middle = (low + high + 1) // 2
        if old[n - middle : n - low] == new[m - middle : m - low]:
            low = middle
        else:
            high = middle - 1
    return low
