"""An example before it is written down: texts and facts, without tokens."""

from dataclasses import dataclass

from rsidx.exporters.edits import Edit
from rsidx.exporters.excerpts import Excerpt
from rsidx.exporters.parts import Part


@dataclass(frozen=True, slots=True)
class Example:
    """One edit, or a part of a long one, with the context that it may be shown with.

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
