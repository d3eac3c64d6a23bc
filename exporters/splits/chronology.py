"""The dates of commits, corrected where they cannot be true.

A date is what some machine's clock said: it may be absurd, or missing. Each date is corrected so
that no commit is older than its parents. So that an absurd date does not spread to all of its
descendants, dates that most others contradict are not trusted.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Generic, NamedTuple, TypeVar

from rsidx.store.dates import LATEST, NO_DATE
from rsidx.store.records import CommitRow

Id = TypeVar("Id", bytes, str)
_SKEW_S = 86_400
"""How much older than an ancestor a commit may be before dates are doubted."""


def dated(commits: Sequence[CommitRow], among: Set[bytes]) -> list[CommitRow]:
    """Return commits with their corrected dates, sorted by them.

    The dates of the commits in `among`, which holds the parents of each, are corrected by one
    another. The others keep the date that the index has for them, their generation.
    """
    considered = ((c.oid, c.parents, c.committer_time) for c in commits if c.oid in among)
    dates = believable(considered)
    found = [replace(commit, date=dates.get(commit.oid, commit.generation)) for commit in commits]
    return sorted(found, key=lambda commit: (commit.date, commit.oid))


def believable(commits: Iterable[tuple[Id, Sequence[Id], int]]) -> dict[Id, int]:
    """Return a date for each commit (id, parents, date), later than those of its parents.

    Parents must come before their children; otherwise the order does not matter.
    """
    history = {oid: _Commit(tuple(parents), min(time, LATEST)) for oid, parents, time in commits}
    corrected = _corrected(history, {oid: commit.time for oid, commit in history.items()})
    behind = (corrected[oid] - commit.time for oid, commit in history.items() if commit.time)
    if max(behind, default=0) <= _SKEW_S:
        return corrected
    order = sorted(history, key=lambda oid: (corrected[oid], oid))
    trusted = _trusted([oid for oid in order if history[oid].time > NO_DATE], history)
    return _corrected(history, _bounded(history, trusted, order))


class _Commit(NamedTuple, Generic[Id]):
    parents: tuple[Id, ...]
    time: int


def _corrected(history: Mapping[Id, _Commit[Id]], dates: Mapping[Id, int]) -> dict[Id, int]:
    found: dict[Id, int] = {}
    for oid, commit in history.items():
        above = max((found.get(parent, NO_DATE) for parent in commit.parents), default=NO_DATE)
        found[oid] = max(dates[oid], above + 1)
    return found


def _trusted(order: Sequence[Id], history: Mapping[Id, _Commit[Id]]) -> Set[Id]:
    """Return the largest set of commits whose dates do not contradict their order."""
    times = [history[oid].time for oid in order]
    last_of: list[int] = []  # By length: the last position of the series that ends earliest.
    ends: list[int] = []
    before: list[int | None] = []
    for position, time in enumerate(times):
        length = bisect_right(ends, time)
        before.append(last_of[length - 1] if length else None)
        last_of[length : length + 1] = [position]
        ends[length : length + 1] = [time]
    found = set()
    at = last_of[-1] if last_of else None
    while at is not None:
        found.add(order[at])
        at = before[at]
    return found


def _bounded(
    history: Mapping[Id, _Commit[Id]], trusted: Set[Id], order: Sequence[Id]
) -> dict[Id, int]:
    """Put each date between the trusted ones before and after it."""
    latest = dict.fromkeys(order, LATEST)
    for oid in reversed(order):
        commit = history[oid]
        bound = commit.time if oid in trusted else latest[oid]
        for parent in commit.parents:
            if parent in latest:
                latest[parent] = min(latest[parent], bound - 1)
    earliest: dict[Id, int] = {}
    found = {}
    for oid in order:
        commit = history[oid]
        above = max((earliest.get(parent, NO_DATE) for parent in commit.parents), default=NO_DATE)
        is_trusted = oid in trusted
        found[oid] = commit.time if is_trusted else min(max(commit.time, above), latest[oid])
        earliest[oid] = commit.time if is_trusted else above
    return found
