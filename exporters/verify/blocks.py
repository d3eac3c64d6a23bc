"""Reading rows whose target is search/replace blocks: they must make the new code of the old."""

from collections.abc import Mapping
from typing import Any

from rsidx.blocks import with_blocks
from rsidx.exporters.dataset.message_columns import Messages
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.verify.history import History, range_of
from rsidx.exporters.verify.labels import ids_of_role

_Row = Mapping[str, Any]


class BlockReader:
    """Puts blocks into the old code that a row shows."""

    def __init__(self, encoder: Encoder, history: History) -> None:
        self._encoder = encoder
        self._history = history

    def code(self, row: _Row, meta: _Row, answer: str) -> str:
        """Return the new code of a row, given its answer; raises PlacementError for false blocks.

        The old code is git's, but of a redacted row, and of one whose old code is no commit's, what
        the row shows of it.
        """
        if not meta.get("is_blocks"):
            return answer
        if meta["is_redacted"] or meta["old"] is None:
            old = self._encoder.decode(ids_of_role(self._ids(row), meta, "old")).encode()
        else:
            old = range_of(self._history, meta["old"]) or b""
        return with_blocks(old, answer.encode()).decode("utf-8", "replace")

    def _ids(self, row: _Row) -> list[int]:
        if "input_ids" in row:
            return list(row["input_ids"])
        if "messages" in row:
            return Messages(self._encoder).ids(row["messages"]) or []
        found = self._encoder.encode_spelled(row["prompt"])
        ids = found[0] if found is not None else []
        return ids if self._encoder.bos is None else [self._encoder.bos, *ids]
