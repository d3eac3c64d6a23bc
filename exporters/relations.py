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

from rsidx.exporters.build import Builder
from rsidx.exporters.edits import Edit, squeezed
from rsidx.exporters.plan import SPLITS, Split
from rsidx.store.reader import CommitRow, Reader

N_PERMUTATIONS = 250
THRESHOLD = 0.7
_N_BANDS = 50
_SHINGLE_WORDS = 5
_SEED = 1
_WORD = re.compile(rb"\w+")
_NAMED = re.compile(
    r"^(?:This reverts commit|\(cherry picked from commit)\s+([0-9a-f]{7,64})", re.MULTILINE
)

Key = tuple[object, ...]
"""An edit of a commit: its oid, and the places of its sides."""


def key_of(commit: bytes, edit: Edit) -> Key:
    """Return what tells an edit from all others."""
    return (
        commit,
        *((side.path_id, side.position) if side else None for side in (edit.old, edit.new)),
    )


def patch_digest(old: bytes, new: bytes) -> bytes:
    """Return the identity of a patch; white space does not count, as in `git patch-id`."""
    before, after = squeezed(old), squeezed(new)
    sized = len(before).to_bytes(8, "little") + before + after
    return hashlib.blake2b(sized, digest_size=16).digest()


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
class Candidate:
    """An edit of val or test."""

    key: Key
    split: int
    digest: bytes
    minhash: RMinHash

    @classmethod
    def of(cls, key: Key, split: int, old: bytes, new: bytes) -> "Candidate":
        """Return an edit with what it is compared by."""
        return cls(key, split, patch_digest(old, new), signature(old, new))


def patch(builder: Builder, edit: Edit) -> tuple[bytes, bytes]:
    """Return the old and the new text of an edit."""
    return builder.text(edit.old), builder.text(edit.new)


class Relations:
    """Knows all edits of val and test, and is shown every edit once, in the order of history.

    Splits are numbers: 0 is train, 1 val, 2 test. `related` has the reason for each edit of a
    later split that is to be left out: `same_patch`, `revert` or `near_duplicate`.
    """

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._candidates = candidates
        self._by_digest: dict[bytes, list[int]] = {}
        self._lsh = RMinHashLSH(threshold=THRESHOLD, num_perm=N_PERMUTATIONS, num_bands=_N_BANDS)
        for number, candidate in enumerate(candidates):
            self._by_digest.setdefault(candidate.digest, []).append(number)
            self._lsh.insert(number, candidate.minhash)
        self.related: dict[Key, str] = {}

    def show(self, split: int, old: bytes, new: bytes) -> None:
        """Take in an edit that is kept in a split: mark what is related to it in later ones."""
        if not self._candidates:
            return
        for number in self._by_digest.get(patch_digest(old, new), ()):
            self._mark(number, split, "same_patch")
        for number in self._by_digest.get(patch_digest(new, old), ()):
            self._mark(number, split, "revert")
        minhash = signature(old, new)
        for number in self._lsh.query(minhash):
            if minhash.jaccard(self._candidates[number].minhash) >= THRESHOLD:
                self._mark(number, split, "near_duplicate")

    def _mark(self, number: int, split: int, reason: str) -> None:
        candidate = self._candidates[number]
        if candidate.split > split:
            self.related.setdefault(candidate.key, reason)


class Leaks:
    """Leaves the edits of val and test out that are related to an earlier split's.

    Commits must be shown in the order of history, all of them. What is left out is counted in
    `dropped`, as `edits_related_` and the reason; `named` is a commit whose message says that
    it reverts or picks one of an earlier split.
    """

    def __init__(
        self, builder: Builder, reader: Reader, chosen: Sequence[CommitRow], split: Split
    ) -> None:
        """Take in the edits of val and test, as `builder` builds them."""
        self._reader = reader
        self._splits = {c.oid.hex(): split.number(i) for i, c in enumerate(chosen)}
        self.dropped: Counter[str] = Counter()
        candidates = []
        for commit in chosen[split.val_from :]:
            for edit in builder.edits(commit):
                number = self._splits[commit.oid.hex()]
                key = key_of(commit.oid, edit)
                candidates.append(Candidate.of(key, number, *patch(builder, edit)))
        self._relations = Relations(candidates)

    def kept(self, builder: Builder, commit: CommitRow, edits: Sequence[Edit]) -> tuple[Edit, ...]:
        """Return the edits of a commit that stay in its split."""
        number = self._splits[commit.oid.hex()]
        if number and self._earliest_named(commit) < number:
            self.dropped["edits_related_named"] += len(edits)
            return ()
        kept = []
        for edit in edits:
            reason = self._relations.related.get(key_of(commit.oid, edit)) if number else None
            if reason is not None:
                self.dropped[f"edits_related_{reason}"] += 1
            else:
                self._relations.show(number, *patch(builder, edit))
                kept.append(edit)
        return tuple(kept)

    def _earliest_named(self, commit: CommitRow) -> int:
        """Return the first split that has a commit which this one's message names."""
        found = [len(SPLITS)]
        for match in _NAMED.finditer(self._reader.message(commit.id)):
            prefix = match.group(1)
            found += [n for oid, n in self._splits.items() if oid.startswith(prefix)]
        return min(found)
