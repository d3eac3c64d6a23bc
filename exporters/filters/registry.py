"""The filters, in the order in which they decide; the first that rejects is the one that counts.

`--keep`, the counters, the cache key and the table in `docs/format.md` follow from this list.
"""

from collections.abc import Iterable
from typing import Any

from rsidx.exporters.edits.pairing import same_tokens
from rsidx.exporters.filters import hygiene
from rsidx.exporters.filters.filter import CommitView, EditView, Filter, Scope
from rsidx.store.records import CommitRow


def _is_merge(commit: CommitRow) -> bool:
    return len(commit.parents) > 1


def _is_by_bot(commit: CommitRow) -> bool:
    return commit.is_bot


def _is_bulk(commit: CommitView) -> bool:
    return commit.n_files > commit.max_files


def _is_uninformative(commit: CommitView) -> bool:
    return hygiene.is_uninformative(commit.message, commit.min_message)


def _is_unlicensed(view: EditView) -> bool:
    return not view.is_licensed()


def _is_vendored(view: EditView) -> bool:
    return hygiene.is_vendored(view.path) or view.has_attribute("linguist-vendored")


def _is_generated(view: EditView) -> bool:
    return hygiene.is_generated(view.path, view.head()) or view.has_attribute("linguist-generated")


def _is_encoded(view: EditView) -> bool:
    return hygiene.is_encoded(view.text)


def _has_long_lines(view: EditView) -> bool:
    return hygiene.has_long_lines(view.text)


def _has_few_letters(view: EditView) -> bool:
    return hygiene.has_few_letters(view.text)


def _is_deletion(view: EditView) -> bool:
    return view.edit.new is None


def _is_formatting(view: EditView) -> bool:
    edit = view.edit
    return edit.change == "modify" and not edit.is_no_op and same_tokens(view.old, view.new)


def _is_blank(view: EditView) -> bool:
    return not view.old.strip() and not view.new.strip()


FILTERS = (
    Filter("merges", "history", "merge commits", _is_merge),
    Filter("bots", "history", "commits by bots", _is_by_bot),
    Filter("bulk", "commit", "commits that change more than `--max-files` Rust files", _is_bulk),
    Filter(
        "messages",
        "commit",
        "commits whose message is shorter than `--min-message`, or only `wip`, a fix-up or a "
        "version",
        _is_uninformative,
    ),
    Filter(
        "license",
        "edit",
        "edits under a licence that `--license` does not name, if it is given",
        _is_unlicensed,
        always=True,
    ),
    Filter(
        "vendored",
        "edit",
        "files in a folder called `vendor`, `third_party` and the like, or with the attribute "
        "`linguist-vendored` at that commit",
        _is_vendored,
    ),
    Filter(
        "generated",
        "edit",
        "files that say so in their first five lines, by their name (`*.pb.rs`), or by the "
        "attribute `linguist-generated` at that commit",
        _is_generated,
    ),
    Filter(
        "encoded",
        "edit",
        "code of which half, or 1,024 characters, are base64 or rows of numbers",
        _is_encoded,
    ),
    Filter(
        "long_lines",
        "edit",
        "a line of over 1,000 characters, or over 100 on average",
        _has_long_lines,
    ),
    Filter(
        "letters",
        "edit",
        "code of 200 bytes and more with fewer than a quarter letters",
        _has_few_letters,
    ),
    Filter("deletions", "edit", "code that is only removed", _is_deletion),
    Filter(
        "formatting",
        "edit",
        "the same text but for white space and trailing commas",
        _is_formatting,
    ),
    Filter("blank", "edit", "edits of white space alone", _is_blank, always=True),
    Filter("secrets", "text", "secrets, which are replaced (see Secrets and people)"),
    Filter("duplicates", "corpus", "the same old and new code again"),
    Filter(
        "related",
        "corpus",
        "what would leak from one split into another (see Splits), counted by relation",
    ),
    Filter(
        "near_duplicates",
        "corpus",
        "nearly the same change (MinHash of its changed lines, as for relations) to nearly the "
        "same code (MinHash of all of it, 64 permutations, Jaccard 0.7) as one of the 10,000 edits "
        "before it in its split",
    ),
)
KEEPABLE = tuple(one.name for one in FILTERS if not one.always)
"""The names that `--keep` takes."""
OF_A_COMMIT = frozenset(
    one.name for one in FILTERS if not one.always and one.scope in ("commit", "edit", "text")
)
"""Those of them that decide what a commit gives, whatever other commits there are."""


class Filters:
    """The filters of a scope that are on; `reason` says which one rejects a view of that scope."""

    def __init__(self, scope: Scope, keep: Iterable[str]) -> None:
        kept = frozenset(keep)
        self._filters = [
            (one.name, one.rejects)
            for one in FILTERS
            if one.scope == scope and one.rejects is not None and one.name not in kept
        ]

    def reason(self, view: Any) -> str | None:
        """Return the name of the first filter that rejects a view, None if all accept it."""
        return next((name for name, rejects in self._filters if rejects(view)), None)
