"""What the parser returns: plain, frozen values that know no file, git or database."""

from dataclasses import dataclass

EXTRACTOR_VERSION = 1
"""Raised whenever the same bytes give other facts; blobs of older versions are parsed again."""

CONTAINER_SEPARATOR = " / "


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file: `source[start:end]`, offsets in bytes.

    `container` names the enclosing modules, impls and traits, outermost first, joined by
    `CONTAINER_SEPARATOR`; a module or item under `#[cfg(test)]` ends its part in ` [test]`.
    """

    kind: str
    container: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A file's chunks, in order and without gaps: `chunks[i].end == chunks[i + 1].start`."""

    chunks: tuple[Chunk, ...]
    has_error: bool


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition; `start`, `end` and the signature's range are byte offsets in the chunk.

    For an impl, `name` is the self type's last path segment and `trait` the trait's path.
    `container` is the chunk's container, with the enum's name added for a variant.
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


@dataclass(frozen=True, slots=True)
class Import:
    """One leaf of a `use` tree, or an `extern crate`; `path` ends in `*` for a glob.

    `alias` is the name that it brings into scope: `_` for none, empty for a glob.
    """

    path: str
    alias: str
    visibility: str
    is_test: bool
    cfg: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A path or name that a chunk mentions, once per kind, with its number of occurrences.

    Kinds: `type`, `value` (paths and names in expressions and patterns, calls included),
    `macro`, `method` (a call on any receiver), `self_method` (a call on `self`) and `field`
    (a field of `self`).
    """

    kind: str
    path: str
    count: int


@dataclass(frozen=True, slots=True)
class ChunkFacts:
    """What a chunk's text says, a function of (container, kind, text) alone.

    `breaks` are the places where the text may be cut between statements: (byte offset of a
    line's start, depth of nesting), in ascending order; empty for short texts.
    """

    symbols: tuple[Symbol, ...]
    imports: tuple[Import, ...]
    references: tuple[Reference, ...]
    breaks: tuple[tuple[int, int], ...]
