"""Fingerprints of edits: identities of their patches, and MinHashes that find near duplicates."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rensa import RMinHash

from rsidx.exporters.edits.similarity import strip_insignificant

N_PERMUTATIONS = 250
_N_CODE_PERMUTATIONS = 64
_SHINGLE_WORDS = 5
_SEED = 1
_DIGEST = 16
_WORD = re.compile(rb"\w+")


def patch_digests(old: bytes, new: bytes) -> tuple[bytes, bytes]:
    """Return the identity of a patch, and that of its reverse.

    White space does not count, as in `git patch-id`.
    """
    before, after = strip_insignificant(old), strip_insignificant(new)
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
class PatchFingerprint:
    """The fingerprint of an edit.

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
    def of(cls, old: bytes, new: bytes) -> "PatchFingerprint":
        """Return the fingerprint of an edit."""
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
    def unpack(cls, data: bytes) -> "PatchFingerprint":
        """Undo `pack`; the version of rensa must be the same."""
        exact, digest, reverse = (data[n * _DIGEST : (n + 1) * _DIGEST] for n in range(3))
        start = 3 * _DIGEST + 2
        end = start + int.from_bytes(data[start - 2 : start], "little")
        code = RMinHash(num_perm=_N_CODE_PERMUTATIONS, seed=_SEED)
        code.__setstate__(data[start:end])
        minhash = RMinHash(num_perm=N_PERMUTATIONS, seed=_SEED)
        minhash.__setstate__(data[end:])
        return cls(exact, digest, reverse, minhash, code)
