"""Packing: several rows in one of a fixed length, none cut, each with positions of its own.

Best fit: a row goes where the least room is left over. Only so many packed rows are open at a time,
so the memory is bounded; the fullest is closed first.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field

from rsidx.exporters.formats.common import IGNORED

PACKED_COLUMNS = ("input_ids", "position_ids", "labels")
_MAX_OPEN = 1000


@dataclass(slots=True)
class PackedRow:
    """A row of several documents; `position_ids` begin at 0 in each."""

    input_ids: list[int] = field(default_factory=list)
    position_ids: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)

    def add(self, ids: list[int], labels: list[int]) -> None:
        """Put a document behind the others; its first token is no target of the one before."""
        self.input_ids += ids
        self.position_ids += range(len(ids))
        self.labels += [IGNORED, *labels[1:]]


class Packer:
    """Packs the rows of one split, in their order, into rows of at most `length` tokens."""

    def __init__(self, length: int, max_open: int = _MAX_OPEN) -> None:
        self._length = length
        self._max_open = max_open
        # (room left, number), ascending; numbers make the order the same each time.
        self._open: list[tuple[int, int]] = []
        self._rows: dict[int, PackedRow] = {}
        self._n_rows = 0

    def add(self, ids: list[int], labels: list[int]) -> Iterator[PackedRow]:
        """Add a document; yield what is closed for it."""
        at = bisect_left(self._open, (len(ids), -1))
        if at < len(self._open):
            room, number = self._open.pop(at)
        else:
            room, number = self._length, self._n_rows
            self._n_rows += 1
            self._rows[number] = PackedRow()
        self._rows[number].add(ids, labels)
        insort(self._open, (room - len(ids), number))
        if len(self._open) > self._max_open:
            _, fullest = self._open.pop(0)
            yield self._rows.pop(fullest)

    def rest(self) -> Iterator[PackedRow]:
        """Yield what is still open, in the order in which it was begun."""
        for number in sorted(self._rows):
            yield self._rows[number]
        self._open, self._rows = [], {}
