"""The parser's entrance: bytes to chunks."""

from dataclasses import dataclass

from rsidx.indexer.rust.chunks import Earlier, cut
from rsidx.indexer.rust.grammar import Version, error_ranges, parse_version
from rsidx.indexer.rust.model import Chunk


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A file's chunks in order, concatenated its bytes, and what to parse the next version by."""

    chunks: tuple[Chunk, ...]
    has_error: bool
    version: Version


def parse(source: bytes, before: ParsedFile | None = None) -> ParsedFile:
    """Cut a Rust file into chunks; a file with errors still gives its good items.

    The chunks depend on `source` alone, and it never raises on bad Rust. `before` is another
    version of the file, which makes it faster: chunks that are its own are the same objects.
    Their facts come from `rsidx.indexer.rust.facts`.
    """
    version, hunks = parse_version(source, before.version if before else None)
    earlier = Earlier(before.chunks, hunks) if before and hunks else None
    chunks = cut(version.tree, source, earlier)
    return ParsedFile(chunks, version.tree.root_node.has_error, version)


def first_error(source: bytes) -> int | None:
    """Return the offset of a file's first syntax error, None where it has none."""
    version, _ = parse_version(source, None)
    return next((start for start, _ in error_ranges(version.tree)), None)
