"""How much of the data set a repository and a path may be, drawn by a seed."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from rsidx.exporters.filters.globs import matches

OVER_SHARE = "edits_balance"
_WHOLE = 1 << 64


class KeptEdit(NamedTuple):
    """An edit that may stay: by its number in the result of a commit of a repository."""

    repository: str
    commit: str
    number: int
    path: str
    symbol: str
    split: str
    n_rows: int


@dataclass(frozen=True)
class Balance:
    """The most rows of a repository and of each of its paths in a split, 0 for any.

    Of a repository or of paths (patterns as in a .gitattributes) that have a weight, from 0 to 1,
    such a share of the edits is taken.
    """

    rows_per_repository: int = 0
    rows_per_path: int = 0
    weights: Mapping[str, float] = field(default_factory=dict)
    path_weights: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    @property
    def is_any(self) -> bool:
        """Whether anything is left out."""
        caps = self.rows_per_repository, self.rows_per_path
        return any(caps) or bool(self.weights) or bool(self.path_weights)

    def share(self, edit: KeptEdit) -> float:
        """Return the share that is taken of edits like this one."""
        share = self.weights.get(edit.repository, 1.0)
        for pattern, weight in self.path_weights.items():
            if matches(pattern, edit.path):
                share *= weight
        return share

    def draw(self, edit: KeptEdit) -> int:
        """Return the number that an edit draws: those with the least are taken first."""
        what = f"{self.seed}\0{edit.commit}\0{edit.number}"
        return int.from_bytes(hashlib.blake2b(what.encode(), digest_size=8).digest())


class Sampler:
    """Takes in edits, and says which of them are too many."""

    def __init__(self, balance: Balance) -> None:
        self._balance = balance
        self._edits: list[tuple[int, KeptEdit]] = []

    def add(self, edit: KeptEdit) -> None:
        """Take in an edit."""
        self._edits.append((self._balance.draw(edit), edit))

    def too_many(self) -> Iterator[KeptEdit]:
        """Yield the edits that are left out, in the order of what they drew."""
        of_repository: Counter[tuple[str, str]] = Counter()
        of_path: Counter[tuple[str, str, str]] = Counter()
        balance = self._balance
        for number, edit in sorted(self._edits):
            where = edit.split, edit.repository
            place = (*where, edit.path)
            if (
                number >= balance.share(edit) * _WHOLE
                or _is_over(balance.rows_per_repository, of_repository[where], edit)
                or _is_over(balance.rows_per_path, of_path[place], edit)
            ):
                yield edit
            else:
                of_repository[where] += edit.n_rows
                of_path[place] += edit.n_rows


def _is_over(most: int, n_rows: int, edit: KeptEdit) -> bool:
    return bool(most) and n_rows + edit.n_rows > most
