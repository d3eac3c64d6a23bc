"""Checking that the splits follow each other: in time, or with whole groups of repositories."""

from collections.abc import Iterator, Mapping
from typing import Any

from rsidx.exporters.splits.split import SPLITS_BY


class SplitOrder:
    """What the splits may have, by the rows that come in their order.

    `_newest_before` is the newest commit of the splits before; `_splits` are those of groups.
    """

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        split_by = SPLITS_BY[manifest.get("corpus", {}).get("split_by", "time")]
        self._is_by_time = split_by.time
        self._groups = (
            {name: one["group"] for name, one in manifest["repositories"].items()}
            if split_by.groups
            else {}
        )
        self._splits: dict[str, str] = {}
        self._split = ""
        self._newest_before = self._newest = -1

    def problems(self, split: str, date: int, meta: Mapping[str, Any]) -> Iterator[str]:
        """Yield what does not hold of a row of a split, whose commit has a date."""
        if split != self._split:
            self._split, self._newest_before = split, self._newest
        if self._is_by_time and date < self._newest_before:
            yield f"{meta['commit']} is older than a row of an earlier split"
        self._newest = max(self._newest, date)
        group = self._groups.get(meta.get("repository", ""))
        if group is not None and self._splits.setdefault(group, split) != split:
            yield f"{meta['repository']} is of a group that {self._splits[group]} has"
