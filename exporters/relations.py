"""Which edits of val and test are related to an edit of a split before theirs.

The same patch again, its reverse, a cherry-pick or revert that says so in its message, and near
duplicates: what a model has seen in training says nothing about it in a test. The earliest of
the related stays where it is; later ones leave val and test.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rensa import RMinHash, RMinHashLSH

from rsidx.exporters.edits import squeezed
from rsidx.exporters.plan import SPLITS, Split
from rsidx.store.reader import CommitRow, Reader

REASONS = ("named", "same_patch", "revert", "near_duplicate")
"""How an edit may be related to an earlier one, the surest first."""
COMPARED = REASONS[1:]
"""Those that are seen from the edits themselves, which `Audit` counts."""
N_PERMUTATIONS = 250
THRESHOLD = 0.7
_N_BANDS = 50
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
    """Return the MinHash of a patch: of the words, by fives, of the lines that it changes."""
    before, after = Counter(old.splitlines()), Counter(new.splitlines())
    shingles = [*_shingles(b"-", before - after), *_shingles(b"+", after - before)]
    minhash = RMinHash(num_perm=N_PERMUTATIONS, seed=_SEED)
    minhash.update(shingles)
    return minhash


def _shingles(mark: bytes, lines: Iterable[bytes]) -> Iterator[str]:
    words = _WORD.findall(b"\n".join(lines))
    for start in range(max(1, len(words) - _SHINGLE_WORDS + 1)):
        shingle = mark + b" ".join(words[start : start + _SHINGLE_WORDS])
        yield shingle.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Patch:
    """What an edit is compared by.

    `exact` is the identity of its two texts, `digest` that of the patch without white space,
    `reverse` that of the patch that takes it back.
    """

    exact: bytes
    digest: bytes
    reverse: bytes
    minhash: RMinHash

    @classmethod
    def of(cls, old: bytes, new: bytes) -> "Patch":
        """Return what an edit is compared by."""
        exact = hashlib.blake2b(len(old).to_bytes(8, "little") + old + new, digest_size=_DIGEST)
        digest, reverse = patch_digests(old, new)
        return cls(exact.digest(), digest, reverse, signature(old, new))

    def pack(self) -> bytes:
        """Return it as bytes."""
        return b"".join((self.exact, self.digest, self.reverse, self.minhash.__getstate__()))

    @classmethod
    def unpack(cls, data: bytes) -> "Patch":
        """Undo `pack`; the version of rensa must be the same."""
        minhash = RMinHash(num_perm=N_PERMUTATIONS, seed=_SEED)
        minhash.__setstate__(data[3 * _DIGEST :])
        exact, digest, reverse = (data[n * _DIGEST : (n + 1) * _DIGEST] for n in range(3))
        return cls(exact, digest, reverse, minhash)


class Relations:
    """Knows the edits that are kept, which are added in the order of the splits.

    Splits are numbers: 0 is train, 1 val, 2 test.
    """

    def __init__(self) -> None:
        self._first: dict[bytes, int] = {}
        self._lsh = RMinHashLSH(threshold=THRESHOLD, num_perm=N_PERMUTATIONS, num_bands=_N_BANDS)
        self._kept: list[tuple[int, RMinHash]] = []

    def reason(self, split: int, patch: Patch) -> str | None:
        """Return why an edit may not be in a split: how it is related to one of an earlier split.

        `same_patch`, `revert`, `near_duplicate`, or None.
        """
        if self._first.get(patch.digest, split) < split:
            return "same_patch"
        if self._first.get(patch.reverse, split) < split:
            return "revert"
        for number in self._lsh.query(patch.minhash) if split else ():
            earlier, minhash = self._kept[number]
            if earlier < split and patch.minhash.jaccard(minhash) >= THRESHOLD:
                return "near_duplicate"
        return None

    def add(self, split: int, patch: Patch) -> None:
        """Take in an edit that is kept in a split."""
        if split < len(SPLITS) - 1:
            self._first.setdefault(patch.digest, split)
            self._lsh.insert(len(self._kept), patch.minhash)
            self._kept.append((split, patch.minhash))


class Named:
    """Which commits say that they revert or pick one of an earlier split."""

    def __init__(self, reader: Reader, chosen: Sequence[CommitRow], split: Split) -> None:
        self._reader = reader
        self._splits = {c.oid.hex(): split.number(i) for i, c in enumerate(chosen)}

    def is_related(self, commit: CommitRow) -> bool:
        """Tell whether a commit's message names one of an earlier split."""
        number = self._splits[commit.oid.hex()]
        if not number:
            return False
        prefixes = _NAMED.findall(self._reader.message(commit.id))
        return any(
            n < number and oid.startswith(prefix)
            for prefix in prefixes
            for oid, n in self._splits.items()
        )


class Audit:
    """Counts the relations across splits among the edits that were written; none is right.

    Everything is compared with everything, whatever the order in which it was taken in.
    """

    def __init__(self) -> None:
        self._edits: list[tuple[int, Patch]] = []

    def add(self, split: int, patch: Patch) -> None:
        """Take in an edit that was written."""
        self._edits.append((split, patch))

    def counts(self) -> Counter[str]:
        """Return how many edits of val and test are related to an earlier split's, by reason."""
        first: dict[bytes, int] = {}
        lsh = RMinHashLSH(threshold=THRESHOLD, num_perm=N_PERMUTATIONS, num_bands=_N_BANDS)
        for number, (split, patch) in enumerate(self._edits):
            first[patch.digest] = min(split, first.get(patch.digest, split))
            lsh.insert(number, patch.minhash)
        found: Counter[str] = Counter()
        for split, patch in self._edits:
            if not split:
                continue
            found["same_patch"] += first[patch.digest] < split
            found["revert"] += first.get(patch.reverse, split) < split
            found["near_duplicate"] += any(
                self._edits[number][0] < split
                and patch.minhash.jaccard(self._edits[number][1].minhash) >= THRESHOLD
                for number in lsh.query(patch.minhash)
            )
        return found
