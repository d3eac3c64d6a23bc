"""Edits as examples: old code, and the new code that takes its place."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from rsidx.blocks import searched_for
from rsidx.exporters.context.around import NOTHING_AROUND, Around, AroundTexts
from rsidx.exporters.context.excerpts import Excerpt
from rsidx.exporters.edits.edit import Edit
from rsidx.exporters.edits.line_ends import with_line_ends
from rsidx.exporters.edits.splitting import Part, split, windows
from rsidx.exporters.examples.blocks import blocks_for
from rsidx.exporters.examples.draft import Draft, MapText, source_within
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.kind import (
    FROM_ELSEWHERE,
    LEVELS,
    Kind,
    Limits,
    Shown,
    Sources,
)
from rsidx.exporters.examples.redaction import has_placeholder
from rsidx.store.records import CommitRow

if TYPE_CHECKING:  # A configuration names its kind, so it imports this module.
    from rsidx.exporters.config import ExportConfig


_BYTES_PER_TOKEN = 6
"""More than code has: so much of the file around is read, of which the budget takes some."""


@dataclass(frozen=True, slots=True)
class EditCode:
    """The old code of a part, and the new; `lead` is the new code right before the part.

    `blocks` are search/replace blocks that a row has in place of the new code; empty for none.
    """

    old: str
    lead: str
    new: str
    blocks: str = ""

    roles: ClassVar[tuple[str, ...]] = ("prompt", "context", "old", "lead", "new")
    has_old: ClassVar[bool] = True

    @property
    def variant(self) -> str:
        """Empty: a part has one row."""
        return ""

    @property
    def n_chars(self) -> int:
        """The characters of the new code."""
        return len(self.new)

    @property
    def target(self) -> str:
        """The new code."""
        return self.new

    @property
    def answer(self) -> str:
        """What a row has loss on: the blocks, or the new code."""
        return self.blocks or self.new

    @property
    def is_changed(self) -> bool:
        """Whether the two sides differ."""
        return self.old != self.new

    @property
    def texts(self) -> dict[str, str]:
        """Both sides."""
        return {"old": self.old, "new": self.new}

    @property
    def facts(self) -> dict[str, Any]:
        """Whether the row has blocks in place of the new code, if it has."""
        return block_facts(self)

    def shows(self, excerpt: Excerpt) -> bool:
        """Return False: the context never shows the code that is edited."""
        del excerpt
        return False

    def with_line_ends(self, line_ends: str) -> Self:
        """Return the same with other line ends in the new code and what leads up to it."""
        lead, new = (with_line_ends(text, line_ends) for text in (self.lead, self.new))
        return replace(self, lead=lead, new=new)

    def as_blocks(self) -> Self:
        """Return the same with blocks in place of the new code, where these are shorter.

        None are where they would search for a secret: who puts them into the file has the secret
        there, and not what rows show in its place.
        """
        blocks = blocks_for(self.old, self.new)
        if blocks is None or len(blocks) >= len(self.new):
            return self
        if any(map(has_placeholder, searched_for(blocks))):
            return self
        return replace(self, blocks=blocks)

    def as_no_op(self) -> Self:
        """Return the same with the old code as the new."""
        return replace(self, new=self.old, blocks="")

    def map_texts(self, change: MapText, edit: Edit, part: Part) -> Self:
        """Return the same with its texts changed."""
        old = source_within(edit.old, part.old_start, part.old_end) if self.has_old else None
        return replace(
            self,
            old=change(self.old, old),
            lead=change(self.lead, source_within(edit.new, part.lead_start, part.new_start)),
            new=change(self.new, source_within(edit.new, part.new_start, part.new_end)),
            blocks="",
        )


def block_facts(code: EditCode) -> dict[str, Any]:
    """Return what a meta line says where a row has blocks in place of the new code."""
    return {"is_blocks": True} if code.blocks else {}


class EditExamples:
    """Makes one example of an edit, or one of each part if it is long."""

    def __init__(self, sources: Sources, config: "ExportConfig") -> None:
        self._texts = sources.texts
        self._around = AroundTexts(sources.reader, config.context_tokens * _BYTES_PER_TOKEN)
        self._looks_at_answer = config.context_from == "answer"

    def wants(self, commit: CommitRow) -> bool:
        """Return True: any commit may have edits."""
        del commit
        return True

    def file_without_hole(self, edit: Edit) -> None:
        """Return None: the new code takes the place of the old side."""
        del edit

    def questions(self, draft: Draft, max_chars: int) -> list[Example]:
        """Return an example without new code for each window of an edit's old code.

        Of an addition that is one.
        """
        side = draft.place.old
        if side is None:
            return list(self._examples(draft, [Part(0, 0, 0, 0, 0)], b"", b""))
        old = self._texts.text(side)
        breaks = self._texts.breaks(side) if len(old) > max_chars else []
        pieces = windows(old, breaks, max_chars)
        parts = [Part(piece.start, piece.end, 0, 0, 0) for piece in pieces if piece.fits]
        return list(self._examples(draft, parts, old, b""))

    def of(self, draft: Draft, limits: Limits) -> tuple[list[Example], Counter[str]]:
        """Return an example for each part of an edit.

        Counts `examples_unsplittable`, `parts_deletions`, and `parts_grown`: pieces of what became
        much longer than the old code in its place. Nobody who asks could say which is wanted.
        """
        edit = draft.edit
        if edit.new is None:
            return self.questions(draft, limits.old_chars), Counter()
        old, new = self._texts.text(edit.old), self._texts.text(edit.new)
        is_short = len(old) <= limits.old_chars and len(new) <= limits.new_chars
        breaks = [[] if is_short else self._texts.breaks(side) for side in (edit.old, edit.new)]
        parts, n_too_long = split(
            old, new, *breaks, max_chars=limits.old_chars, max_new_chars=limits.new_chars
        )
        written = [part for part in parts if part.new_end > part.new_start]
        grown = {part.old_end for part in parts if old and part.old_start == part.old_end}
        kept = [part for part in written if part.old_end not in grown]
        dropped = Counter(
            parts_deletions=len(parts) - len(written),
            parts_grown=len(written) - len(kept),
            examples_unsplittable=n_too_long,
        )
        return list(self._examples(draft, kept, old, new)), dropped

    def _examples(
        self, draft: Draft, parts: Sequence[Part], old: bytes, new: bytes
    ) -> Iterator[Example]:
        for number, part in enumerate(parts):
            code = EditCode(
                old[part.old_start : part.old_end].decode("utf-8"),
                new[part.lead_start : part.new_start].decode("utf-8"),
                new[part.new_start : part.new_end].decode("utf-8"),
            )
            around = self._around_part(draft, part, old)
            example = Example(draft, part, number, len(parts), code, around=around)
            if example.is_part:
                known = code.old + " " + code.lead
                shown = known + code.new if self._looks_at_answer else known
                example = replace(example, draft=draft.for_code(shown.encode()))
            yield example

    def _around_part(self, draft: Draft, part: Part, old: bytes) -> Around:
        """Return the file around a part, with what the item's old code has before and behind it."""
        if draft.surroundings is None:
            return NOTHING_AROUND
        own = draft.place.old
        return self._around.of(draft.surroundings, old[: part.old_start], old[part.old_end :], own)


def _conflict(config: "ExportConfig") -> str | None:
    if config.from_results:
        return FROM_ELSEWHERE
    if config.level != LEVELS[0] and config.no_edit:
        return "--no-edit is for items; of a file, something always changed"
    return None


def shown_sides(meta: Mapping[str, Any]) -> Iterator[Shown]:
    """Yield where git has the new and the old code of a row."""
    yield Shown("new", "new", meta["new"])
    yield Shown("old", "old", meta["old"])


EDIT = Kind(
    "edit",
    "Edits",
    "Real edits from the history of a Rust repository: the code before and after each commit",
    level=None,
    has_prompt=True,
    divides=True,
    has_message=True,
    conflict=_conflict,
    examples=EditExamples,
    shown=shown_sides,
    is_edit=True,
)
