"""What the cutter returns: plain, frozen values that know no file, git or database."""

from dataclasses import dataclass

EXTRACTOR_VERSION = 2
"""Raised whenever the same bytes give other facts; blobs of older versions are parsed again."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file: `source[start:end]`, offsets in bytes.

    `container` is as in `rsidx.store.facts.Symbol`.
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
