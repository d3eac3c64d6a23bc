"""Which edits may be near duplicates, by datatrove's stages of MinHash.

The signature of an edit is the MinHash that an export compares edits by, cut into the same bands.
"""

import struct
from array import array
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupSignature,
)
from datatrove.utils.hashing import HashConfig

from rsidx.corpus.workspace import Workspace
from rsidx.exporters.dedup.leakage import N_BANDS, is_near
from rsidx.exporters.edits.fingerprint import N_PERMUTATIONS, PatchFingerprint

CONFIG = MinhashConfig(
    num_buckets=N_BANDS,
    hashes_per_bucket=N_PERMUTATIONS // N_BANDS,
    # The function is not called: the hashes are made already.
    hash_config=HashConfig(precision=32, hash_fc="sha1"),
)
SIGNATURES, PAIRS = "signatures", "pairs"
_PAIR = struct.Struct("<4I")
_ANY_LANGUAGE = "ace_Arab"
"""The tokenizer of words is not called either; this one is loaded only when it is."""


class EditSignatures(MinhashDedupSignature):
    """Writes the signatures of edits, whose documents have their MinHashes as texts."""

    def __init__(self, out: Workspace) -> None:
        super().__init__(out.within(SIGNATURES).address, CONFIG, language=_ANY_LANGUAGE)

    def get_shingles(self, text: str) -> "np.ndarray[tuple[int], np.dtype[np.uint32]]":
        """Return the values of a MinHash."""
        return np.frombuffer(bytes.fromhex(text), "<u4")

    def get_signature(
        self, shingles: "np.ndarray[tuple[int], np.dtype[np.uint32]]"
    ) -> list[list[int]]:
        """Return the bands of a MinHash."""
        return [band.tolist() for band in np.split(shingles, CONFIG.num_buckets)]


def buckets(out: Workspace) -> MinhashDedupBuckets:
    """Return the step that finds the edits whose signatures agree in a band; a task a band."""
    return MinhashDedupBuckets(
        out.within(SIGNATURES).address, out.within(PAIRS).address, config=CONFIG
    )


def agreeing(out: Workspace, numbers: Sequence[Sequence[int]]) -> dict[int, "array[int]"]:
    """Return for each edit that agrees with another in a band the sets of which it is one.

    `numbers` are the numbers of the edits of each task that wrote signatures, in its order.
    """
    sets: dict[int, array[int]] = {}
    n_sets = 0
    for name in sorted(out.within(PAIRS).folder.list_files()):
        before = None
        for first, second in _pairs(out.within(PAIRS).read_bytes(name)):
            # Those of one signature follow each other: each pair begins where the last one ended.
            if first != before:
                n_sets += 1
                sets.setdefault(numbers[first[0]][first[1]], array("Q")).append(n_sets)
            sets.setdefault(numbers[second[0]][second[1]], array("Q")).append(n_sets)
            before = second
    return sets


def _pairs(data: bytes) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    for first_file, first, second_file, second in _PAIR.iter_unpack(data):
        yield (first_file, first), (second_file, second)


class AgreeingEdits:
    """The edits that were kept of one split, of those that agree with another in a band."""

    def __init__(self, sets: Mapping[int, Sequence[int]]) -> None:
        self._sets = sets
        self._kept: dict[int, list[int]] = {}
        self._patches: dict[int, PatchFingerprint] = {}

    def near(self, number: int, patch: PatchFingerprint) -> int | None:
        """Return the number of the first of them that an edit nearly repeats, None for none."""
        sets = self._sets.get(number, ())
        candidates = sorted({one for each in sets for one in self._kept.get(each, ())})
        return next((one for one in candidates if is_near(patch, self._patches[one])), None)

    def add(self, number: int, patch: PatchFingerprint) -> None:
        """Add an edit that is kept, by its number."""
        if number in self._sets:
            self._patches[number] = patch
            for each in self._sets[number]:
                self._kept.setdefault(each, []).append(number)
