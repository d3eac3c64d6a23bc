"""A draft: an edit with its message and context, before its code is laid out as examples."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from rsidx.exporters.context.excerpts import Excerpt
from rsidx.exporters.edits.earlier import EarlierEdit
from rsidx.exporters.edits.pairing import Edit, Side
from rsidx.exporters.filters.secrets import KnownSecrets

_WORD = re.compile(rb"\w+")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a text is from: byte ranges of a blob; in the text each ends with a line end."""

    blob_id: int
    ranges: tuple[tuple[int, int], ...]


MapText = Callable[[str, Source | None], str]
"""Changes a text that is shown; its source is None for a message."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An edit as it is shown, but for its code.

    `excerpts` and `earlier` edits are in descending value; how many of them are shown is decided by
    the token budget. `secrets` are the values that it must not show, None if there are none.
    """

    repository: str
    path: str
    old_path: str
    module: str
    message: str
    edit: Edit
    excerpts: tuple[Excerpt, ...]
    excerpt_paths: tuple[str, ...]
    earlier: tuple[EarlierEdit, ...] = ()
    secrets: KnownSecrets | None = None

    def map_texts(self, change: MapText) -> "Draft":
        """Return the draft with its message, excerpts and earlier edits changed."""
        return replace(
            self,
            message=change(self.message, None),
            excerpts=tuple(
                replace(one, text=change(one.text, Source(one.blob_id, one.ranges)))
                for one in self.excerpts
            ),
            earlier=tuple(
                replace(
                    one,
                    old_text=change(one.old_text, source_of(one.old)),
                    new_text=change(one.new_text, source_of(one.new)),
                )
                for one in self.earlier
            ),
        )

    def blob_ids(self) -> frozenset[int]:
        """Return the blobs that its code, context and earlier edits are from."""
        sides = [self.edit.old, self.edit.new]
        sides += [side for one in self.earlier for side in (one.old, one.new)]
        blobs = {side.blob_id for side in sides if side is not None}
        return frozenset(blobs | {excerpt.blob_id for excerpt in self.excerpts})

    def naming(self, text: bytes) -> "Draft":
        """Return the draft with only the excerpts that are there for a name in a text."""
        words = {word.decode("utf-8", "replace") for word in _WORD.findall(text)}
        return self.choosing(lambda one: not one.names or not one.names.isdisjoint(words))

    def choosing(self, is_wanted: Callable[[Excerpt], bool]) -> "Draft":
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


def source_within(side: Side | None, start: int, end: int) -> Source | None:
    """Return where a range of a side is from; None where there is no side."""
    if side is None:
        return None
    return Source(side.blob_id, ((side.start + start, side.start + end),))


def source_of(side: Side | None) -> Source | None:
    """Return where the whole of a side is from."""
    return source_within(side, 0, side.n_bytes) if side is not None else None
