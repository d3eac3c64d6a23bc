"""How a hole in a file is written for a model family: always by the tokenizer's own tokens.

A model that was not trained to fill in knows no such tokens, and then there is no such export.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rsidx.errors import TokenizerError
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.fim import HoleCode
from rsidx.exporters.rendering.base import (
    Chosen,
    FileAsCode,
    Piece,
    context_files,
    control,
    excerpt_pieces,
    repository_pieces,
    text,
)
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.rendering.families import Family, FimTokens, fim_family

if TYPE_CHECKING:
    from rsidx.exporters.config import ExportConfig


def fim_dialect(encoder: Encoder, config: "ExportConfig") -> "FimDialect":
    """Return the dialect for a tokenizer; raises TokenizerError if it has no tokens for holes."""
    family, tokens = fim_family(encoder, config.dialect)
    dialect = FimDialect(family, tokens, encoder.end_token)
    encoder.reserve(dialect.control_tokens)
    if not tokens.can_spm and config.fim_spm:
        raise TokenizerError(
            f"{dialect.name} knows no suffix in front; give --fim-spm 0, or no --suffix-first"
        )
    return dialect


class FimDialect(FileAsCode):
    """Context as files, then prefix, suffix and middle, or suffix, prefix and middle."""

    def __init__(self, family: Family, tokens: FimTokens, end_token: str) -> None:
        self.name = f"fim-{family.name}"
        self._family = family
        self._tokens = tokens
        self._end = tokens.ending or end_token
        self.control_tokens: tuple[str, ...] = (*family.fim_tokens(), self._end)

    def file_heading(self, draft: Draft, index: int) -> str:
        """Return the path, on a line of its own, or as a comment."""
        path = draft.excerpt_paths[index]
        return f"{path}\n" if self._family.file else f"// File: {path}\n"

    def pieces(self, example: Example, chosen: Chosen) -> list[Piece]:
        """Write context, the file with a hole, and what belongs there."""
        family, tokens = self._family, self._tokens
        draft, code = example.draft, example.code
        assert isinstance(code, HoleCode)
        pieces = list(self._head(draft, chosen))
        path = f"{draft.path}\n" if family.file else f"// File: {draft.path}\n"
        before = [text(path)] if tokens.path_is_inside or not family.file else []
        if not before:
            pieces.append(text(path))
        before.append(text(code.prefix, "prefix"))
        suffix = [control(tokens.suffix), text(code.suffix, "suffix")]
        pieces.append(control(tokens.prefix))
        if code.is_suffix_first:
            pieces += [*suffix, control(tokens.middle), *before]
        else:
            pieces += [*before, *suffix, control(tokens.middle)]
        return [*pieces, text(code.new, "new"), control(self._end, "end")]

    def _head(self, draft: Draft, chosen: Chosen) -> Iterator[Piece]:
        family = self._family
        yield from repository_pieces(family, draft)
        for inside in context_files(draft, chosen.excerpts):
            if family.file:
                yield control(family.file, "context")
            yield text(self.file_heading(draft, inside[0]), "context")
            yield from excerpt_pieces(draft, inside)
        if family.file:
            yield control(family.file)
