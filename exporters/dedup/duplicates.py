"""Leaving out edits because of other commits' edits: duplicates, and what would leak."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import orjson

from rsidx.exporters.dedup.leakage import (
    BLOCK,
    CherryPickLinks,
    KeptEdits,
    LeakIndex,
    RecentEdits,
    leaks,
)
from rsidx.exporters.edits.fingerprint import PatchFingerprint
from rsidx.exporters.pipeline.result import Dropped, EditResult, Like, patches_of, unpack
from rsidx.exporters.splits.split import Plan
from rsidx.store.spill import SpillList, SpillMap


class ResultSource(Protocol):
    """The packed results of commits, such as the cache has them."""

    def get(self, oid: bytes) -> bytes:
        """Return the packed result of a commit; raises KeyError where there is none."""


class Deduplicator:
    """Leaves out edits that repeat or are related to those of other commits, and counts them.

    Commits are asked for in the order of history. Little is remembered of their edits: their
    fingerprints are read again from their results, and what was seen is spilled to a file of
    `folder`. `kept` makes what finds near duplicates in one split.
    """

    def __init__(
        self,
        results: ResultSource,
        plan: Plan,
        keep: frozenset[str],
        links: CherryPickLinks,
        folder: Path,
        kept: Callable[[], KeptEdits] = RecentEdits,
    ) -> None:
        self.plan = plan
        self._results = results
        self._keep = keep
        self._named = links
        self._relations = LeakIndex(())
        self._compared_to = 0
        self._seen = SpillMap(folder)
        # Of each edit so far, by its number: what it is called, and its first row if it stayed; of
        # one that was left out for being like another, these of the other.
        self._names = SpillList(folder)
        self._n_left = Counter(map(plan.split.number, plan.positions()))
        self._near = {number: kept() for number in self._n_left}
        # A bit for each edit of a commit, by position.
        self._kept: dict[int, int] = {}

    def keep(self, position: int) -> tuple[dict[int, EditResult], list[Dropped], Counter[str]]:
        """Return the edits to keep of the commit at a position, and what was left out of it.

        The edits come by their numbers in the commit's result. The counts are those of anything
        but edits.
        """
        if position >= self._compared_to and "related" not in self._keep:
            self._compare_from(position)
        split = self.plan.split.number(position)
        commit = self.plan.commits[position]
        result = unpack(self._results.get(commit.oid))
        left_out = list(result.left_out)
        kept = {}
        is_named = "related" not in self._keep and self._named.is_related(position)
        for index, edit in enumerate(result.edits):
            reason, number = self._reason(split, edit.patch, is_named=is_named)
            like = self._names[number] if number is not None else None
            if reason is None:
                self._kept[position] = self._kept.get(position, 0) | 1 << index
                kept[index] = edit
            else:
                named = Like(*orjson.loads(like)) if like is not None else None
                left_out.append(Dropped(f"edits_{reason}", *edit.name, like=named))
            row = edit.rows[0].brief["id"] if reason is None and edit.rows else None
            name = (commit.oid.hex(), *edit.name, row)
            self._names.append(like if like is not None else orjson.dumps(name))
        self._n_left[split] -= 1
        if not self._n_left[split]:
            del self._near[split]
        return kept, left_out, result.dropped

    def _reason(
        self, split: int, patch: PatchFingerprint, *, is_named: bool
    ) -> tuple[str | None, int | None]:
        """Return why the next edit is left out, None if it stays, and the number of one like it."""
        number = len(self._names)
        is_repeat = not self._seen.add(patch.exact, number)
        if is_repeat and "duplicates" not in self._keep:
            return "duplicates", self._seen.get(patch.exact)
        if "related" not in self._keep:
            found = ["named"] if is_named else self._relations.reasons(split, patch)
            for reason in found:
                return f"related_{reason}", None
        if "near_duplicates" not in self._keep:
            near = self._near[split].near(number, patch)
            if near is not None:
                return "near_duplicates", near
            if not is_repeat:
                self._near[split].add(number, patch)
        if "related" not in self._keep:
            self._relations.add(split, patch)
        return None, None

    def _compare_from(self, position: int) -> None:
        """Go on to the next edits of val and test, and compare what was kept so far with them."""
        later: list[PatchFingerprint] = []
        while position < len(self.plan.commits) and len(later) < BLOCK:
            if self.plan.split.number(position) and not self.plan.split.is_out(position):
                later += self._patches(position)
            position += 1
        self._compared_to = position
        self._relations = LeakIndex(later)
        for split, patch in self._edits_kept():
            self._relations.add(split, patch)

    def _edits_kept(self, from_split: int = 0) -> Iterator[tuple[int, PatchFingerprint]]:
        for position, kept in self._kept.items():
            split = self.plan.split.number(position)
            if split < from_split:
                continue
            for index, patch in enumerate(self._patches(position)):
                if kept >> index & 1:
                    yield split, patch

    def _patches(self, position: int) -> Iterator[PatchFingerprint]:
        return patches_of(self._results.get(self.plan.commits[position].oid))

    def across_splits(self) -> Counter[str]:
        """Count the edits that stayed though they are related to an earlier split's, by reason."""
        self._relations = LeakIndex(())
        later = ((None, *edit) for edit in self._edits_kept(from_split=1))
        return Counter(reason for _, reason in leaks(later, self._edits_kept))

    def close(self) -> None:
        """Give up what was remembered."""
        self._seen.close()
        self._names.close()
