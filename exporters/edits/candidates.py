"""Which of many items may be alike, where it would take too long to compare each with each.

Code that is alike has pairs of words, or lines, in common. The lowest digests of an item's are a
random sample of them, and the same of two items as far as these are alike. So an old item is looked
up by the digests of a new one, and those that share most are worth a comparison.
"""

import heapq
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from zlib import crc32

from rsidx.exporters.edits.similarity import Profile

_N_DIGESTS = 24
"""Two items of which half is the same have about a third of these in common; of 15,000 such, one
pair has none."""
_MAX_SHARING = 32
"""So many are looked at that share a digest: those next to the place of the new item among all."""
Sketch = Sequence[int]


def sketch(profile: Profile) -> Sketch:
    """Return the lowest digests of an item, in ascending order."""
    digests = {crc32(b" ".join(pair)) for pair in profile.pairs}
    digests.update(map(crc32, profile.lines))
    return heapq.nsmallest(_N_DIGESTS, digests)


def candidates(
    olds: Sequence[Sketch], news: Sequence[Sketch], n_each: int
) -> Iterator[tuple[int, int]]:
    """Yield the numbers of an old and a new item for up to `n_each` old ones of each new one."""
    sharing: dict[int, list[int]] = defaultdict(list)
    for number, digests in enumerate(olds):
        for digest in digests:
            sharing[digest].append(number)
    for number, digests in enumerate(news):
        place = number * len(olds) / len(news)
        weights: defaultdict[int, float] = defaultdict(float)
        for digest in digests:
            numbers = sharing.get(digest, ())
            for old in _nearest(numbers, place):
                weights[old] += 1 / len(numbers)
        # Their order is that of the file, so of those that are equally alike the nearest is best.
        ranked = ((-weight, abs(old - place), old) for old, weight in weights.items())
        yield from ((old, number) for _, _, old in heapq.nsmallest(n_each, ranked))


def _nearest(numbers: Sequence[int], place: float) -> Sequence[int]:
    """Return those of ascending numbers that are next to a place."""
    start = bisect_left(numbers, place) - _MAX_SHARING // 2
    start = max(0, min(start, len(numbers) - _MAX_SHARING))
    return numbers[start : start + _MAX_SHARING]
