"""An example before it is written down: texts and facts, without tokens."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from rsidx.exporters.context.excerpts import Excerpt
from rsidx.exporters.edits.earlier import EarlierEdit
from rsidx.exporters.edits.pairing import Edit, Side
from rsidx.exporters.edits.splitting import Part
from rsidx.exporters.filters.secrets import KnownSecrets

_WORD = re.compile(rb"\w+")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a text is from: byte ranges of a blob; in the text each ends with a line end."""

    blob_id: int
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class FimContext:
    """What stands around a hole in a file, which begins at `start` and ends at `end`, in bytes.

    `middle` is one of `rsidx.exporters.examples.fim.MIDDLES`.
    """

    prefix: str
    suffix: str
    start: int
    end: int
    is_suffix_first: bool
    middle: str


@dataclass(frozen=True, slots=True)
class Example:
    """One edit, a part of a long one, or a hole in one, with the context that it may be shown with.

    Of a hole, `around` is set, and `new` is what belongs there. Of a sequence, `window` is its
    text in pieces, each with whether it has loss, `learned` the bytes of the file that have it, and
    `ends` says that the file ends with it. `earlier` are edits that may be shown before, in
    descending value.

    `excerpts` are in descending value; how many are shown is decided by the token budget. If it is
    redacted, placeholders stand for secrets (`rsidx.exporters.examples.redaction`); `secrets` are
    the values that it must not show, None if there are none.
    """

    repository: str
    path: str
    old_path: str
    module: str
    message: str
    edit: Edit
    part: Part
    part_number: int
    n_parts: int
    old: str
    lead: str
    new: str
    excerpts: tuple[Excerpt, ...]
    excerpt_paths: tuple[str, ...]
    is_redacted: bool = False
    secrets: KnownSecrets | None = None
    around: FimContext | None = None
    window: tuple[tuple[str, bool], ...] = ()
    learned: tuple[tuple[int, int], ...] = ()
    earlier: tuple[EarlierEdit, ...] = ()
    ends: bool = True

    @property
    def n_chars(self) -> int:
        """The characters of the larger side, or of the window."""
        return max(len(self.old), len(self.new), sum(len(text) for text, _ in self.window))

    def map_context(self, changed: Callable[[str, Source | None], str]) -> "Example":
        """Return the example with its message and context changed; a message has no source."""
        return replace(
            self,
            message=changed(self.message, None),
            excerpts=tuple(
                replace(one, text=changed(one.text, Source(one.blob_id, one.ranges)))
                for one in self.excerpts
            ),
            earlier=tuple(
                replace(
                    one,
                    old_text=changed(one.old_text, _whole(one.old)),
                    new_text=changed(one.new_text, _whole(one.new)),
                )
                for one in self.earlier
            ),
        )

    def map_code(self, changed: Callable[[str, Source | None], str]) -> "Example":
        """Return the example with its code changed: what a part has of its own."""
        edit, part, around = self.edit, self.part, self.around
        if around is not None and edit.new is not None:
            start, end = edit.new.start + part.new_start, edit.new.start + part.new_end
            before, behind = (around.start, start), (end, around.end)
            around = replace(
                around,
                prefix=changed(around.prefix, Source(edit.new.blob_id, (before,))),
                suffix=changed(around.suffix, Source(edit.new.blob_id, (behind,))),
            )
        window = []
        start = part.new_start
        for text, has_loss in self.window:
            end = start + len(text.encode())
            window.append((changed(text, _within(edit.new, start, end)), has_loss))
            start = end
        return replace(
            self,
            old=changed(self.old, _within(edit.old, part.old_start, part.old_end)),
            lead=changed(self.lead, _within(edit.new, part.lead_start, part.new_start)),
            new=changed(self.new, _within(edit.new, part.new_start, part.new_end)),
            around=around,
            window=tuple(window),
        )

    def blob_ids(self) -> frozenset[int]:
        """Return the blobs that its code, context and earlier edits are from."""
        sides = [self.edit.old, self.edit.new]
        sides += [side for one in self.earlier for side in (one.old, one.new)]
        found = {side.blob_id for side in sides if side is not None}
        return frozenset(found | {excerpt.blob_id for excerpt in self.excerpts})

    def naming(self, text: bytes) -> "Example":
        """Return the example with only the excerpts that are there for a name in a text."""
        words = {word.decode("utf-8", "replace") for word in _WORD.findall(text)}
        return self._choosing(lambda one: not one.names or not one.names.isdisjoint(words))

    def without_shown(self) -> "Example":
        """Return the example of a hole without the excerpts that the file around it shows."""
        shown = self.around.prefix + self.around.suffix if self.around is not None else ""
        return self._choosing(
            lambda one: one.section != "outline" and one.text.strip() not in shown
        )

    def _choosing(self, is_wanted: Callable[[Excerpt], bool]) -> "Example":
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


def _within(side: Side | None, start: int, end: int) -> Source | None:
    if side is None:
        return None
    return Source(side.blob_id, ((side.start + start, side.start + end),))


def _whole(side: Side | None) -> Source | None:
    return _within(side, 0, side.n_bytes) if side is not None else None
