"""What was left out, line by line: `dropped.jsonl`."""

from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

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


class DroppedFile:
    """Writes a line for each commit, edit or row that was left out; None for no file.

    With `hides_secrets`, paths and names are shown without any.
    """

    def __init__(self, folder: Path | None, *, hides_secrets: bool) -> None:
        self._stack = ExitStack()
        self._file: IO[bytes] | None = None
        if folder is not None:
            self._file = self._stack.enter_context((folder / FILE).open("wb"))
        self._hides_secrets = hides_secrets

    def write(self, commit: str, left_out: Iterable[Dropped]) -> None:
        """Write what was left out of a commit."""
        if self._file is None:
            return
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
            self._file.write(orjson.dumps(line) + b"\n")

    def _shown(self, text: str | None) -> str | None:
        return redacted(text) if text and self._hides_secrets else text

    def close(self) -> None:
        """Close the file."""
        self._stack.close()
