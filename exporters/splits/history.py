"""The commits that refs reach, in the order of history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rsidx.errors import ExportError
from rsidx.exporters.splits.chronology import dated
from rsidx.exporters.splits.split import reachable
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow

_MIN_DIGITS = 4
"""Fewer digits name no commit: git takes no fewer either."""


@dataclass(frozen=True, slots=True)
class History:
    """All commits of an index in the order of their dates, and which of them are asked for.

    `tips` are what was asked for, by name; `reached` are the commits that these reach.
    """

    commits: Mapping[bytes, CommitRow]
    tips: Mapping[str, bytes]
    reached: frozenset[bytes]


def history_of(reader: Reader, refs: Mapping[bytes, bytes], revisions: Sequence[str]) -> History:
    """Return the history of refs, or of commits by the beginnings of their ids; HEAD's for none.

    `refs` must be read first: a commit that is indexed meanwhile is then one too many, but none is
    missing. Raises ExportError for a revision that the index does not know.
    """
    commits = {commit.oid: commit for commit in reader.commits()}
    tips = _tips(refs, revisions, commits)
    reached = reachable(commits, list(tips.values()))
    ordered = dated(list(commits.values()), reached)
    return History({commit.oid: commit for commit in ordered}, tips, reached)


def ref_named(refs: Mapping[bytes, bytes], revision: str) -> bytes | None:
    """Return the tip of a ref by its name, or by the short one of a branch or tag."""
    usual = (revision, f"refs/heads/{revision}", f"refs/tags/{revision}", f"refs/{revision}")
    by_name = {name.decode("utf-8", "replace"): tip for name, tip in refs.items()}
    return next((by_name[name] for name in usual if name in by_name), None)


def _tips(
    refs: Mapping[bytes, bytes], revisions: Sequence[str], commits: Mapping[bytes, CommitRow]
) -> dict[str, bytes]:
    tips = {}
    for revision in revisions or ("HEAD",):
        found = ref_named(refs, revision)
        if found is None and len(revision) >= _MIN_DIGITS:
            matching = [oid for oid in commits if oid.hex().startswith(revision.lower())]
            found = matching[0] if len(matching) == 1 else None
        if found is None or found not in commits:
            raise ExportError(
                f"{revision!r} names no commit of the index; run `rsidx backfill` for it first"
            )
        tips[revision] = found
    return tips
