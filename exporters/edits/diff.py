"""What differs between two sequences: difflib's answer, in bounded time.

Where the same few lines occur a thousand times each, difflib compares every pair of them, and does
so again for every match that it finds.
"""

from collections import Counter, deque
from collections.abc import Hashable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import accumulate, takewhile
from typing import TypeVar

_T = TypeVar("_T", bound=Hashable)
_MAX_COMPARISONS = 4_000_000
"""About a second."""
_CONTEXT_LINES = 3
Opcode = tuple[str, int, int, int, int]
_Block = tuple[int, int, int]


class _Matcher(SequenceMatcher[_T]):
    """A matcher that gives up on ranges once it has compared enough.

    In those, only a common beginning and a common end match.
    """

    def __init__(self, old: Sequence[_T], new: Sequence[_T]) -> None:
        super().__init__(None, old, new, autojunk=False)
        self._old, self._new = old, new

    def get_matching_blocks(self) -> list[_Block]:  # type: ignore[override]
        """Return matching blocks (start in a, start in b, length), ended by an empty one."""
        n_old, n_new = len(self._old), len(self._new)
        times = Counter(self._new)
        costs = list(accumulate((times[one] + 1 for one in self._old), initial=0))
        left = _MAX_COMPARISONS
        found: list[_Block] = []
        waiting = deque([(0, n_old, 0, n_new)])
        while waiting:
            i1, i2, j1, j2 = waiting.popleft()
            cost = costs[i2] - costs[i1]
            if cost > left:
                found += self._ends(i1, i2, j1, j2)
                continue
            left -= cost
            i, j, size = self.find_longest_match(i1, i2, j1, j2)
            if size:
                found.append((i, j, size))
                ranges = ((i1, i, j1, j), (i + size, i2, j + size, j2))
                waiting += (one for one in ranges if one[0] < one[1] and one[2] < one[3])
        return [*_joined(sorted(found)), (n_old, n_new, 0)]

    def _ends(self, i1: int, i2: int, j1: int, j2: int) -> Iterator[_Block]:
        shorter = min(i2 - i1, j2 - j1)
        head = _n_alike((self._old[i1 + n], self._new[j1 + n]) for n in range(shorter))
        tail = _n_alike(
            (self._old[i2 - n], self._new[j2 - n]) for n in range(1, shorter - head + 1)
        )
        for block in ((i1, j1, head), (i2 - tail, j2 - tail, tail)):
            if block[2]:
                yield block


def _n_alike(pairs: Iterator[tuple[_T, _T]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _joined(blocks: list[_Block]) -> list[_Block]:
    """Join adjacent blocks."""
    found: list[_Block] = []
    for i, j, size in blocks:
        before = found[-1] if found else (0, 0, 0)
        if found and (before[0] + before[2], before[1] + before[2]) == (i, j):
            found[-1] = (before[0], before[1], before[2] + size)
        else:
            found.append((i, j, size))
    return found


def opcodes(old: Sequence[_T], new: Sequence[_T]) -> list[Opcode]:
    """Return how to turn one sequence into the other, as difflib spells it."""
    return list(_Matcher(old, new).get_opcodes())


def added_lines(old: bytes, new: bytes) -> Iterator[tuple[int, int]]:
    """Yield the lines of the new text that the old has not, in runs: ranges of its bytes."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    starts = list(accumulate(map(len, after), initial=0))
    for tag, _, _, first, last in opcodes(before, after):
        if tag in ("insert", "replace"):
            yield starts[first], starts[last]


def unified(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Yield the hunks of a unified diff of lines, without the files' names."""
    for group in _Matcher(old, new).get_grouped_opcodes(_CONTEXT_LINES):
        i1, i2, j1, j2 = group[0][1], group[-1][2], group[0][3], group[-1][4]
        yield f"@@ -{_range(i1, i2)} +{_range(j1, j2)} @@"
        for tag, old_first, old_end, new_first, new_end in group:
            if tag == "equal":
                yield from (f" {line}" for line in old[old_first:old_end])
                continue
            yield from (f"-{line}" for line in old[old_first:old_end])
            yield from (f"+{line}" for line in new[new_first:new_end])


def _range(first: int, end: int) -> str:
    """Spell a range of lines as diff does, which leaves out a length of one."""
    length = end - first
    start = first + 1 if length else first
    return str(start) if length == 1 else f"{start},{length}"
