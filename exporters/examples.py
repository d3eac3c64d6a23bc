"""An example before it is written down: texts and facts, without tokens."""

import re
from dataclasses import dataclass, replace

from rsidx.exporters.earlier import EarlierEdit
from rsidx.exporters.edits import Edit
from rsidx.exporters.excerpts import Excerpt
from rsidx.exporters.parts import Part

_WORD = re.compile(rb"\w+")


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a hole in a file, which begins at `start` and ends at `end`, in bytes.

    `middle` is one of `rsidx.exporters.fim.MIDDLES`.
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

    `excerpts` are in descending value; how many are shown is decided by the token budget. In a
    redacted one placeholders stand for secrets (`rsidx.exporters.redact`).
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
    around: Around | None = None
    window: tuple[tuple[str, bool], ...] = ()
    learned: tuple[tuple[int, int], ...] = ()
    earlier: tuple[EarlierEdit, ...] = ()
    ends: bool = True

    @property
    def n_chars(self) -> int:
        """The characters of the larger side, or of the window."""
        return max(len(self.old), len(self.new), sum(len(text) for text, _ in self.window))

    def naming(self, text: bytes) -> "Example":
        """Return the example with those excerpts whose names a text has."""
        words = {word.decode("utf-8", "replace") for word in _WORD.findall(text)}
        pairs = [
            (excerpt, path)
            for excerpt, path in zip(self.excerpts, self.excerpt_paths, strict=True)
            if not excerpt.names or not excerpt.names.isdisjoint(words)
        ]
        return replace(
            self,
            excerpts=tuple(excerpt for excerpt, _ in pairs),
            excerpt_paths=tuple(path for _, path in pairs),
        )
