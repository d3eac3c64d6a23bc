"""Dialects: how an example is written down for a model family.

A dialect turns an example into pieces, each a control token or a text. What the pieces spell
is for the model alone; that texts and tokens never mix is the encoder's promise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from typing import Protocol

from rsidx.exporters.context.around import Around
from rsidx.exporters.context.builder import SECTIONS
from rsidx.exporters.context.excerpts import LEFT_OUT, Frame
from rsidx.exporters.context.made import EARLIER_SECTION
from rsidx.exporters.edits.earlier import EarlierEdit
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.example import Example
from rsidx.exporters.rendering.families import Family

REJECTED = "rejected"
"""The role of a worse answer, and of the token that ends it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A control token's spelling, or a text; `role` says what it is for.

    Roles: `prompt`, `context`, `old`, `lead` (the new code before a part), `prefix` and `suffix`
    (what is around a hole), `new` and `end`, and `rejected`: a worse answer, behind the row.
    """

    text: str
    is_control: bool
    role: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a row shows of an example: excerpts and earlier edits, by index, and the file around.

    `n_before` and `n_behind` are how many of the blocks before and behind the place, the nearest.
    """

    excerpts: Sequence[int] = ()
    edits: Sequence[int] = ()
    n_before: int = 0
    n_behind: int = 0

    @property
    def has_around(self) -> bool:
        """Whether any of the file around the place is shown."""
        return bool(self.n_before or self.n_behind)

    def of(self, around: Around) -> Around:
        """Return what is shown of the file around the place."""
        return around.first(self.n_before, self.n_behind)


@cache
def control(token: str, role: str = "prompt") -> Piece:
    """Return a control token as a piece."""
    return Piece(token, is_control=True, role=role)


def text(content: str, role: str = "prompt") -> Piece:
    """Return a text as a piece."""
    return Piece(content, is_control=False, role=role)


class IrreversibleError(Exception):
    """The tokenizer does not give a text back as it was."""


class Dialect(Protocol):
    """How examples are written for a family of models."""

    name: str
    control_tokens: tuple[str, ...]

    def pieces(self, example: Example, chosen: Chosen) -> list[Piece]:
        """Write an example with what is chosen of its context."""

    def around_pieces(self, example: Example, chosen: Chosen) -> list[Piece]:
        """Write what is chosen of the file around the place, with headings and marks."""

    def edit_pieces(self, earlier: EarlierEdit) -> list[Piece]:
        """Write an earlier edit."""

    def file_heading(self, draft: Draft, index: int) -> str:
        """Return the text that may stand in front of an excerpt to say which file it is from."""


def sections(draft: Draft, shown: Sequence[int]) -> Iterator[tuple[str, list[int]]]:
    """Yield each section that is not empty, with its excerpts in the order of their places."""
    for section in SECTIONS:
        inside = [index for index in shown if draft.excerpts[index].section == section]
        if inside:
            inside.sort(key=lambda i: (draft.excerpt_paths[i], draft.excerpts[i].ranges))
            yield section, inside


class FileHeadings:
    """Context as files, each under its path."""

    def file_heading(self, draft: Draft, index: int) -> str:
        """Return the path, as it stands on a line of its own."""
        return f"{draft.excerpt_paths[index]}\n"


class FileAsCode:
    """No earlier edits, and no file around the place: the code is that file."""

    def around_pieces(self, example: Example, chosen: Chosen) -> list[Piece]:
        """Write nothing."""
        del example, chosen
        return []

    def edit_pieces(self, earlier: EarlierEdit) -> list[Piece]:
        """Write nothing."""
        del earlier
        return []


def repository_pieces(family: Family, draft: Draft) -> list[Piece]:
    """Return the repository's name behind its token; nothing for a family without such a token."""
    if not family.repository:
        return []
    name = draft.repository + family.after_repository
    return [control(family.repository), text(name)]


def context_files(draft: Draft, shown: Sequence[int]) -> Iterator[list[int]]:
    """Yield each file's excerpts for dialects that know files alone, the edited file last.

    What earlier edits made comes first, then what was there before the commit.
    """
    order = [index for _, inside in sections(draft, shown) for index in inside]
    paths = sorted({draft.excerpt_paths[i] for i in order}, key=lambda p: (p == draft.path, p))
    for path in paths:
        inside = [index for index in order if draft.excerpt_paths[index] == path]
        # What earlier edits made stands in another version of the file, whose offsets later edits
        # move: beside those of the version before the commit, they would tell how far.
        excerpts = draft.excerpts
        inside.sort(key=lambda i: (excerpts[i].section != EARLIER_SECTION, excerpts[i].ranges))
        yield inside


def excerpt_pieces(draft: Draft, inside: Sequence[int]) -> Iterator[Piece]:
    """Write excerpts in the order of their places; those of a container share its braces."""
    opened: list[Frame] = []
    for index in inside:
        excerpt = draft.excerpts[index]
        pairs = zip(opened, excerpt.frames, strict=False)
        n_shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        yield from _closed(opened[n_shared:])
        opened = [*excerpt.frames]
        for frame in opened[n_shared:]:
            yield text(frame.head.text, "context")
        if not excerpt.is_head:
            yield text(excerpt.shown, "context")
    yield from _closed(opened)


def _closed(frames: Sequence[Frame]) -> Iterator[Piece]:
    return (text(frame.closing, "context") for frame in reversed(frames))


def before_pieces(example: Example, chosen: Chosen) -> list[Piece]:
    """Return what is shown of the file before the place, in its order."""
    around = chosen.of(example.around)
    shown = [text(block.text, "context") for block in reversed(around.before)]
    return [text(f"{LEFT_OUT}\n", "context"), *shown] if around.is_cut_before else shown


def behind_pieces(example: Example, chosen: Chosen) -> list[Piece]:
    """Return what is shown of the file behind the place, in its order."""
    around = chosen.of(example.around)
    shown = [text(block.text, "context") for block in around.behind]
    if shown and not shown[-1].text.endswith("\n"):
        shown.append(text("\n", "context"))
    return [*shown, text(f"{LEFT_OUT}\n", "context")] if around.is_cut_behind else shown


def earlier_pieces(dialect: Dialect, draft: Draft, edits: Sequence[int]) -> Iterator[Piece]:
    """Yield the earlier edits that are shown, in their order."""
    for one in sorted((draft.earlier[index] for index in edits), key=lambda e: e.order):
        yield from dialect.edit_pieces(one)
