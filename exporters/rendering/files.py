"""How code that is a file, or a piece of one, is written for a model family."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, cast

from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.example import Code, Example
from rsidx.exporters.rendering.base import (
    Chosen,
    Dialect,
    FileAsCode,
    Piece,
    context_files,
    control,
    excerpt_pieces,
    repository_pieces,
    text,
)
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.rendering.families import Family, edit_family

if TYPE_CHECKING:
    from rsidx.exporters.config import ExportConfig


class FilesCode(Code, Protocol):
    """Code that is written as files.

    `ends_file` tells whether the end token follows the last of them.
    """

    @property
    def ends_file(self) -> bool:
        """Whether the code is the last file up to its end."""

    def files(self, path: str) -> Sequence[tuple[str, Sequence[tuple[str, str]]]]:
        """Return each file's path with its texts and their roles; `path` is the edited file's."""


def files_dialect(encoder: Encoder, config: "ExportConfig") -> Dialect:
    """Return the dialect for a tokenizer: by its own tokens, or as comments.

    Raises TokenizerError if the tokenizer lacks the tokens of the dialect that is asked for.
    """
    family = edit_family(encoder, config.dialect)
    dialect = FilesDialect(config.kind, family, encoder.end_token)
    encoder.reserve(dialect.control_tokens)
    return dialect


class FilesDialect(FileAsCode):
    """Files behind their paths: first those of the context, then those of the example's code."""

    def __init__(self, kind: str, family: Family | None, end_token: str) -> None:
        self.name = f"{kind}-{family.name if family else 'generic'}"
        self._family = family
        self._end = end_token
        tokens = filter(None, (family.repository, family.file)) if family else ()
        self.control_tokens: tuple[str, ...] = (*tokens, end_token)

    def file_heading(self, draft: Draft, index: int) -> str:
        """Return the path, on a line of its own, or as a comment."""
        return self._heading(draft.excerpt_paths[index])

    def _heading(self, path: str) -> str:
        return f"{path}\n" if self._family else f"// File: {path}\n"

    def _file(self, path: str, role: str) -> list[Piece]:
        """Return what stands in front of a file."""
        heading = text(self._heading(path), role)
        return [control(self._family.file, role), heading] if self._family else [heading]

    def pieces(self, example: Example, chosen: Chosen) -> list[Piece]:
        """Write the context's files, then those of the code."""
        draft, code = example.draft, cast("FilesCode", example.code)
        pieces = repository_pieces(self._family, draft) if self._family else []
        for inside in context_files(draft, chosen.excerpts):
            pieces += self._file(draft.excerpt_paths[inside[0]], "context")
            pieces += excerpt_pieces(draft, inside)
        for path, texts in code.files(draft.path):
            pieces += self._file(path, "prompt")
            pieces += [text(content, role) for content, role in texts]
        return [*pieces, control(self._end, "end")] if code.ends_file else pieces
