"""An example before it is written down: texts and facts, without tokens."""

from dataclasses import dataclass

from rsidx.exporters.edits import Edit
from rsidx.exporters.excerpts import Excerpt
from rsidx.exporters.parts import Part


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

    Of a hole, `around` is set, and `new` is what belongs there.

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
