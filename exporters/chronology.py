"""When commits were made, as far as their dates can be believed.

A date is what some machine's clock said: it may be absurd, or missing. Each date is corrected so
that no commit is older than its parents. Where that would carry an absurd date to everything that
was built on it, dates that most others contradict are not believed.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Generic, NamedTuple, TypeVar

from rsidx.store.dates import LATEST, NO_DATE
from rsidx.store.rows import CommitRow

Id = TypeVar("Id", bytes, str)
_SKEW_S = 86_400
"""A commit may be so much older than one that it follows before dates are doubted."""


def dated(commits: Sequence[CommitRow], among: Set[bytes]) -> list[CommitRow]:
    """Return commits with their believable dates, in that order.

    What was built on a commit bears witness to its date: `among` says which commits are heard,
    and holds with each its parents. The others keep the date by which the index has them.
    """
    heard = ((c.oid, c.parents, c.committer_time) for c in commits if c.oid in among)
    dates = believable(heard)
    found = [replace(commit, date=dates.get(commit.oid, commit.generation)) for commit in commits]
    return sorted(found, key=lambda commit: (commit.date, commit.oid))


def believable(commits: Iterable[tuple[Id, Sequence[Id], int]]) -> dict[Id, int]:
    """Return a date for each commit (id, parents, date), above those of its parents.

    Parents come before their children. The dates do not depend on the order otherwise.
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
    last_of: list[int] = []  # By length of a series: where the series ends that ends earliest.
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
