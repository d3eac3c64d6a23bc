"""A draft: an edit with its message and context, before its code becomes examples."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from rsidx.exporters.context.excerpts import Brace, Excerpt, Frame
from rsidx.exporters.edits.earlier import EarlierEdit
from rsidx.exporters.edits.edit import Edit, Place, Side, Surroundings
from rsidx.exporters.examples.given import Given
from rsidx.exporters.filters.secrets import KnownSecrets

_WORD = re.compile(rb"\w+")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a text is from: byte ranges of a blob; a line end follows each in the text."""

    blob_id: int
    ranges: tuple[tuple[int, int], ...]


MapText = Callable[[str, Source | None], str]
"""Changes a text, given its source; None for a message."""


@dataclass(frozen=True, slots=True)
class Draft:
    """All of an edit that its examples share: everything but the code of each.

    Whatever stands in front of the loss follows from the rest, and not from the `edit`.
    `excerpts` and `earlier` edits are in descending value; the token budget decides how many of
    them a row shows. `secrets` are the values that no row may show, None if there are none.
    `is_rename` tells, where `old_path` differs from `path`, whether the file has a new name; else
    the code came from another file. `is_message_cut` says that the message went on. `line_ends` are
    those that the new code is to have, None for its own. `surroundings` is the file around the
    place, None where the code shows the file. `given` is what is said of code that is to be added.
    `replaced` is the code that edits changed which are made already, with what they made of it.
    `commit` is the id of the commit that made the edit, empty where it is still to be made.
    """

    repository: str
    path: str
    old_path: str
    module: str
    message: str
    place: Place
    edit: Edit
    excerpts: tuple[Excerpt, ...]
    excerpt_paths: tuple[str, ...]
    earlier: tuple[EarlierEdit, ...] = ()
    secrets: KnownSecrets | None = None
    is_rename: bool = False
    is_message_cut: bool = False
    line_ends: str | None = None
    surroundings: Surroundings | None = None
    given: Given | None = None
    replaced: tuple[tuple[Side, Side], ...] = ()
    commit: bytes = b""

    @property
    def origin(self) -> str:
        """The path of the other file that the code came from; empty for none."""
        return self.old_path if self.old_path != self.path and not self.is_rename else ""

    def map_texts(self, change: MapText) -> "Draft":
        """Return the draft with its message, excerpts and earlier edits changed."""
        given = self.given
        if given is not None:
            given = replace(given, text=change(given.text, None))
        return replace(
            self,
            message=change(self.message, None),
            given=given,
            excerpts=tuple(_changed(excerpt, change) for excerpt in self.excerpts),
            earlier=tuple(
                replace(
                    edit,
                    old_text=change(edit.old_text, source_of(edit.old)),
                    new_text=change(edit.new_text, source_of(edit.new)),
                )
                for edit in self.earlier
            ),
        )

    def blob_ids(self) -> frozenset[int]:
        """Return the blobs that its code, context and earlier edits are from."""
        sides = [self.edit.old, self.edit.new]
        sides += [side for edit in self.earlier for side in (edit.old, edit.new)]
        blobs = {side.blob_id for side in sides if side is not None}
        blobs |= {excerpt.blob_id for excerpt in self.excerpts}
        frames = {frame for excerpt in self.excerpts for frame in excerpt.frames}
        return frozenset(blobs | {one.blob_id for f in frames for one in (f.head, f.foot)})

    def for_code(self, code: bytes) -> "Draft":
        """Return the draft without the excerpts that explain only names which code does not use."""
        words = {word.decode("utf-8", "replace") for word in _WORD.findall(code)}
        return self.with_excerpts(
            lambda excerpt: not excerpt.names or not excerpt.names.isdisjoint(words)
        )

    def with_excerpts(self, is_wanted: Callable[[Excerpt], bool]) -> "Draft":
        """Return the draft with only the excerpts that are wanted."""
        pairs = [
            (excerpt, path)
            for excerpt, path in zip(self.excerpts, self.excerpt_paths, strict=True)
            if is_wanted(excerpt)
        ]
        return replace(
            self,
            excerpts=tuple(excerpt for excerpt, _ in pairs),
            excerpt_paths=tuple(path for _, path in pairs),
        )


def _changed(excerpt: Excerpt, change: MapText) -> Excerpt:
    text = change(excerpt.text, Source(excerpt.blob_id, excerpt.ranges))
    frames = tuple(
        Frame(_changed_brace(frame.head, change), _changed_brace(frame.foot, change))
        for frame in excerpt.frames
    )
    is_same = (text, frames) == (excerpt.text, excerpt.frames)
    return excerpt if is_same else replace(excerpt, text=text, frames=frames)


def _changed_brace(brace: Brace, change: MapText) -> Brace:
    text = change(brace.text, Source(brace.blob_id, ((brace.start, brace.end),)))
    return replace(brace, text=text)


def source_within(side: Side | None, start: int, end: int) -> Source | None:
    """Return where a range of a side is from; None where there is no side."""
    if side is None:
        return None
    return Source(side.blob_id, ((side.start + start, side.start + end),))


def source_of(side: Side | None) -> Source | None:
    """Return where the whole of a side is from."""
    return source_within(side, 0, side.n_bytes) if side is not None else None
