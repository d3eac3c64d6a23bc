"""Which edits of val and test are related to an edit of a split before theirs.

The same patch again, its reverse, a cherry-pick or revert that says so in its message, and near
duplicates: what a model has seen in training says nothing about it in a test. The earliest of
the related stays where it is; later ones leave val and test.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from rensa import RMinHash, RMinHashLSH

from rsidx.exporters.edits import squeezed
from rsidx.exporters.plan import SPLITS, Plan
from rsidx.store.reader import Reader

REASONS = ("named", "same_patch", "revert", "near_duplicate")
"""How an edit may be related to an earlier one, the surest first."""
COMPARED = REASONS[1:]
"""Those that are seen from the edits themselves, which `leaks` finds."""
N_PERMUTATIONS = 250
_N_CODE_PERMUTATIONS = 64
THRESHOLD = 0.7
_N_BANDS = 50
_RECENT_EDITS = 10_000
BLOCK = 10_000
"""So many edits of val and test are compared with others at a time: 6 KB of memory each."""
_Name = TypeVar("_Name")
_SHINGLE_WORDS = 5
_SEED = 1
_DIGEST = 16
_WORD = re.compile(rb"\w+")
_NAMED = re.compile(
    r"^(?:This reverts commit|\(cherry picked from commit)\s+([0-9a-f]{7,64})", re.MULTILINE
)


def patch_digests(old: bytes, new: bytes) -> tuple[bytes, bytes]:
    """Return the identity of a patch, and that of its reverse.

    White space does not count, as in `git patch-id`.
    """
    before, after = squeezed(old), squeezed(new)
    return _digest(before, after), _digest(after, before)


def _digest(before: bytes, after: bytes) -> bytes:
    sized = len(before).to_bytes(8, "little") + before + after
    return hashlib.blake2b(sized, digest_size=_DIGEST).digest()


def signature(old: bytes, new: bytes) -> RMinHash:
    """Return the MinHash of a patch: of the words, by fives, of the lines that it changes.

    One that changes no word, or puts lines in another order, is compared by all of its text.
    """
    before, after = Counter(old.splitlines()), Counter(new.splitlines())
    shingles = [*_shingles(b"-", before - after), *_shingles(b"+", after - before)]
    if not shingles:
        shingles = [*_shingles(b"<", old.splitlines()), *_shingles(b">", new.splitlines())]
    return _minhash(shingles or [(old + b"\0" + new).decode("utf-8", "replace")], N_PERMUTATIONS)


def _minhash(shingles: list[str], n_permutations: int) -> RMinHash:
    minhash = RMinHash(num_perm=n_permutations, seed=_SEED)
    minhash.update(shingles)
    return minhash


def _shingles(mark: bytes, lines: Iterable[bytes]) -> Iterator[str]:
    """Yield the words of lines by fives; fewer are one shingle, and none are none."""
    words = _WORD.findall(b"\n".join(lines))
    for start in range(max(bool(words), len(words) - _SHINGLE_WORDS + 1)):
        shingle = mark + b" ".join(words[start : start + _SHINGLE_WORDS])
        yield shingle.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Patch:
    """What an edit is compared by.

    `exact` is the identity of its two texts, `digest` that of the patch without white space,
    `reverse` that of the patch that takes it back; `minhash` is of what changes, `code` of all
    that the edit leaves.
    """

    exact: bytes
    digest: bytes
    reverse: bytes
    minhash: RMinHash
    code: RMinHash

    @classmethod
    def of(cls, old: bytes, new: bytes) -> "Patch":
        """Return what an edit is compared by."""
        exact = hashlib.blake2b(len(old).to_bytes(8, "little") + old + new, digest_size=_DIGEST)
        digest, reverse = patch_digests(old, new)
        code = _minhash([*_shingles(b"", (new or old).splitlines())], _N_CODE_PERMUTATIONS)
        return cls(exact.digest(), digest, reverse, signature(old, new), code)

    def pack(self) -> bytes:
        """Return it as bytes."""
        code = self.code.__getstate__()
        size = len(code).to_bytes(2, "little")
        return b"".join(
            (self.exact, self.digest, self.reverse, size, code, self.minhash.__getstate__())
        )

    @classmethod
    def unpack(cls, data: bytes) -> "Patch":
        """Undo `pack`; the version of rensa must be the same."""
        exact, digest, reverse = (data[n * _DIGEST : (n + 1) * _DIGEST] for n in range(3))
        start = 3 * _DIGEST + 2
        end = start + int.from_bytes(data[start - 2 : start], "little")
        code = RMinHash(num_perm=_N_CODE_PERMUTATIONS, seed=_SEED)
        code.__setstate__(data[start:end])
        minhash = RMinHash(num_perm=N_PERMUTATIONS, seed=_SEED)
        minhash.__setstate__(data[end:])
        return cls(exact, digest, reverse, minhash, code)


class Relations:
    """Knows how the edits of val and test are related to those kept in earlier splits.

    `later` are edits of val and test, `BLOCK` at most: whatever is kept is compared with these,
    and not remembered. Splits are numbers: 0 is train, 1 val, 2 test.
    """

    def __init__(self, later: Iterable[Patch]) -> None:
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

    def reasons(self, split: int, patch: Patch) -> Iterator[str]:
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

    def add(self, split: int, patch: Patch) -> None:
        """Take in an edit that is kept in a split."""
        if split < self._first.get(patch.digest, 0):
            self._first[patch.digest] = split
        for number in self._lsh.query(patch.minhash):
            minhash = self._minhashes[number]
            if split < self._near[number] and patch.minhash.jaccard(minhash) >= THRESHOLD:
                self._near[number] = split


class Recent:
    """Knows the edits of one split that were kept last, to tell what nearly repeats one.

    What repeats is nearly the same change to nearly the same code; the same change elsewhere does
    not. Only so many are known, since they would be most of an export's memory: copies come soon.
    """

    def __init__(self, n_kept: int = _RECENT_EDITS) -> None:
        self._lsh = RMinHashLSH(threshold=THRESHOLD, num_perm=N_PERMUTATIONS, num_bands=_N_BANDS)
        self._kept: dict[int, Patch] = {}
        self._n_kept = n_kept
        self._n_added = 0

    def has_near(self, patch: Patch) -> bool:
        """Tell whether an edit nearly repeats one of them."""
        return any(
            patch.minhash.jaccard(kept.minhash) >= THRESHOLD
            and patch.code.jaccard(kept.code) >= THRESHOLD
            for kept in map(self._kept.__getitem__, self._lsh.query(patch.minhash))
        )

    def add(self, patch: Patch) -> None:
        """Take in an edit that is kept; the oldest one goes."""
        self._lsh.insert(self._n_added, patch.minhash)
        self._kept[self._n_added] = patch
        oldest = self._n_added - self._n_kept
        if oldest >= 0:
            self._lsh.remove(oldest)
            del self._kept[oldest]
        self._n_added += 1


class Named:
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
    later: Iterable[tuple[_Name, int, Patch]], edits: Callable[[], Iterable[tuple[int, Patch]]]
) -> Iterator[tuple[_Name, str]]:
    """Yield which edits of val and test are related to one of an earlier split, and why.

    `later` are these, each with what it is called; `edits` gives those of all splits each time
    that it is called, in any order: once for every `BLOCK` of `later`.
    """
    waiting = iter(later)
    while block := list(islice(waiting, BLOCK)):
        relations = Relations(patch for _, _, patch in block)
        for split, patch in edits():
            relations.add(split, patch)
        for name, split, patch in block:
            for reason in relations.reasons(split, patch):
                yield name, reason
