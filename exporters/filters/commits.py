"""Filters on commits: merges, bots, bulk commits and uninformative messages."""

import re

from rsidx.exporters.filters.filter import CommitView, Filter
from rsidx.store.records import CommitRow

_POOR = re.compile(
    r"\W*(?:(?:wip|tmp|temp|checkpoint)\b|(?:fixup|squash|amend)!)"
    r"|(?:\w+(?:\(\S+\))?: )?(?:"
    r"bump (?:the )?(?:crate )?versions?\b"
    r"|(?:bump|update|set) (?:\S+ )?(?:version )?to v?\d[\w.+-]*\s*\Z"
    r"|(?:prepare )?(?:for )?release (?:of )?(?:\S+ )?v?\d[\w.+-]*\s*\Z"
    r"|(?:\S+ )?(?:version )?v?\d++\.\d[\w.+-]*\s*\Z)",
    re.IGNORECASE,
)


def is_uninformative(message: str, min_chars: int) -> bool:
    """Tell whether a commit's message says nothing of its change: short, `wip`, a version."""
    return len(message) < min_chars or _POOR.match(message.split("\n", 1)[0]) is not None


def _is_merge(commit: CommitRow) -> bool:
    return len(commit.parents) > 1


def _is_by_bot(commit: CommitRow) -> bool:
    return commit.is_bot


def _is_bulk(view: CommitView) -> bool:
    return view.n_files > view.max_files


def _is_uninformative(view: CommitView) -> bool:
    return is_uninformative(view.message, view.min_message)


COMMITS = (
    Filter("since", "history", "commits from before `--since`, if it is given", always=True),
    Filter("merges", "history", "merge commits", _is_merge),
    Filter("bots", "history", "commits by bots", _is_by_bot),
    Filter("bulk", "commit", "commits that change more than `--max-files` Rust files", _is_bulk),
    Filter(
        "messages",
        "commit",
        "commits of whose message less than `--min-message` is left (see Messages), or only `wip`, "
        "a fix-up or a version",
        _is_uninformative,
    ),
)
