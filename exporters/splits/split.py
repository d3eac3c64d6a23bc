"""Which commits are exported, and into which split each goes."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from rsidx.errors import ExportError
from rsidx.store.records import CommitRow


class SplitBy(NamedTuple):
    """What splits of many repositories follow: time, whole groups of repositories, or both."""

    time: bool
    groups: bool


SPLITS_BY = {
    "time": SplitBy(time=True, groups=False),
    "repository": SplitBy(time=False, groups=True),
    "both": SplitBy(time=True, groups=True),
}
SPLITS = ("train", "val", "test")
_EMBARGO = re.compile(r"(\d+(?:\.\d+)?)(d)?\Z")
_DAY_S = 86_400
_OID = re.compile(r"[0-9a-f]{4,64}\Z")


@dataclass(frozen=True, slots=True)
class Split:
    """Which split each commit goes to: positions in the ordered commits.

    Val begins at `val_from`, test at `test_from`; the first `val_embargo` commits of val, and
    `test_embargo` of test, are left out, so that no split begins where the one before ends.
    """

    val_from: int
    test_from: int
    val_embargo: int = 0
    test_embargo: int = 0

    def number(self, position: int) -> int:
        """Return the split of the commit at a position, by its number in `SPLITS`."""
        return (position >= self.val_from) + (position >= self.test_from)

    def name(self, position: int) -> str:
        """Return the split of the commit at a position."""
        return SPLITS[self.number(position)]

    def is_out(self, position: int) -> bool:
        """Tell whether the commit at a position is left out, between two splits."""
        start = (0, self.val_from, self.test_from)[self.number(position)]
        return position < start + (0, self.val_embargo, self.test_embargo)[self.number(position)]

    def edges(self, n_commits: int) -> list[tuple[int, int, int]]:
        """Return where each split's embargo begins, where its commits do, and where they end."""
        starts = (0, self.val_from, self.test_from, n_commits)
        embargoes = (0, self.val_embargo, self.test_embargo)
        return [
            (start, min(start + embargo, end), end)
            for start, embargo, end in zip(starts, embargoes, starts[1:], strict=False)
        ]


@dataclass(frozen=True, slots=True)
class Plan:
    """The commits of an export in their order, and which split each goes to."""

    commits: Sequence[CommitRow]
    split: Split

    def positions(self) -> Iterator[int]:
        """Yield the positions of the commits that are in a split."""
        return (n for n in range(len(self.commits)) if not self.split.is_out(n))


def reachable(commits: Mapping[bytes, CommitRow], tips: Sequence[bytes]) -> frozenset[bytes]:
    """Return the indexed commits that the tips reach."""
    seen: set[bytes] = set()
    stack = [tip for tip in tips if tip in commits]
    while stack:
        oid = stack.pop()
        if oid not in seen:
            seen.add(oid)
            stack += [parent for parent in commits[oid].parents if parent in commits]
    return frozenset(seen)


def select(
    commits: Sequence[CommitRow],
    wanted: frozenset[bytes],
    rejected: Callable[[CommitRow], str | None],
    since: str | None = None,
) -> tuple[list[CommitRow], list[tuple[CommitRow, str]]]:
    """Return the commits to export in the order of history, and the others with their reasons.

    Reasons: `unreachable`, `boundary`, `unreadable`, `since` for those from before a date, and what
    `rejected` gives.
    """
    left_out = []
    oldest = seconds_of(since) if since is not None else None
    chosen = []
    for commit in commits:
        if commit.oid not in wanted:
            reason: str | None = "unreachable"
        elif commit.state != "ok":
            reason = commit.state
        elif oldest is not None and commit.date < oldest:
            reason = "since"
        else:
            reason = rejected(commit)
        if reason is None:
            chosen.append(commit)
        else:
            left_out.append((commit, reason))
    return chosen, left_out


def split_commits(commits: Sequence[CommitRow], spec: str, embargo: str) -> Split:
    """Return the split that `spec` asks for.

    `spec` is three shares of the commits (`0.8,0.1,0.1`), two dates or two commits, at which
    val and test begin. `embargo` is a share of the commits (`0.005`), a number of commits (`20`)
    or of days (`7d`). Raises ExportError for anything else.
    """
    words = [word.strip() for word in spec.split(",")]
    if len(words) == 3:
        split = _by_share(len(commits), words)
    elif len(words) == 2 and all(_OID.match(word) for word in words):
        split = _by_commit(commits, words)
    elif len(words) == 2:
        split = _by_date(commits, words)
    else:
        raise ExportError(
            f"--split {spec!r}: give three shares (0.8,0.1,0.1), or two dates or two commits at "
            "which val and test begin"
        )
    return _with_embargo(commits, split, embargo)


def _with_embargo(commits: Sequence[CommitRow], split: Split, spec: str) -> Split:
    match = _EMBARGO.match(spec)
    if match is None:
        raise ExportError(
            f"--embargo {spec!r}: give a share of the commits (0.005), a number of commits (20) "
            "or of days (7d)"
        )
    days = float(match.group(1)) if match.group(2) else 0.0
    share = float(match.group(1))
    n_commits = 0 if days else int(share * len(commits) if share < 1 else min(share, len(commits)))
    n_out = []
    for start, end in ((split.val_from, split.test_from), (split.test_from, len(commits))):
        n = n_commits if start else 0
        if days and start:
            until = commits[start - 1].date + days * _DAY_S
            n = sum(commits[position].date < until for position in range(start, end))
        n_out.append(min(n, end - start))
    return replace(split, val_embargo=n_out[0], test_embargo=n_out[1])


def _by_share(n_commits: int, words: Sequence[str]) -> Split:
    try:
        train, val, test = (float(word) for word in words)
    except ValueError as error:
        raise ExportError(f"--split: {','.join(words)} are not three numbers") from error
    # Not a number is neither less nor more than any.
    if not (min(train, val, test) >= 0 and abs(train + val + test - 1) <= 1e-6):
        raise ExportError(f"--split: {','.join(words)} do not add up to 1")
    return Split(round(n_commits * train), round(n_commits * (train + val)))


def seconds_of(date: str) -> float:
    """Return a date in seconds, in UTC unless it names a zone; raises ValueError for another text.

    Raises OverflowError where it is too far away for the system.
    """
    moment = datetime.fromisoformat(date)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _by_date(commits: Sequence[CommitRow], words: Sequence[str]) -> Split:
    positions = []
    for word in words:
        try:
            seconds = seconds_of(word)
        except (ValueError, OverflowError) as error:
            raise ExportError(f"--split: {word!r} is neither a date nor a commit") from error
        later = (i for i, commit in enumerate(commits) if commit.date >= seconds)
        positions.append(next(later, len(commits)))
    return _in_order(positions, words)


def _by_commit(commits: Sequence[CommitRow], words: Sequence[str]) -> Split:
    positions = []
    for word in words:
        found = [i for i, commit in enumerate(commits) if commit.oid.hex().startswith(word)]
        if len(found) != 1:
            problem = "names several commits" if found else "is no commit of this export"
            raise ExportError(f"--split: {word} {problem}")
        positions.append(found[0])
    return _in_order(positions, words)


def _in_order(positions: Sequence[int], words: Sequence[str]) -> Split:
    if positions[0] > positions[1]:
        raise ExportError(f"--split: val begins at {words[0]}, after test at {words[1]}")
    return Split(positions[0], positions[1])
