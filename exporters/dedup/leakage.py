"""Which edits of val and test are related to an edit of a split before theirs.

The same patch again, its reverse, a cherry-pick or revert that says so in its message, and near
duplicates: what a model has seen in training says nothing about it in a test. The earliest of
the related stays where it is; later ones leave val and test.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from rensa import RMinHash, RMinHashLSH

from rsidx.exporters.edits.fingerprint import N_PERMUTATIONS, PatchFingerprint
from rsidx.exporters.splits.split import SPLITS, Plan
from rsidx.store.reader import Reader

REASONS = ("named", "same_patch", "revert", "near_duplicate")
"""How an edit may be related to an earlier one, the surest first."""
COMPARED = REASONS[1:]
"""Those that are seen from the edits themselves, which `leaks` finds."""
THRESHOLD = 0.7
_N_BANDS = 50
_RECENT_EDITS = 10_000
BLOCK = 10_000
"""How many edits of val and test are compared with others at a time: 6 KB of memory each."""
_Name = TypeVar("_Name")
_NAMED = re.compile(
    r"^(?:This reverts commit|\(cherry picked from commit)\s+([0-9a-f]{7,64})", re.MULTILINE
)


class LeakIndex:
    """How the edits of val and test are related to those kept in earlier splits.

    `later` are edits of val and test, `BLOCK` at most: whatever is kept is compared with these,
    and not remembered. Splits are numbers: 0 is train, 1 val, 2 test.
    """

    def __init__(self, later: Iterable[PatchFingerprint]) -> None:
        self._later: dict[bytes, int] = {}
        self._minhashes: list[RMinHash] = []
        self._lsh = RMinHashLSH(threshold=THRESHOLD, num_perm=N_PERMUTATIONS, num_bands=_N_BANDS)
        # The first split of each patch that they ask for; behind all for none.
        self._first: dict[bytes, int] = {}
        for patch in later:
            if patch.exact not in self._later:
                self._later[patch.exact] = len(self._minhashes)
                self._lsh.insert(len(self._minhashes), patch.minhash)
                self._minhashes.append(patch.minhash)
                self._first[patch.digest] = self._first[patch.reverse] = len(SPLITS)
        self._near = [len(SPLITS)] * len(self._minhashes)

    def reasons(self, split: int, patch: PatchFingerprint) -> Iterator[str]:
        """Yield how an edit of val or test is related to one kept in an earlier split.

        `same_patch`, `revert`, `near_duplicate`; raises KeyError for one that is not of `later`.
        """
        if not split:
            return
        if self._first[patch.digest] < split:
            yield "same_patch"
        if self._first[patch.reverse] < split:
            yield "revert"
        if self._near[self._later[patch.exact]] < split:
            yield "near_duplicate"

    def add(self, split: int, patch: PatchFingerprint) -> None:
        """Add an edit that is kept in a split."""
        if split < self._first.get(patch.digest, 0):
            self._first[patch.digest] = split
        for number in self._lsh.query(patch.minhash):
            minhash = self._minhashes[number]
            if split < self._near[number] and patch.minhash.jaccard(minhash) >= THRESHOLD:
                self._near[number] = split


class RecentEdits:
    """The last edits that were kept of one split, to find near duplicates of them.

    A near duplicate is nearly the same change to nearly the same code; the same change elsewhere
    is none. Bounded, since near copies cluster, and an unbounded index would dominate memory.
    """

    def __init__(self, n_kept: int = _RECENT_EDITS) -> None:
        self._lsh = RMinHashLSH(threshold=THRESHOLD, num_perm=N_PERMUTATIONS, num_bands=_N_BANDS)
        self._kept: dict[int, PatchFingerprint] = {}
        self._n_kept = n_kept
        self._n_added = 0

    def has_near(self, patch: PatchFingerprint) -> bool:
        """Tell whether an edit nearly repeats one of them; the very same texts are no near copy."""
        return any(
            patch.exact != kept.exact
            and patch.minhash.jaccard(kept.minhash) >= THRESHOLD
            and patch.code.jaccard(kept.code) >= THRESHOLD
            for kept in map(self._kept.__getitem__, self._lsh.query(patch.minhash))
        )

    def add(self, patch: PatchFingerprint) -> None:
        """Add an edit that is kept; the oldest one goes."""
        self._lsh.insert(self._n_added, patch.minhash)
        self._kept[self._n_added] = patch
        oldest = self._n_added - self._n_kept
        if oldest >= 0:
            self._lsh.remove(oldest)
            del self._kept[oldest]
        self._n_added += 1


class CherryPickLinks:
    """Which commits say that they revert or pick one of an earlier split."""

    def __init__(self, reader: Reader, plan: Plan) -> None:
        self._reader = reader
        self._plan = plan

    def is_related(self, position: int) -> bool:
        """Tell whether the message of the commit at a position names one of an earlier split."""
        commits, split = self._plan.commits, self._plan.split
        number = split.number(position)
        if not number:
            return False
        prefixes = _NAMED.findall(self._reader.message(commits[position].id))
        return any(
            split.number(other) < number and commit.oid.hex().startswith(prefix)
            for prefix in prefixes
            for other, commit in enumerate(commits)
        )


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
