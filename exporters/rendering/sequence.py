"""How a window of a file is written for a model family."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.sequence import WindowCode
from rsidx.exporters.rendering.base import (
    Dialect,
    Piece,
    WithoutEdits,
    context_files,
    control,
    repository_pieces,
    text,
)
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.rendering.families import Family, edit_family

if TYPE_CHECKING:
    from rsidx.exporters.config import ExportConfig


def sequence_dialect(encoder: Encoder, config: "ExportConfig") -> Dialect:
    """Return the dialect for a tokenizer: by its own tokens, or as comments.

    Raises TokenizerError if the tokenizer lacks the tokens of the dialect that is asked for.
    """
    dialect = SequenceDialect(edit_family(encoder, config.dialect), encoder.end_token)
    encoder.reserve(dialect.control_tokens)
    return dialect


class SequenceDialect(WithoutEdits):
    """A window of a file behind its path, after the context as files.

    The end token follows where the file ends, and not where a window does.
    """

    is_one_text = True

    def __init__(self, family: Family | None, end_token: str) -> None:
        self.name = f"sequence-{family.name if family else 'generic'}"
        self._family = family
        self._end = end_token
        tokens = filter(None, (family.repository, family.file)) if family else ()
        self.control_tokens: tuple[str, ...] = (*tokens, end_token)

    def file_heading(self, draft: Draft, index: int) -> str:
        """Return the path, on a line of its own, or as a comment."""
        return self._heading(draft.excerpt_paths[index])

    def _heading(self, path: str) -> str:
        return f"{path}\n" if self._family else f"// File: {path}\n"

    def _separator(self, role: str = "prompt") -> list[Piece]:
        return [control(self._family.file, role)] if self._family else []

    def pieces(
        self, example: Example, shown: Sequence[int], edits: Sequence[int] = ()
    ) -> list[Piece]:
        """Write the context's files, the path and the window."""
        del edits
        draft, code = example.draft, example.code
        assert isinstance(code, WindowCode)
        pieces = repository_pieces(self._family, draft) if self._family else []
        for inside in context_files(draft, shown):
            pieces += self._separator("context")
            pieces.append(text(self.file_heading(draft, inside[0]), "context"))
            pieces += [text(draft.excerpts[index].shown, "context") for index in inside]
        pieces += [*self._separator(), text(self._heading(draft.path))]
        pieces += [text(part, "new" if has_loss else "lead") for part, has_loss in code.pieces]
        return [*pieces, control(self._end, "end")] if code.ends_file else pieces
