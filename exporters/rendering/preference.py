"""The dialect of preferences: that of edits, with the worse answer behind the row."""

from typing import TYPE_CHECKING

from rsidx.exporters.edits.earlier import EarlierEdit
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.preference import PreferenceCode
from rsidx.exporters.rendering.base import REJECTED, Chosen, Dialect, Piece, control, text
from rsidx.exporters.rendering.edit import edit_dialect
from rsidx.exporters.rendering.encoder import Encoder

if TYPE_CHECKING:
    from rsidx.exporters.config import ExportConfig


def preference_dialect(encoder: Encoder, config: "ExportConfig") -> Dialect:
    """Return the dialect that a configuration asks for; raises TokenizerError."""
    return PreferenceDialect(edit_dialect(encoder, config), encoder.end_token)


class PreferenceDialect:
    """A row of an edit, and behind its end the worse answer with an end of its own."""

    def __init__(self, edits: Dialect, end_token: str) -> None:
        self._edits = edits
        self._end = end_token
        self.name = edits.name
        self.control_tokens = edits.control_tokens

    def around_pieces(self, example: Example, chosen: Chosen) -> list[Piece]:
        """Write the file around the place as for an edit."""
        return self._edits.around_pieces(example, chosen)

    def edit_pieces(self, earlier: EarlierEdit) -> list[Piece]:
        """Write an earlier edit as for an edit."""
        return self._edits.edit_pieces(earlier)

    def file_heading(self, draft: Draft, index: int) -> str:
        """Return the heading of an excerpt as for an edit."""
        return self._edits.file_heading(draft, index)

    def pieces(self, example: Example, chosen: Chosen) -> list[Piece]:
        """Write the edit, then the worse answer."""
        code = example.code
        assert isinstance(code, PreferenceCode)
        rejected = [text(code.rejected, REJECTED), control(self._end, REJECTED)]
        return [*self._edits.pieces(example, chosen), *rejected]
