"""An example before rendering: texts and facts, without tokens."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, Self

from rsidx.exporters.context.around import NOTHING_AROUND, Around, Block
from rsidx.exporters.context.excerpts import Excerpt
from rsidx.exporters.edits.edit import Edit
from rsidx.exporters.edits.splitting import Part
from rsidx.exporters.examples.draft import Draft, MapText, Source


class Code(Protocol):
    """The code of an example of one kind: the given code and the code to learn.

    `roles` are the roles that its tokens may have, in the order of the row's counts. `has_old`
    tells whether the old code that it shows, if any, is that of the commit's first parent.
    """

    roles: ClassVar[tuple[str, ...]]
    has_old: ClassVar[bool]

    @property
    def variant(self) -> str:
        """What tells the row from others of its kind and place; empty where it is the only one."""

    @property
    def n_chars(self) -> int:
        """The length that splitting the code into smaller parts reduces, in characters."""

    @property
    def target(self) -> str:
        """The text with loss."""

    @property
    def is_changed(self) -> bool:
        """Whether the target differs from the old code that is shown."""

    @property
    def texts(self) -> dict[str, str]:
        """The old and the new code, for the meta line of an export with texts."""

    @property
    def facts(self) -> dict[str, Any]:
        """The keys of the meta line that this kind alone has."""

    def shows(self, excerpt: Excerpt) -> bool:
        """Tell whether the code shows what an excerpt of the context would."""

    def with_line_ends(self, line_ends: str) -> Self:
        """Return the same with new code that has the line ends of the old, where it shows both."""

    def map_texts(self, change: MapText, edit: Edit, part: Part) -> Self:
        """Return the same with its texts changed."""


@dataclass(frozen=True, slots=True)
class Example:
    """One row before rendering: a draft, and the part of its edit's code that the row is about.

    If it is redacted, placeholders stand for secrets (`rsidx.exporters.examples.redaction`).
    `line_ends` are those that its new code got, None where they are its own. `around` is the file
    around the place.
    """

    draft: Draft
    part: Part
    part_number: int
    n_parts: int
    code: Code
    is_redacted: bool = False
    line_ends: str | None = None
    around: Around = NOTHING_AROUND

    @property
    def is_part(self) -> bool:
        """Whether it is not about all of its edit's code."""
        edit, part = self.draft.edit, self.part
        n_old, n_new = (side.n_bytes if side is not None else 0 for side in (edit.old, edit.new))
        shown = (part.old_start, part.old_end, part.new_start, part.new_end)
        return shown != (0, n_old, 0, n_new)

    def map_code(self, change: MapText) -> "Example":
        """Return the example with the texts of its code changed, and of the file around it."""

        def changed(block: Block) -> Block:
            text = change(block.text, Source(block.blob_id, ((block.start, block.end),)))
            return block if text == block.text else replace(block, text=text)

        code = self.code.map_texts(change, self.draft.edit, self.part)
        return replace(self, code=code, around=self.around.map_blocks(changed))

    def with_line_ends(self) -> "Example":
        """Return the example with the line ends of its draft, and marked if any changed."""
        line_ends = self.draft.line_ends
        code = self.code.with_line_ends(line_ends) if line_ends is not None else self.code
        return self if code == self.code else replace(self, code=code, line_ends=line_ends)

    def without_repeats(self) -> "Example":
        """Return the example without the excerpts that its code shows."""
        draft = self.draft.with_excerpts(lambda excerpt: not self.code.shows(excerpt))
        return replace(self, draft=draft)
