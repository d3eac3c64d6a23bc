"""What the parser returns: plain, frozen values that know no file, git or database."""

from dataclasses import dataclass

EXTRACTOR_VERSION = 12
"""Raised whenever the same bytes give other facts; blobs of older versions are parsed again."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file; `container` is as in `rsidx.store.records.Symbol`."""

    kind: str
    container: str
    text: bytes
