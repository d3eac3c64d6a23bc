"""In which order train is written, and how much a row of it weighs.

Val and test stay in the order of history.
"""

import hashlib
import tempfile
from array import array
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from rsidx.exporters.entries import MadeRow

ORDERS = ("time", "difficulty", "random")
"""By history; the fewest tokens with loss first, of these the shortest example; by the seed."""
_DAY_S = 86_400


class Weights:
    """Weighs rows by age: half for each half-life, in days, before the newest of train."""

    def __init__(self, half_life: float, newest: int) -> None:
        self._half_life_s = half_life * _DAY_S
        self._newest = newest

    def weighed(self, row: MadeRow, time: int) -> MadeRow:
        """Return a row with its `weight`, from 0 to 1, given when it was committed."""
        weight = 0.5 ** (max(0, self._newest - time) / self._half_life_s)
        return replace(row, meta=row.meta[:-1] + b',"weight":%.6g}' % weight)


def sort_key(order: str, seed: int) -> Callable[[MadeRow], Any] | None:
    """Return what rows are sorted by, None for rows that stay in the order of history."""
    if order == "difficulty":
        return lambda row: (_n_learned(row), len(row.ids))
    if order == "random":
        return lambda row: hashlib.blake2b(f"{seed}\0{row.brief['id']}".encode()).digest()
    return None


def _n_learned(row: MadeRow) -> int:
    return sum(end - start for start, end in row.learned)


class Sorter:
    """Sorts rows outside of memory: they wait in a file of `folder` that has no name."""

    def __init__(self, folder: Path, key: Callable[[MadeRow], Any]) -> None:
        self._key = key
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  (`close` is the owner's)
        self._places: list[tuple[Any, int, int]] = []

    def add(self, row: MadeRow) -> None:
        """Take in a row."""
        head = orjson.dumps((len(row.meta), row.learned, row.brief))
        start = self._file.tell()
        self._file.write(row.ids.tobytes() + row.meta + head)
        self._places.append((self._key(row), start, len(head)))

    def rows(self) -> Iterator[MadeRow]:
        """Yield the rows in order; what is equal stays in the order in which it came."""
        ends = [start for _, start, _ in self._places[1:]] + [self._file.tell()]
        places = sorted(
            (key, start, end, n_head)
            for (key, start, n_head), end in zip(self._places, ends, strict=True)
        )
        for _, start, end, n_head in places:
            self._file.seek(start)
            data = self._file.read(end - start)
            n_meta, learned, brief = orjson.loads(data[-n_head:])
            at = len(data) - n_head - n_meta
            ids, meta = array("I", data[:at]), data[at : at + n_meta]
            yield MadeRow(ids, tuple(map(tuple, learned)), brief, meta)

    def close(self) -> None:
        """Give up the file."""
        self._file.close()
