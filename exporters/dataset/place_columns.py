"""Rows as text with the place of the answer, for reinforcement learning."""

from typing import Any

import orjson

from rsidx.exporters.dataset.text_columns import PromptCompletion
from rsidx.exporters.pipeline.result import TokenizedRow
from rsidx.exporters.rendering.encoder import Encoder

PLACE_COLUMNS = {
    "id": "string",
    "prompt": "string",
    "completion": "string",
    "commit": "string",
    "parent": "string",
    "path": "string",
    "start": "int64",
    "end": "int64",
}
"""The columns and their types, as `datasets` calls them."""


class PlacedTexts:
    """Spells rows out, each with the bytes of the parent's file that its answer replaces.

    Where code is added there are none; then `path` is where the file will be.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._texts = PromptCompletion(encoder)

    def row(self, row: TokenizedRow) -> dict[str, Any] | None:
        """Return a row's `PLACE_COLUMNS`, None where code spells a control token."""
        spelled = self._texts.row(row)
        if spelled is None:
            return None
        meta = orjson.loads(row.meta)
        old = meta["old"] or {"start": None, "end": None}
        place = {"commit": meta["commit"], "parent": meta["parent"]}
        place |= {"path": meta["old_path"] if meta["old"] else meta["path"]}
        return {**spelled, **place, "start": old["start"], "end": old["end"]}
