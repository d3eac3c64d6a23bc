"""The kinds of example: an edit, a hole to fill in, a window of a file.

Everything that differs from kind to kind is asked of its `Kind`; a new one is its module in
`examples/`, a dialect in `rendering/`, and an entry here.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rsidx.errors import TokenizerError
from rsidx.exporters.edits.pairing import Edit
from rsidx.exporters.edits.side_texts import SideTexts
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.edit import EditExamples
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.fim import HoleExamples, HoleOptions
from rsidx.exporters.examples.sequence import WindowExamples
from rsidx.exporters.rendering.base import Dialect
from rsidx.exporters.rendering.edit import dialect_for
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.rendering.fim import fim_dialect_for
from rsidx.exporters.rendering.sequence import sequence_dialect_for
from rsidx.store.reader import Reader

if TYPE_CHECKING:  # A configuration names its kind, so it imports this module.
    from rsidx.exporters.config import ExportConfig

LEVELS = ("item", "file")
"""What an edit is of: a function, struct and so on, or a file as far as it fits."""
CutsSecret = Callable[[int, Sequence[int]], bool]
"""Tells whether one of some offsets in a blob is inside of a secret."""


class Examples(Protocol):
    """Lays the code of a draft out as examples."""

    def gap(self, edit: Edit) -> tuple[bytes, int] | None:
        """Return an edit's file without what is to be written, and the offset where that belongs.

        None where the edit's old side says where its code stands.
        """

    def of(self, draft: Draft, max_chars: int) -> tuple[list[Example], Counter[str]]:
        """Return the examples, of at most `max_chars` characters each, and what was left out."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of example.

    `title` and `description` are for the card. `level` is that of its edits, None where the
    configuration says; `has_prompt` tells whether a row is a prompt and its completion. `why_not`
    says which options of a configuration the kind does not have, None if it has all.
    """

    name: str
    title: str
    description: str
    level: str | None
    has_prompt: bool
    why_not: Callable[["ExportConfig"], str | None]
    dialect: Callable[[Encoder, "ExportConfig"], Dialect]
    examples: Callable[[Reader, SideTexts, "ExportConfig", CutsSecret], Examples]


def _why_not_edits(config: "ExportConfig") -> str | None:
    if config.level != LEVELS[0] and config.no_edit:
        return "--no-edit is for items; of a file, something always changed"
    return None


def _why_not_holes(config: "ExportConfig") -> str | None:
    if config.level != LEVELS[0] or config.no_edit or config.earlier:
        return "--level, --no-edit and --earlier are for edits, not for holes and sequences"
    return None


def _why_not_sequences(config: "ExportConfig") -> str | None:
    if config.columns != "ids":
        return f"--columns {config.columns} is for what has a prompt; a sequence has none"
    return _why_not_holes(config)


def _edit_dialect(encoder: Encoder, config: "ExportConfig") -> Dialect:
    return dialect_for(encoder, markers=config.markers, name=config.dialect)


def _fim_dialect(encoder: Encoder, config: "ExportConfig") -> Dialect:
    dialect = fim_dialect_for(encoder, config.dialect)
    if not dialect.can_spm and config.fim_spm:
        raise TokenizerError(
            f"{dialect.name} knows no suffix in front; give --fim-spm 0, or no --suffix-first"
        )
    return dialect


def _sequence_dialect(encoder: Encoder, config: "ExportConfig") -> Dialect:
    return sequence_dialect_for(encoder, config.dialect)


def _edits(
    reader: Reader, texts: SideTexts, config: "ExportConfig", cuts_secret: CutsSecret
) -> Examples:
    del reader, config, cuts_secret
    return EditExamples(texts)


def _holes(
    reader: Reader, texts: SideTexts, config: "ExportConfig", cuts_secret: CutsSecret
) -> Examples:
    options = HoleOptions(config.fim_middles, config.fim_spm, config.seed, config.max_chars)
    return HoleExamples(reader, texts, options, cuts_secret)


def _windows(
    reader: Reader, texts: SideTexts, config: "ExportConfig", cuts_secret: CutsSecret
) -> Examples:
    del texts, cuts_secret
    return WindowExamples(reader, stride=config.stride)


_ALL = (
    Kind(
        "edit",
        "Edits",
        "Real edits from the history of a Rust repository: the code before and after each commit",
        level=None,
        has_prompt=True,
        why_not=_why_not_edits,
        dialect=_edit_dialect,
        examples=_edits,
    ),
    Kind(
        "fim",
        "Holes in edits",
        "Holes to fill in, in what the commits of a Rust repository changed: what is around each, "
        "and what belongs there",
        level="item",
        has_prompt=True,
        why_not=_why_not_holes,
        dialect=_fim_dialect,
        examples=_holes,
    ),
    Kind(
        "sequence",
        "Sequences",
        "Windows over the files that the commits of a Rust repository changed, with loss on what "
        "each commit wrote",
        level="file",
        has_prompt=False,
        why_not=_why_not_sequences,
        dialect=_sequence_dialect,
        examples=_windows,
    ),
)
KINDS = {kind.name: kind for kind in _ALL}
