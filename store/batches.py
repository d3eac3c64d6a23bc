"""Values in batches: a statement takes only so many."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

_MAX_VALUES = 500
_T = TypeVar("_T")


def batches(values: Iterable[_T], n_at_once: int | None = None) -> Iterator[list[_T]]:
    """Yield values in lists of `n_at_once`, as many as a statement may name by default."""
    every = list(values)
    size = n_at_once or _MAX_VALUES
    for start in range(0, len(every), size):
        yield every[start : start + size]
