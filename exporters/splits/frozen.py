"""An earlier export's boundaries between the splits, and what became of its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rsidx.errors import ExportError
from rsidx.exporters.splits.chronology import dated
from rsidx.exporters.splits.split import SPLITS, Split, reachable
from rsidx.store.records import CommitRow


def split_summary(chosen: Sequence[CommitRow], split: Split) -> dict[str, Any]:
    """Return each split's first and last commit and its number of commits, for the manifest.

    `embargo` is the same of the commits that were left out in front of it.
    """
    found = {}
    for name, (start, begin, end) in zip(SPLITS, split.edges(len(chosen)), strict=True):
        found[name] = {**_ends(chosen[begin:end]), "embargo": _ends(chosen[start:begin])}
    return found


def _ends(commits: Sequence[CommitRow]) -> dict[str, Any]:
    return {
        "n_commits": len(commits),
        "first_commit": commits[0].oid.hex() if commits else None,
        "last_commit": commits[-1].oid.hex() if commits else None,
    }


@dataclass(frozen=True, slots=True)
class Frozen:
    """The boundaries of an earlier export.

    `starts` are the commits at which the embargo and the commits of val and test begin, None
    where there is none; `tips` are what that export reached.
    """

    starts: tuple[bytes | None, ...]
    tips: tuple[bytes, ...]


def read(manifest: Mapping[str, Any], file: Path) -> Frozen:
    """Return the boundaries of an export by its manifest, which `file` names in an ExportError."""
    try:
        splits = manifest["splits"]
        starts = [
            part["first_commit"]
            for name in SPLITS[1:]
            for part in (splits[name]["embargo"], splits[name])
        ]
        tips = tuple(bytes.fromhex(tip) for tip in manifest["tips"].values())
        return Frozen(tuple(bytes.fromhex(oid) if oid else None for oid in starts), tips)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ExportError(f"{file} has no boundaries that can be read: {error}") from error


def apply_frozen(
    chosen: Sequence[CommitRow],
    commits: Mapping[bytes, CommitRow],
    frozen: Frozen,
    *,
    new_in_test: bool,
) -> tuple[list[CommitRow], Split, list[CommitRow]]:
    """Return the commits in their order, the split of an earlier export, and those that are out.

    Each commit that the earlier export had keeps its split. Those that came since follow at
    the end of test, if they are newer than its beginning and are wanted; else they stay out.
    Raises ExportError where the index lacks a commit of the boundaries.
    """
    if frozen.starts[-1] is None:
        raise ExportError("the earlier export has no test split whose boundaries could be kept")
    # In the order of that export: later commits must not change the dates that it used.
    before = reachable(commits, frozen.tips)
    then = {commit.oid: commit for commit in dated(list(commits.values()), before)}
    keys = []
    following: tuple[int, bytes] | None = None
    for oid in reversed(frozen.starts):
        if oid is not None:
            if oid not in commits:
                raise ExportError(
                    f"the earlier export's splits begin at {oid.hex()}, which is not in the index"
                )
            following = then[oid].date, oid
        assert following is not None
        keys.append(following)
    val_out, val, test_out, test = reversed(keys)
    old = [then[commit.oid] for commit in chosen if commit.oid in before]
    old.sort(key=lambda commit: (commit.date, commit.oid))
    new = [commit for commit in chosen if commit.oid not in before]
    n_before = [
        sum((commit.date, commit.oid) < key for commit in old)
        for key in (val_out, val, test_out, test)
    ]
    wanted = [c for c in new if new_in_test and (c.date, c.oid) > test]
    out = [c for c in new if not (new_in_test and (c.date, c.oid) > test)]
    split = Split(n_before[0], n_before[2], n_before[1] - n_before[0], n_before[3] - n_before[2])
    return [*old, *wanted], split, out
