"""Rows of the index as plain values."""

from dataclasses import dataclass, field

PARSED = frozenset({"parsed", "errors"})
"""States of a blob that has chunks."""
UNREAD = ("missing", "promised", "poison")
"""States of a blob that another attempt may change."""


@dataclass(frozen=True, slots=True)
class CommitRow:
    """A commit; `message` is read apart, by `Reader.message`.

    `date` is when it was made as far as that can be believed, once an export has looked at it.
    """

    id: int
    oid: bytes
    parents: tuple[bytes, ...]
    generation: int
    committer_time: int
    is_bot: bool
    state: str
    date: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A changed file; ids of paths and blobs, None where a side is missing."""

    kind: str
    path_id: int
    old_path_id: int | None
    old_blob_id: int | None
    new_blob_id: int | None


@dataclass(frozen=True, slots=True)
class BlobRow:
    """A version of a file."""

    id: int
    oid: bytes
    n_bytes: int
    state: str


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A chunk without its text."""

    id: int
    kind: str
    container: str
    n_bytes: int
    n_lines: int


@dataclass(frozen=True, slots=True)
class SymbolRow:
    """A definition in a chunk, its offsets in bytes from the chunk's start."""

    kind: str
    name: str
    trait: str
    container: str
    visibility: str
    is_test: bool
    start: int
    end: int
    signature_start: int
    signature_end: int
    cfg: str
    type: str
    generics: str


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A leaf of a `use` tree."""

    path: str
    alias: str
    visibility: str
    cfg: str


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """A path or name that a chunk mentions."""

    kind: str
    path: str
