"""Checking that no commit has rows of more edits than an export allows."""

from collections.abc import Iterator
from typing import Any


class LimitCheck:
    """Counts the edits of each commit, by digests of their places; a limit of 0 is none."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._edits: dict[str, set[int]] = {}

    def problems(self, meta: dict[str, Any]) -> Iterator[str]:
        """Yield what does not hold of a row; no-op edits come on top of the limit."""
        if not self._limit or meta["change"] == "none":
            return
        edit = meta.get("edit", meta)
        edits = self._edits.setdefault(meta["commit"], set())
        edits.add(hash((meta["path"], meta["old_path"], str(edit["old"]), str(edit["new"]))))
        if len(edits) > self._limit:
            yield f"{meta['commit']} has more than {self._limit} edits"
