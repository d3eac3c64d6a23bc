"""In which order train is written, and how much a row of it weighs.

Val and test stay in the order of history.
"""

import hashlib
import struct
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import orjson

from rsidx.exporters.pipeline.result import TokenizedRow
from rsidx.store.spill import SpillSorter

_DAY_S = 86_400
_YEAR_S = 365 * _DAY_S
_SIZES = struct.Struct(">QQ")


def newest(dates: Iterable[int]) -> int:
    """Return the newest of some commits' dates, 0 for none.

    No later commit can contradict the newest dates, so the newest hundredth of them (at least one)
    does not count if it is over a year after all others.
    """
    found = sorted(dates)
    if not found:
        return 0
    n_doubted = max(1, len(found) // 100)
    latest = found[max(0, len(found) - 1 - n_doubted)] + _YEAR_S
    return max(date for date in found if date <= latest)


class Weights:
    """Weighs rows by age: half for each half-life, in days, before the newest of train."""

    def __init__(self, half_life: float, newest: int) -> None:
        self._half_life_s = half_life * _DAY_S
        self._newest = newest

    def with_weight(self, row: TokenizedRow, time: int) -> TokenizedRow:
        """Return a row with its `weight`, from 0 to 1, given when it was committed."""
        weight = 0.5 ** (max(0, self._newest - time) / self._half_life_s)
        return replace(row, meta=row.meta[:-1] + b',"weight":%.6g}' % weight)


def sort_key(order: str, seed: int) -> Callable[[TokenizedRow], bytes] | None:
    """Return what rows are sorted by, None for rows that stay in the order of history."""
    if order == "difficulty":
        return lambda row: _SIZES.pack(_n_learned(row), len(row.ids))
    if order == "random":
        return lambda row: hashlib.blake2b(f"{seed}\0{row.brief['id']}".encode()).digest()
    return None


def _n_learned(row: TokenizedRow) -> int:
    return sum(end - start for start, end in row.learned)


class Sorter:
    """Sorts rows on disk, in a file of `folder` that has no name."""

    def __init__(self, folder: Path, key: Callable[[TokenizedRow], bytes]) -> None:
        self._key = key
        self._spill = SpillSorter(folder, n_values=3)

    def add(self, row: TokenizedRow) -> None:
        """Add a row."""
        rest = orjson.dumps((row.learned, row.brief))
        self._spill.add(self._key(row), row.ids.tobytes(), row.meta, rest)

    def rows(self) -> Iterator[TokenizedRow]:
        """Yield the rows in order; equal ones stay in the order in which they came."""
        for _, ids, meta, rest in self._spill.rows():
            learned, brief = orjson.loads(rest)
            yield TokenizedRow(array("I", ids), tuple(map(tuple, learned)), brief, meta)

    def close(self) -> None:
        """Close the file, which removes it."""
        self._spill.close()
