"""What was left out, line by line: `dropped.jsonl`."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from rsidx.exporters.examples.redaction import redacted
from rsidx.exporters.pipeline.result import Dropped

FILE = "dropped.jsonl"
UNREACHABLE = "commits_unreachable"
"""What no ref reaches is never exported, not even its id."""
_LISTED = ("commits_", "edits_", "examples_", "parts_", "messages_target", "text_rows_")
"""How the counters begin that have lines; the others count pieces of what rows show."""


def is_listed(reason: str) -> bool:
    """Tell whether what a counter counts has lines."""
    return reason.startswith(_LISTED) and reason != UNREACHABLE


def of_rows(counts: Counter[str], path: str, symbol: str) -> list[Dropped]:
    """Return the rows of an edit that were left out, by the counts of all that it left out."""
    return [
        Dropped(reason, path, symbol, n)
        for reason, n in sorted(counts.items())
        if n and is_listed(reason)
    ]


class DroppedLines:
    """Makes a line for each commit, edit or row that was left out.

    With `hides_secrets`, paths and names are shown without any.
    """

    def __init__(self, *, hides_secrets: bool) -> None:
        self._hides_secrets = hides_secrets

    def of(self, commit: str, left_out: Iterable[Dropped]) -> Iterator[dict[str, Any]]:
        """Yield a line for all that was left out of a commit and has one."""
        for one in left_out:
            if not is_listed(one.reason):
                continue
            line: dict[str, Any] = {
                "commit": commit,
                "path": self._shown(one.path),
                "symbol": self._shown(one.symbol),
                "reason": one.reason,
            }
            if one.n > 1:
                line["n"] = one.n
            if one.like is not None:
                line["like"] = {
                    **one.like._asdict(),
                    "path": self._shown(one.like.path),
                    "symbol": self._shown(one.like.symbol),
                }
            yield line

    def _shown(self, text: str | None) -> str | None:
        return redacted(text) if text and self._hides_secrets else text


class DroppedFile:
    """Writes the lines of what was left out to a file of a folder; None for no file."""

    def __init__(self, folder: Path | None, *, hides_secrets: bool) -> None:
        self._file = (folder / FILE).open("wb") if folder is not None else None
        self._lines = DroppedLines(hides_secrets=hides_secrets)

    def write(self, commit: str, left_out: Iterable[Dropped]) -> None:
        """Write what was left out of a commit."""
        if self._file is not None:
            for line in self._lines.of(commit, left_out):
                self._file.write(orjson.dumps(line) + b"\n")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
