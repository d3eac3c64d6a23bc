"""What the store keeps, as plain, frozen values: records on their way in, rows on their way out.

What a worker sends is a named tuple, which is pickled and made at twice the rate of a dataclass.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

CONTAINER_SEPARATOR = " / "
TEST_MARK = " [test]"
IN_STATEMENT = 64
"""Added to the depth of a place where code may be cut, but not between two statements."""
PARSED = frozenset({"parsed", "errors"})
"""States of a blob that has chunks."""
ABSENT = ("missing", "promised")
"""States of a blob that git did not have."""
TOO_LARGE = "too_large"
"""The state of a blob that was over the limit when it was read."""
FORGOTTEN = "forgotten"
"""The state of a blob whose text was erased on request."""
UNREAD = (*ABSENT, TOO_LARGE, FORGOTTEN, "poison")
"""States of a blob that may have been read the next time."""


def innermost(container: str) -> str:
    """Return the label of the innermost of a container's parts; empty for none."""
    return container.rsplit(CONTAINER_SEPARATOR, 1)[-1]


def is_qualified_by(container: str, qualifier: str) -> bool:
    """Tell whether the innermost container names a qualifier's last segment.

    `Type::member` names members of `impl Type<T>`, `impl Trait<X> for Type` and of an enum,
    `<Type as Trait>::member` those of that impl; generic arguments may be left out. An empty
    qualifier fits every container.
    """
    if "<" in qualifier:
        label = innermost(container).removeprefix("impl ").removesuffix(TEST_MARK)
        trait, _, type_ = label.partition(" for ")
        of_type, is_of_impl, of_trait = qualifier.partition(" as ")
        if not is_of_impl:
            return _is_called(trait, qualifier) or _is_called(type_, qualifier)
        return _is_called(trait, of_trait.removesuffix(">")) and _is_called(
            type_, of_type.removeprefix("<")
        )
    wanted = qualifier.rsplit("::", 1)[-1]
    names = (word.split("<")[0].rsplit("::", 1)[-1] for word in innermost(container).split())
    return not wanted or wanted in names


def _is_called(spelled: str, wanted: str) -> bool:
    name, wanted = "".join(spelled.split()), "".join(wanted.split())
    return any(f"::{one}".endswith(f"::{wanted}") for one in (name, name.split("<")[0]))


def path_of(container: str, name: str) -> str:
    """Return the path that names a member of a container, as `is_qualified_by` reads it."""
    label = innermost(container).removesuffix(TEST_MARK)
    kind, _, named = label.partition(" ")
    trait, is_for, type_ = named.partition(" for ")
    if kind == "impl" and is_for:
        return f"<{type_} as {trait}>::{name}"
    return f"{named or kind}::{name}" if label else name


class Symbol(NamedTuple):
    """A definition; `start`, `end` and the signature's range are byte offsets in the chunk.

    For an impl, `name` is the self type's last path segment and `trait` the trait's path.
    `container` names the enclosing modules, impls and traits, outermost first, joined by
    `CONTAINER_SEPARATOR`, with the enum's name added for a variant; a part under
    `#[cfg(test)]` ends in `TEST_MARK`. A field's ends in its struct, or enum and variant.

    `type` is spelled as `rsidx.indexer.rust.types` says: what a function returns (`async T` for
    an async one), a field, constant or alias is, an impl is for, or a trait is bounded by; a
    module's is its `#[path]`. `generics` are an item's parameters with their bounds, as in
    `T=impl A+B;U=?`.
    """

    kind: str
    name: str
    container: str
    visibility: str
    is_test: bool
    cfg: str
    start: int
    end: int
    signature_start: int
    signature_end: int
    trait: str = ""
    type: str = ""
    generics: str = ""


class Import(NamedTuple):
    """One leaf of a `use` tree, or an `extern crate`; `path` ends in `*` for a glob.

    `alias` is the name that it brings into scope: `_` for none, empty for a glob.
    """

    path: str
    alias: str
    visibility: str
    is_test: bool
    cfg: str


REFERENCE_KINDS = ("type", "value", "macro", "token", "method", "field")
"""Kinds by their number; at most 8."""


class Reference(NamedTuple):
    """A path or name that a chunk mentions, once per kind.

    Kinds: `type`, `value` (paths and names in expressions and patterns, calls included),
    `macro`, `token` (a path among a macro call's tokens), `method` and `field`. The path of the
    last two is the receiver's expression, as `rsidx.indexer.rust.scope` spells it, a dot and
    the member's name: `self.len`, `<Vec<T>>.push`, `?.iter`.
    """

    kind: str
    path: str


class ChunkFacts(NamedTuple):
    """What a chunk's text says, a function of (kind, container, text) alone.

    `breaks` are the places where the text may be cut between statements: (byte offset of a
    line's start, depth of nesting), in ascending order; empty for short texts. Between the elements
    of a list inside of a statement, the depth is more by `IN_STATEMENT`.
    """

    symbols: tuple[Symbol, ...] = ()
    imports: tuple[Import, ...] = ()
    references: tuple[Reference, ...] = ()
    breaks: tuple[tuple[int, int], ...] = ()


class ChunkRecord(NamedTuple):
    """A chunk with its text and facts, as it is written."""

    digest: bytes
    kind: str
    container: str
    text: bytes
    facts: ChunkFacts


class BlobRecord(NamedTuple):
    """A blob's facts. `chunks` are digests in order; `new_chunks` has those not sent before.

    `state` is one of those that `docs/schema.md` lists; `manifest` is JSON for a Cargo.toml
    or a .gitattributes. `before` is the blob that it replaced, if that is known. `errors` are the
    byte ranges that are no Rust, in ascending order.
    """

    oid: bytes
    n_bytes: int
    state: str
    extractor_version: int
    chunks: tuple[bytes, ...] = ()
    new_chunks: tuple[ChunkRecord, ...] = ()
    manifest: str | None = None
    before: bytes | None = None
    errors: tuple[tuple[int, int], ...] = ()


class FileEdit(NamedTuple):
    """A file that is changed and not committed: its new version, None if it is gone.

    `old_path` is its name at the commit, if that was another.
    """

    path: bytes
    old_path: bytes | None
    record: BlobRecord | None


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """One file changed by a commit; object ids in bytes, None where a side is missing."""

    kind: str
    path: bytes
    old_path: bytes | None
    old_blob: bytes | None
    new_blob: bytes | None


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """A commit and its changes; `base` is set where its first parent is not indexed."""

    oid: bytes
    parents: tuple[bytes, ...]
    author_time: int
    committer_time: int
    message: str
    is_bot: bool
    state: str
    changes: tuple[ChangeRecord, ...] = ()
    base: tuple[tuple[bytes, bytes], ...] = ()
    """(path, blob) of the tree that it stands on."""


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
