"""The filters, in the order in which they decide; the first that rejects is the one that counts.

Each module has the list of its own filters. `--keep`, the counters, the cache key and the table
in `docs/format.md` follow from these lists.
"""

from collections.abc import Iterable
from typing import Any

from rsidx.exporters.filters.changes import CHANGES
from rsidx.exporters.filters.commits import COMMITS
from rsidx.exporters.filters.filter import Filter, Scope
from rsidx.exporters.filters.hygiene import HYGIENE
from rsidx.exporters.filters.licenses import LICENSES
from rsidx.exporters.filters.limit import OVER_LIMIT
from rsidx.exporters.filters.syntax import SYNTAX

FILTERS = (
    *COMMITS,
    *LICENSES,
    *HYGIENE,
    *CHANGES,
    *SYNTAX,
    OVER_LIMIT,
    Filter("secrets", "text", "secrets, which are replaced (see Secrets and people)"),
    Filter(
        "messages_target",
        "row",
        "rows whose message spells out most of the code that the edit changes (see Messages)",
    ),
    Filter("duplicates", "corpus", "the same old and new code again"),
    Filter(
        "related",
        "corpus",
        "what would leak from one split into another (see Splits), counted by relation",
    ),
    Filter(
        "near_duplicates",
        "corpus",
        "nearly the same change (MinHash of its changed lines, as for relations; and of what goes "
        "and what comes apart, tokens by fives, 64 permutations, Jaccard 0.5) to nearly the same "
        "code (MinHash of all of it, 64 permutations, Jaccard 0.7) as one of the 10,000 edits "
        "before it in its split, if not the same texts; so neither the reverse of a change nor "
        "another change of the same line",
    ),
)
KEEPABLE = tuple(f.name for f in FILTERS if not (f.always or f.optional))
"""The names that `--keep` takes."""
OPTIONAL = tuple(f.name for f in FILTERS if f.optional)
"""The names that `--leave-out` takes."""
OF_A_COMMIT = frozenset(
    filter_.name
    for filter_ in FILTERS
    if not filter_.always and filter_.scope in ("commit", "edit", "text", "row")
)
"""Those of them that decide a commit's result, whatever other commits there are."""


class Filters:
    """The filters of a scope that are on: all but those to `keep`, and those to `leave_out`."""

    def __init__(self, scope: Scope, keep: Iterable[str], leave_out: Iterable[str] = ()) -> None:
        off = frozenset(keep) | (frozenset(OPTIONAL) - frozenset(leave_out))
        self._filters = [
            (filter_.name, filter_.rejects)
            for filter_ in FILTERS
            if filter_.scope == scope and filter_.rejects and filter_.name not in off
        ]

    def reason(self, view: Any) -> str | None:
        """Return the name of the first filter that rejects a view, None if all accept it."""
        return next((name for name, rejects in self._filters if rejects(view)), None)
