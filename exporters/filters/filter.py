"""What a filter is, and what it may look at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rsidx.exporters.edits.edit import Edit

Scope = Literal["history", "commit", "edit", "text", "row", "corpus"]
"""When a filter decides, and on what.

`history`: on a commit, before anything is read of it. `commit`: on a commit's message and changes.
`edit`: on one edit. `text`: on a row's texts, of which it leaves out pieces. `row`: on a whole row.
`corpus`: on an edit beside all others, when rows are written.
"""


@dataclass(frozen=True, slots=True)
class CommitView:
    """What filters know of a commit: its message without people's names, and its Rust files.

    `packages` are the names of those whose manifests it changes.
    """

    message: str
    n_files: int
    packages: frozenset[str]
    max_files: int
    min_message: int


@dataclass(frozen=True, slots=True)
class EditView:
    """What filters know of an edit: its texts (empty where there is no side), and its file.

    `old_path` is that of the old side, empty where there is none. `head` returns the file's first
    chunk, `has_attribute` whether the repository's own .gitattributes set one for it, `is_foreign`
    whether the commit adds the file as somebody else's (`rsidx.exporters.filters.added_crates`),
    `is_licensed` whether both sides are under an allowed licence,
    `tiny` what alone changed if that is next to nothing (`rsidx.exporters.edits.tiny`),
    `has_same_imports` whether both sides are imports, and the same ones, and `errors` the byte
    ranges that are no Rust in the new side's file, which has `n_bytes`, in ascending order.
    """

    edit: Edit
    path: bytes
    old_path: bytes
    old: bytes
    new: bytes
    head: Callable[[], bytes]
    has_attribute: Callable[[str], bool]
    is_foreign: Callable[[], bool]
    is_licensed: Callable[[], bool]
    tiny: Callable[[], str | None]
    has_same_imports: Callable[[], bool]
    errors: Callable[[], Sequence[tuple[int, int]]]
    n_bytes: Callable[[], int]

    @property
    def text(self) -> bytes:
        """The new text, of a deletion the old one."""
        return self.new or self.old


@dataclass(frozen=True, slots=True)
class Filter:
    """One reason to leave something out.

    `name` is what `--keep` calls it, and the end of its counter's name; `description` is for the
    documentation. One that is `always` on cannot be kept; one that is `optional` is off unless it
    is asked for. `rejects` gets the view of its scope
    (`history`: the commit's row); it is None for what the corpus, a row or its texts decide.
    """

    name: str
    scope: Scope
    description: str
    rejects: Callable[[Any], bool] | None = None
    always: bool = False
    optional: bool = False
