"""Leaving out edits because of those of other commits: copies, and what is related to train."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rsidx.exporters.dedup.leakage import BLOCK, Named, Recent, Relations, leaks
from rsidx.exporters.edits.fingerprint import Patch
from rsidx.exporters.pipeline.result import MadeEdit, patches_of, unpack
from rsidx.exporters.pipeline.statistics import Statistics
from rsidx.exporters.splits.split import SPLITS, Plan
from rsidx.store.cache import Cache
from rsidx.store.reader import Reader
from rsidx.store.spill import Numbers


class Sifter:
    """Leaves out what other commits' edits make superfluous, and counts all that is left out.

    Commits are asked for in the order of history. Little is remembered of their edits: what they
    are compared by is read again from the cache, and what was seen stands in a file of `folder`.
    """

    def __init__(
        self,
        reader: Reader,
        cache: Cache,
        plan: Plan,
        keep: frozenset[str],
        statistics: Statistics,
        folder: Path,
    ) -> None:
        self.plan = plan
        self._cache = cache
        self._statistics = statistics
        self._keep = keep
        self._named = Named(reader, plan)
        self._relations = Relations(())
        self._compared_to = 0
        self._seen = Numbers(folder)
        self._n_left = Counter(map(plan.split.number, plan.positions()))
        self._recent = {number: Recent() for number in self._n_left}
        # A bit for each edit of a commit, by position.
        self._kept: dict[int, int] = {}

    def kept(self, position: int) -> Iterator[MadeEdit]:
        """Yield the edits that stay of the commit at a position."""
        if position >= self._compared_to and "related" not in self._keep:
            self._compare_from(position)
        split = self.plan.split.number(position)
        entry = unpack(self._cache.get(self.plan.commits[position].oid))
        self._statistics.dropped.update(entry.dropped)
        is_named = "related" not in self._keep and self._named.is_related(position)
        for index, edit in enumerate(entry.edits):
            reason = self._reason(split, edit.patch, is_named=is_named)
            if reason is not None:
                self._statistics.dropped[f"edits_{reason}"] += 1
                if reason.startswith("related_"):
                    relation = reason.removeprefix("related_")
                    self._statistics.related[f"{SPLITS[split]}/{relation}"] += 1
                continue
            self._kept[position] = self._kept.get(position, 0) | 1 << index
            self._statistics.dropped.update(edit.dropped)
            self._statistics.references.update(edit.references)
            yield edit
        self._n_left[split] -= 1
        if not self._n_left[split]:
            del self._recent[split]

    def _reason(self, split: int, patch: Patch, *, is_named: bool) -> str | None:
        """Return why an edit is left out, None if it stays."""
        if not self._seen.add(patch.exact, split) and "duplicates" not in self._keep:
            return "duplicates"
        if "related" not in self._keep:
            found = ["named"] if is_named else self._relations.reasons(split, patch)
            for reason in found:
                return f"related_{reason}"
        if "near_duplicates" not in self._keep:
            if self._recent[split].has_near(patch):
                return "near_duplicates"
            self._recent[split].add(patch)
        if "related" not in self._keep:
            self._relations.add(split, patch)
        return None

    def _compare_from(self, position: int) -> None:
        """Go on to the next edits of val and test, and compare what was kept so far with them."""
        later: list[Patch] = []
        while position < len(self.plan.commits) and len(later) < BLOCK:
            if self.plan.split.number(position) and not self.plan.split.is_out(position):
                later += self._patches(position)
            position += 1
        self._compared_to = position
        self._relations = Relations(later)
        for split, patch in self._edits_kept():
            self._relations.add(split, patch)

    def _edits_kept(self, from_split: int = 0) -> Iterator[tuple[int, Patch]]:
        for position, kept in self._kept.items():
            split = self.plan.split.number(position)
            if split < from_split:
                continue
            for index, patch in enumerate(self._patches(position)):
                if kept >> index & 1:
                    yield split, patch

    def _patches(self, position: int) -> Iterator[Patch]:
        return patches_of(self._cache.get(self.plan.commits[position].oid))

    def across_splits(self) -> Counter[str]:
        """Count the edits that stayed though they are related to an earlier split's, by reason."""
        self._relations = Relations(())
        later = ((None, *edit) for edit in self._edits_kept(from_split=1))
        return Counter(reason for _, reason in leaks(later, self._edits_kept))

    def close(self) -> None:
        """Give up what was remembered."""
        self._seen.close()
