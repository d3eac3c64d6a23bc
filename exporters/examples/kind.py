"""What each kind of example must say of itself."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from rsidx.exporters.edits.edit import Edit
from rsidx.exporters.edits.side_texts import SideTexts
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.example import Example
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow

if TYPE_CHECKING:  # A configuration names its kind, so it imports the kinds.
    from rsidx.exporters.config import ExportConfig

LEVELS = ("item", "file")
"""The granularity of an edit: one item (a function, struct and so on), or one file."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the code of examples is read from.

    `cuts_secret` takes a blob's id and offsets in it, and tells whether any of them is inside a
    secret. `message` gives a message as rows show it, and whether it was cut.
    """

    reader: Reader
    texts: SideTexts
    cuts_secret: Callable[[int, Sequence[int]], bool]
    message: Callable[[str], tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Limits:
    """The most characters that an example may have of old code, and of the code to learn."""

    old_chars: int
    new_chars: int


class Examples(Protocol):
    """Makes the examples of one kind from drafts."""

    def wants(self, commit: CommitRow) -> bool:
        """Tell whether a commit may give examples; one that may not is passed over."""

    def file_without_hole(self, edit: Edit) -> tuple[bytes, int] | None:
        """Return the new file of an edit without the code of its hole, and the hole's offset.

        None if the edit has no hole, as for all kinds but holes.
        """

    def of(self, draft: Draft, limits: Limits) -> tuple[list[Example], Counter[str]]:
        """Return the examples and what was left out."""

    def questions(self, draft: Draft, max_chars: int) -> list[Example]:
        """Return what an edit that is still to be made can be asked about, without answers.

        Each shows at most `max_chars` of the old code, and all of them together all of it. None for
        kinds without old code.
        """


@dataclass(frozen=True, slots=True)
class Shown:
    """Where git has the code that a row shows in some role, for `rsidx verify`.

    `place` is a range of a blob, as meta lines have it: of the edited file at the commit (`new`) or
    at its first parent (`old`). It is None where the row shows no such code. Where a row has no
    prompt, the place of `new` is that of all its code.
    """

    role: str
    side: Literal["old", "new"]
    place: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of example.

    `title` and `description` are for the card. `level` is that of its edits, None if the
    configuration chooses it; `has_message` tells whether it shows the commit's message, `divides`
    whether a long edit becomes several examples, `has_prompt` whether a row is a prompt and its
    completion. If not, it is one text, and `learned` in its meta line says which bytes of the file
    have loss. `is_edit` tells whether it changes old code into new, `has_rejected` whether a row
    also has a worse answer. `conflict` returns which options of a configuration the kind does not
    have, None for
    none; `shown` where git has the code of a row, given its meta line.
    """

    name: str
    title: str
    description: str
    level: str | None
    has_prompt: bool
    divides: bool
    has_message: bool
    conflict: Callable[["ExportConfig"], str | None]
    examples: Callable[[Sources, "ExportConfig"], Examples]
    shown: Callable[[Mapping[str, Any]], Iterable[Shown]]
    is_edit: bool = False
    has_rejected: bool = False


FROM_ELSEWHERE = "--from is for --kind repair and preference"


def items_only(config: "ExportConfig") -> str | None:
    """Return which options for edits a configuration sets for another kind."""
    if config.level != LEVELS[0] or config.no_edit or "history" in config.earlier:
        return "--level, --no-edit and --earlier are for edits, not for holes and sequences"
    if config.from_results:
        return FROM_ELSEWHERE
    return None
