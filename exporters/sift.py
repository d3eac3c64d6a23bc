"""Leaving out edits because of those of other commits: copies, and what is related to train."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rsidx.exporters.entries import Entry, MadeEdit, patches_of
from rsidx.exporters.manifest import Statistics
from rsidx.exporters.plan import SPLITS, Split
from rsidx.exporters.relations import Named, Patch, Recent, Relations
from rsidx.store.cache import Cache
from rsidx.store.reader import Reader
from rsidx.store.rows import CommitRow


class Patches:
    """What the edits of all commits are compared by, read from the cache as often as it is needed.

    All of them at once would be most of an export's memory.
    """

    def __init__(self, cache: Cache, chosen: Sequence[CommitRow], split: Split) -> None:
        self.cache = cache
        self.chosen = chosen
        self.split = split

    def positions(self) -> Iterator[int]:
        """Yield the positions of the commits that are in a split."""
        return (n for n in range(len(self.chosen)) if not self.split.is_out(n))

    def read(
        self, written: dict[int, set[int]] | None = None, *, later: bool = False
    ) -> Iterator[tuple[int, Patch]]:
        """Yield split and patch of each edit, or of those that were written.

        `written` are numbers of edits by their commit's position; `later` leaves train out.
        """
        for position in self.positions():
            number = self.split.number(position)
            if later and not number:
                continue
            every = patches_of(self.cache.get(self.chosen[position].oid))
            for index, patch in enumerate(every):
                if written is None or index in written.get(position, ()):
                    yield number, patch


class Sifter:
    """Leaves out what other commits' edits make superfluous, and counts all that is left out.

    Commits must come in the order of history, all of them.
    """

    def __init__(
        self, reader: Reader, patches: Patches, keep: frozenset[str], statistics: Statistics
    ) -> None:
        self.patches = patches
        self.statistics = statistics
        self._keep = keep
        self._named = Named(reader, patches.chosen, patches.split)
        self._relations = Relations(patches.read(later=True) if "related" not in keep else ())
        self._seen: set[bytes] = set()
        self._n_left = Counter(map(patches.split.number, patches.positions()))
        self._recent = {number: Recent() for number in self._n_left}

    def kept(self, commit: CommitRow, split: int, entry: Entry) -> Iterator[tuple[int, MadeEdit]]:
        """Yield the edits of a commit that stay, with their numbers."""
        self.statistics.dropped.update(entry.dropped)
        is_named = "related" not in self._keep and self._named.is_related(commit)
        for index, edit in enumerate(entry.edits):
            reason = self._reason(split, edit, is_named=is_named)
            if reason is not None:
                self.statistics.dropped[f"edits_{reason}"] += 1
                if reason.startswith("related_"):
                    relation = reason.removeprefix("related_")
                    self.statistics.related[f"{SPLITS[split]}/{relation}"] += 1
                continue
            self.statistics.dropped.update(edit.dropped)
            self.statistics.references.update(edit.references)
            yield index, edit
        self._n_left[split] -= 1
        if not self._n_left[split]:
            del self._recent[split]

    def _reason(self, split: int, edit: MadeEdit, *, is_named: bool) -> str | None:
        """Return why an edit is left out, None if it stays."""
        if edit.patch.exact in self._seen and "duplicates" not in self._keep:
            return "duplicates"
        self._seen.add(edit.patch.exact)
        if "related" not in self._keep:
            found = ["named"] if is_named else self._relations.reasons(split, edit.patch)
            for reason in found:
                return f"related_{reason}"
        if "near_duplicates" not in self._keep:
            if self._recent[split].has_near(edit.patch):
                return "near_duplicates"
            self._recent[split].add(edit.patch)
        if "related" not in self._keep:
            self._relations.add(split, edit.patch)
        return None
