"""What rows of one split are related to rows of another, which must not be."""

from collections.abc import Iterator

from rsidx.exporters.dedup.leakage import leaks
from rsidx.exporters.edits.fingerprint import PatchFingerprint
from rsidx.store.spill import SpillSorter


class Edits:
    """The fingerprints of edits, each with its split and first row, spilled to disk.

    They are added split by split.
    """

    def __init__(self) -> None:
        self._spill = SpillSorter(n_values=2)

    def add(self, split: int, number: int, patch: PatchFingerprint) -> None:
        """Add an edit."""
        self._spill.add(split, number, patch.pack())

    def close(self) -> None:
        """Close the file, which removes it."""
        self._spill.close()

    def leaks(self) -> Iterator[tuple[int, int, str]]:
        """Yield split, row and reason of those that are related to one of an earlier split."""
        later = (
            ((split, number), split, patch) for split, number, patch in self._read(from_split=1)
        )
        for (split, number), reason in leaks(later, lambda: ((s, p) for s, _, p in self._read())):
            yield split, number, reason

    def _read(self, from_split: int = 0) -> Iterator[tuple[int, int, PatchFingerprint]]:
        for split, number, patch in self._spill.rows(from_split):
            yield split, number, PatchFingerprint.unpack(patch)
