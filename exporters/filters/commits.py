"""Filters on commits: merges, bots, bulk commits and uninformative messages."""

import re
from collections.abc import Collection

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
_DEPENDENCY = re.compile(
    r"(?:\w+(?:\(\S+\))?: )?(?:bump|update|set) (?!(?:crate |the )?versions?\b)(?P<name>\S+) "
    r"(?:version )?to v?\d",
    re.IGNORECASE,
)
_OF_A_RELEASE = re.compile(
    r"[ \t]*+(?:"
    r"(?:[*+-][ \t]++)?`?[\w-]++`?(?::|,| to|[ \t])*+\(?v?\d[\w.+-]*\)?[.,]?"
    r"|[*+-][ \t]++`?[\w-]++`?"
    r"|\[[^\]]*+\]"
    r"|(?:this )?(?:also )?(?:bump|include|update)(?:s|ed)?\b[^\n:]*+:"
    r"|(?:this )?also (?:bump|include|update)s?\b[^\n]*+"
    r"|[^\n]{0,200}\brelease[sd]?\b[^\n]*+"
    r")[ \t]*+",
    re.IGNORECASE,
)
"""Lines of which a release's message has many: the crates that it also releases."""


def is_uninformative(
    message: str, min_chars: int, *, changes_rust: bool = False, packages: Collection[str] = ()
) -> bool:
    """Tell whether a commit's message says nothing of its change: short, `wip`, a version.

    What stands below such a subject may say it. Where a commit `changes_rust`, the new version of
    a dependency is why; that of one of the `packages` whose manifests it changes is a release.
    """
    subject, _, body = message.partition("\n")
    if _POOR.match(subject) and not (changes_rust and _names_dependency(subject, packages)):
        lines = (line for line in body.splitlines() if not _OF_A_RELEASE.fullmatch(line))
        message = "\n".join(lines).strip()
    return len(message) < min_chars


def _names_dependency(subject: str, packages: Collection[str]) -> bool:
    match = _DEPENDENCY.match(subject)
    name = match["name"].strip("`'\"").casefold() if match is not None else ""
    return bool(name) and name not in packages


def _is_merge(commit: CommitRow) -> bool:
    return len(commit.parents) > 1


def _is_by_bot(commit: CommitRow) -> bool:
    return commit.is_bot


def _is_bulk(view: CommitView) -> bool:
    return view.n_files > view.max_files


def _is_uninformative(view: CommitView) -> bool:
    return is_uninformative(
        view.message, view.min_message, changes_rust=view.n_files > 0, packages=view.packages
    )


COMMITS = (
    Filter("since", "history", "commits from before `--since`, if it is given", always=True),
    Filter("merges", "history", "merge commits", _is_merge),
    Filter("bots", "history", "commits by bots", _is_by_bot),
    Filter("bulk", "commit", "commits that change more than `--max-files` Rust files", _is_bulk),
    Filter(
        "messages",
        "commit",
        "commits of whose message less than `--min-message` is left (see Messages), not counting a "
        "subject that is only `wip`, a fix-up or a version, and lists of versions below one; but "
        "`Bump x to 2.0` counts where the commit changes Rust code and `x` is a dependency",
        _is_uninformative,
    ),
)
