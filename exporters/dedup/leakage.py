"""Which edits of val and test are related to an edit of a split before theirs.

The same patch again, its reverse, a cherry-pick or revert that says so in its message, near
duplicates, and code that was learned before: what a model has seen in training says nothing about
it in a test. The earliest of the related stays where it is; later ones leave val and test.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Protocol, TypeVar

from rensa import RMinHash, RMinHashLSH

from rsidx.exporters.edits.fingerprint import (
    N_CODE_PERMUTATIONS,
    N_PERMUTATIONS,
    PatchFingerprint,
)
from rsidx.exporters.splits.split import SPLITS, Plan
from rsidx.store.records import CommitRow

REASONS = ("named", "same_patch", "revert", "near_duplicate", "same_code", "near_addition")
"""How an edit may be related to an earlier one, the surest first."""
COMPARED = REASONS[1:]
"""Those that are seen from the edits themselves, which `leaks` finds."""
THRESHOLD = 0.7
_CHANGE_THRESHOLD = 0.5
_ADDED_THRESHOLD = 0.6
N_BANDS = 50
"""In so many parts, the MinHash of one edit may be that of another: those are compared."""
_N_ADDED_BANDS = 16
_RECENT_EDITS = 10_000
BLOCK = 10_000
"""How many edits of val and test are compared with others at a time: 6 KB of memory each."""
_Name = TypeVar("_Name")
_NAMED = re.compile(
    r"^(?:This reverts commit|\(cherry picked from commit)\s+([0-9a-f]{7,64})", re.MULTILINE
)


def _lsh() -> RMinHashLSH:
    """Return an index of what patches change."""
    return RMinHashLSH(threshold=THRESHOLD, num_perm=N_PERMUTATIONS, num_bands=N_BANDS)


class LeakIndex:
    """How the edits of val and test are related to those kept in earlier splits.

    `later` are edits of val and test, `BLOCK` at most: whatever is kept is compared with these,
    and not remembered. Splits are numbers: 0 is train, 1 val, 2 test.
    """

    def __init__(self, later: Iterable[PatchFingerprint]) -> None:
        patches = {patch.exact: patch for patch in later}
        self._near = _Near(
            {exact: patch.minhash for exact, patch in patches.items()}, _lsh(), THRESHOLD
        )
        self._near_added = _Near(
            {exact: patch.added for exact, patch in patches.items() if patch.added is not None},
            RMinHashLSH(
                threshold=_ADDED_THRESHOLD,
                num_perm=N_CODE_PERMUTATIONS,
                num_bands=_N_ADDED_BANDS,
            ),
            _ADDED_THRESHOLD,
        )
        # The first split of each patch and code that they ask for; behind all for none.
        self._first = dict.fromkeys(
            (
                digest
                for patch in patches.values()
                for digest in (patch.digest, patch.reverse, patch.result)
            ),
            len(SPLITS),
        )

    def reasons(self, split: int, patch: PatchFingerprint) -> Iterator[str]:
        """Yield how an edit of val or test is related to one kept in an earlier split.

        Those of `COMPARED`; raises KeyError for one that is not of `later`.
        """
        if not split:
            return
        if self._first[patch.digest] < split:
            yield "same_patch"
        if self._first[patch.reverse] < split:
            yield "revert"
        if self._near.first(patch.exact) < split:
            yield "near_duplicate"
        if patch.result and self._first[patch.result] < split:
            yield "same_code"
        if patch.added is not None and self._near_added.first(patch.exact) < split:
            yield "near_addition"

    def add(self, split: int, patch: PatchFingerprint) -> None:
        """Add an edit that is kept in a split."""
        for digest in (patch.digest, patch.result):
            if digest and split < self._first.get(digest, 0):
                self._first[digest] = split
        self._near.add(split, patch.minhash)
        if patch.added is not None:
            self._near_added.add(split, patch.added)


class _Near:
    """The first split in which something is kept that is nearly one of some MinHashes."""

    def __init__(
        self, minhashes: Mapping[bytes, RMinHash], lsh: RMinHashLSH, threshold: float
    ) -> None:
        self._numbers = {exact: number for number, exact in enumerate(minhashes)}
        self._minhashes = list(minhashes.values())
        self._threshold = threshold
        self._lsh = lsh
        for number, minhash in enumerate(self._minhashes):
            self._lsh.insert(number, minhash)
        self._first = [len(SPLITS)] * len(self._minhashes)

    def first(self, exact: bytes) -> int:
        """Return the split, behind all for none."""
        return self._first[self._numbers[exact]]

    def add(self, split: int, minhash: RMinHash) -> None:
        """Add what is kept in a split."""
        for number in self._lsh.query(minhash):
            is_earlier = split < self._first[number]
            if is_earlier and minhash.jaccard(self._minhashes[number]) >= self._threshold:
                self._first[number] = split


def is_near(patch: PatchFingerprint, earlier: PatchFingerprint) -> bool:
    """Tell whether an edit is nearly the same change to nearly the same code as an earlier one.

    The same change elsewhere is no near duplicate, nor is the reverse of a change, another one of
    the same line, or the very same texts.
    """
    return (
        patch.exact != earlier.exact
        and patch.minhash.jaccard(earlier.minhash) >= THRESHOLD
        and patch.code.jaccard(earlier.code) >= THRESHOLD
        and patch.change.jaccard(earlier.change) >= _CHANGE_THRESHOLD
    )


class KeptEdits(Protocol):
    """Edits that were kept of one split, to find near duplicates of them."""

    def near(self, number: int, patch: PatchFingerprint) -> int | None:
        """Return the number of the first of them that an edit nearly repeats, None for none.

        `number` is the edit's own.
        """

    def add(self, number: int, patch: PatchFingerprint) -> None:
        """Add an edit that is kept, by its number."""


class RecentEdits:
    """The last edits that were kept of one split.

    Bounded, since near copies cluster, and an unbounded index would dominate memory.
    """

    def __init__(self, n_kept: int = _RECENT_EDITS) -> None:
        self._lsh = _lsh()
        self._kept: dict[int, tuple[int, PatchFingerprint]] = {}
        self._n_kept = n_kept
        self._n_added = 0

    def near(self, _number: int, patch: PatchFingerprint) -> int | None:
        """Return the number of the first of them that an edit nearly repeats, None for none."""
        candidates = map(self._kept.__getitem__, sorted(self._lsh.query(patch.minhash)))
        return next((number for number, kept in candidates if is_near(patch, kept)), None)

    def add(self, number: int, patch: PatchFingerprint) -> None:
        """Add an edit that is kept, by its number; the oldest one goes."""
        self._lsh.insert(self._n_added, patch.minhash)
        self._kept[self._n_added] = number, patch
        oldest = self._n_added - self._n_kept
        if oldest >= 0:
            self._lsh.remove(oldest)
            del self._kept[oldest]
        self._n_added += 1


def commits_named(message: str) -> list[str]:
    """Return the beginnings of the ids of commits that a message says it reverts or picks."""
    return _NAMED.findall(message)


class CherryPickLinks:
    """Which commits say that they revert or pick one of an earlier split.

    `names_of` gives the beginnings of the ids that a commit's message names, see `commits_named`.
    """

    def __init__(self, names_of: Callable[[CommitRow], Sequence[str]], plan: Plan) -> None:
        self._names_of = names_of
        self._plan = plan

    def is_related(self, position: int) -> bool:
        """Tell whether the message of the commit at a position names one of an earlier split."""
        commits, split = self._plan.commits, self._plan.split
        number = split.number(position)
        if not number:
            return False
        return any(
            split.number(other) < number
            for prefix in self._names_of(commits[position])
            for other in self._beginning(prefix)
        )

    @cached_property
    def _by_oid(self) -> list[tuple[str, int]]:
        return sorted((commit.oid.hex(), n) for n, commit in enumerate(self._plan.commits))

    def _beginning(self, prefix: str) -> Iterator[int]:
        """Yield the positions of the commits whose ids begin so."""
        for oid, position in islice(self._by_oid, bisect_left(self._by_oid, (prefix, 0)), None):
            if not oid.startswith(prefix):
                return
            yield position


def leaks(
    later: Iterable[tuple[_Name, int, PatchFingerprint]],
    edits: Callable[[], Iterable[tuple[int, PatchFingerprint]]],
) -> Iterator[tuple[_Name, str]]:
    """Yield which edits of val and test are related to one of an earlier split, and why.

    `later` are these, each with what it is called; `edits` gives those of all splits each time
    that it is called, in any order: once for every `BLOCK` of `later`.
    """
    waiting = iter(later)
    while block := list(islice(waiting, BLOCK)):
        relations = LeakIndex(patch for _, _, patch in block)
        for split, patch in edits():
            relations.add(split, patch)
        for name, split, patch in block:
            for reason in relations.reasons(split, patch):
                yield name, reason
