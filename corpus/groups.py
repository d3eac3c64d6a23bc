"""Which repositories are of one project: forks of it, and those that hold a copy of it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from rsidx.corpus.facts import Facts

_MIN_SHARED_FILES = 5
_SHARE_OF_FILES = 0.5
_MOST_HOLDERS = 100
"""A file version in more repositories than this is boilerplate."""


def groups_of(repositories: Sequence[Facts]) -> list[int]:
    """Return for each repository the first one of its group.

    Forks share commits. A copy without history shares file versions: half as many as the smaller of
    the two has files at its tip.
    """
    groups = _Groups(len(repositories))
    for one, other in forks(repositories):
        groups.join(one, other)
    for one, other in copies(repositories):
        groups.join(one, other)
    return [groups.first(number) for number in range(len(repositories))]


def forks(repositories: Sequence[Facts]) -> Iterator[tuple[int, int]]:
    """Yield repositories that share a commit, each with the next that has it."""
    known = ({*facts.roots, *facts.reached} for facts in repositories)
    yield from _neighbours(_holders(known).values())


def copies(repositories: Sequence[Facts]) -> Iterator[tuple[int, int]]:
    """Yield repositories of which one holds much of the other's files."""
    shared: Counter[tuple[int, int]] = Counter()
    for holders in _holders(facts.versions for facts in repositories).values():
        if len(holders) <= _MOST_HOLDERS:
            shared.update(
                (one, other) for at, one in enumerate(holders) for other in holders[at + 1 :]
            )
    for (one, other), n in sorted(shared.items()):
        fewest = min(len(repositories[number].files) for number in (one, other))
        if n >= max(_MIN_SHARED_FILES, _SHARE_OF_FILES * fewest):
            yield one, other


def _holders(sets: Iterable[Iterable[str]]) -> Mapping[str, list[int]]:
    """Return by what several sets have the numbers of these sets."""
    holders: dict[str, list[int]] = defaultdict(list)
    for number, values in enumerate(sets):
        for value in values:
            holders[value].append(number)
    return {value: numbers for value, numbers in holders.items() if len(numbers) > 1}


def _neighbours(lists: Iterable[list[int]]) -> Iterator[tuple[int, int]]:
    seen = set()
    for numbers in lists:
        for pair in pairwise(numbers):
            if pair not in seen:
                seen.add(pair)
                yield pair


class _Groups:
    """Sets of numbers that are joined; each is called by its least number."""

    def __init__(self, n: int) -> None:
        self._above = list(range(n))

    def first(self, number: int) -> int:
        """Return the least number that one is joined with."""
        while self._above[number] != number:
            self._above[number] = number = self._above[self._above[number]]
        return number

    def join(self, one: int, other: int) -> None:
        """Make one set of the sets of two numbers."""
        low, high = sorted((self.first(one), self.first(other)))
        self._above[high] = low
