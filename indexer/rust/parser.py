"""The parser's entrance: bytes to chunks."""

from rsidx.indexer.rust.chunks import cut
from rsidx.indexer.rust.grammar import parse_tree
from rsidx.indexer.rust.model import Chunk, ParsedFile


def parse(source: bytes) -> ParsedFile:
    """Cut a Rust file into chunks; a file with errors still gives its good items.

    A pure function: the result depends on `source` alone, and it never raises on bad Rust.
    The chunks concatenated are `source`. Their facts come from `rsidx.indexer.rust.facts`.
    """
    if not source:
        return ParsedFile((), has_error=False)
    tree = parse_tree(source)
    chunks = cut(tree, source)
    if not chunks:
        chunks = (Chunk("trailer", "", 0, len(source)),)
    return ParsedFile(chunks, has_error=tree.root_node.has_error)
