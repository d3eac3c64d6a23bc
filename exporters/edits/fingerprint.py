"""Fingerprints of edits: identities of their patches, and MinHashes that find near duplicates."""

import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rensa import RMinHash

from rsidx.exporters.edits.similarity import strip_insignificant

N_PERMUTATIONS = 250
N_CODE_PERMUTATIONS = 64
_MIN_WORDS = 12
"""Shorter code, such as one import, is written again by chance."""
_SHINGLE_WORDS = 5
_TOKEN = re.compile(rb"(?P<version>\d{1,9}+\.\d{1,9}+\.\d[\w.+-]*+)|\w++|[^\w\s]")
_ANY_VERSION = b"0.0.0"
_SEED = 1
_DIGEST = 16
_N_PARTS = 4
"""Parts of a packed fingerprint whose sizes stand in front of them."""
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


def change(old: bytes, new: bytes) -> RMinHash:
    """Return the MinHash of what a patch takes away and what it brings, each for itself.

    These are the tokens, by fives, of the changed lines, without those that both sides have: so
    the reverse of a patch, or another change of the same line, has nothing in common with it. All
    versions of a crate are one token, as a release differs from the next in nothing else.
    """
    before, after = old.splitlines(), new.splitlines()
    changed = Counter(before) - Counter(after), Counter(after) - Counter(before)
    # Where lines only change places, these are no lines, and the whole texts are compared.
    for sides in (changed, (before, after)):
        gone, come = (frozenset(_tokens_by_fives(lines)) for lines in sides)
        shingles = [f"-{one}" for one in gone - come] + [f"+{one}" for one in come - gone]
        if shingles:
            return _minhash(shingles, N_CODE_PERMUTATIONS)
    return _minhash([*_shingles(b"<", before), *_shingles(b">", after)], N_CODE_PERMUTATIONS)


def _tokens_by_fives(lines: Iterable[bytes]) -> Iterator[str]:
    tokens = [
        _ANY_VERSION if match["version"] else match[0]
        for match in _TOKEN.finditer(b"\n".join(lines))
    ]
    for start in range(max(bool(tokens), len(tokens) - _SHINGLE_WORDS + 1)):
        yield b" ".join(tokens[start : start + _SHINGLE_WORDS]).decode("utf-8", "replace")


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


def _pairs(words: list[bytes]) -> Iterator[str]:
    """Yield the words of code by twos."""
    for first, second in itertools.pairwise(words):
        yield (first + b" " + second).decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class PatchFingerprint:
    """The fingerprint of an edit.

    `exact` is the identity of its two texts, `digest` that of the patch without white space,
    `reverse` that of the patch that takes it back; `minhash` is of what changes, `code` of all
    that the edit leaves, `change` of what goes and of what comes, apart. `result` is the identity
    of its new code, empty for few words, and `added` a MinHash of the pairs of words of such code
    where all of it is added.
    """

    exact: bytes
    digest: bytes
    reverse: bytes
    minhash: RMinHash
    code: RMinHash
    change: RMinHash
    result: bytes = b""
    added: RMinHash | None = None

    @classmethod
    def of(cls, old: bytes, new: bytes) -> "PatchFingerprint":
        """Return the fingerprint of an edit."""
        exact = hashlib.blake2b(len(old).to_bytes(8, "little") + old + new, digest_size=_DIGEST)
        digest, reverse = patch_digests(old, new)
        code = _minhash([*_shingles(b"", (new or old).splitlines())], N_CODE_PERMUTATIONS)
        words = _WORD.findall(new)
        result, added = b"", None
        if len(words) >= _MIN_WORDS:
            result = _digest(b"", strip_insignificant(new))
            if not old:
                added = _minhash(list(_pairs(words)), N_CODE_PERMUTATIONS)
        minhashes = signature(old, new), code, change(old, new)
        return cls(exact.digest(), digest, reverse, *minhashes, result, added)

    def pack(self) -> bytes:
        """Return it as bytes."""
        added = self.added.__getstate__() if self.added is not None else b""
        parts = self.result, self.code.__getstate__(), self.change.__getstate__(), added
        sizes = b"".join(len(part).to_bytes(2, "little") for part in parts)
        digests = (self.exact, self.digest, self.reverse)
        return b"".join((*digests, sizes, *parts, self.minhash.__getstate__()))

    @classmethod
    def unpack(cls, data: bytes) -> "PatchFingerprint":
        """Undo `pack`; the version of rensa must be the same."""
        exact, digest, reverse = (data[n * _DIGEST : (n + 1) * _DIGEST] for n in range(3))
        sizes = data[3 * _DIGEST : 3 * _DIGEST + 2 * _N_PARTS]
        parts = []
        start = 3 * _DIGEST + len(sizes)
        for at in range(0, len(sizes), 2):
            end = start + int.from_bytes(sizes[at : at + 2], "little")
            parts.append(data[start:end])
            start = end
        result, code, changed, added = parts
        return cls(
            exact,
            digest,
            reverse,
            _restored(data[start:], N_PERMUTATIONS),
            _restored(code, N_CODE_PERMUTATIONS),
            _restored(changed, N_CODE_PERMUTATIONS),
            result,
            _restored(added, N_CODE_PERMUTATIONS) if added else None,
        )


def _restored(state: bytes, n_permutations: int) -> RMinHash:
    minhash = RMinHash(num_perm=n_permutations, seed=_SEED)
    minhash.__setstate__(state)
    return minhash
