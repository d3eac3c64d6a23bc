"""The parser's entrance: bytes to chunks."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rsidx.indexer.rust.chunks import Earlier, cut
from rsidx.indexer.rust.code_text import code_of
from rsidx.indexer.rust.grammar import Syntax, Version, error_ranges, parse_tree, parse_version
from rsidx.indexer.rust.model import Chunk

_MARKED = b"<<<<<<<"
_CONFLICT = re.compile(rb"^(?:(?P<ours><{7})|(?P<theirs>>{7}))(?=[ \r\n]|\Z)[^\n]*+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A file's chunks in order, concatenated its bytes, and what to parse the next version by.

    `errors` are the byte ranges that are no Rust, in ascending order: those that could not be
    parsed, statements outside of functions, and conflicts of a merge that are still marked. What
    is missing is an empty range.
    """

    chunks: tuple[Chunk, ...]
    errors: tuple[tuple[int, int], ...]
    version: Version

    @property
    def has_error(self) -> bool:
        """Whether something in the file is no Rust."""
        return bool(self.errors)


def parse(source: bytes, before: ParsedFile | None = None) -> ParsedFile:
    """Cut a Rust file into chunks; a file with errors still gives its good items.

    The chunks depend on `source` alone, and it never raises on bad Rust. `before` is another
    version of the file, which makes it faster: chunks that are its own are the same objects.
    Their facts come from `rsidx.indexer.rust.facts`.
    """
    version, hunks = parse_version(source, before.version if before else None)
    earlier = Earlier(before.chunks, hunks) if before and hunks else None
    chunks = cut(version.syntax, source, earlier)
    return ParsedFile(chunks, _errors(source, version.syntax, chunks), version)


def first_error(source: bytes) -> int | None:
    """Return the offset of a file's first syntax error, None where it has none."""
    syntax = parse_tree(source)
    errors = _errors(source, syntax, cut(syntax, source))
    return errors[0][0] if errors else None


def _errors(source: bytes, syntax: Syntax, chunks: Sequence[Chunk]) -> tuple[tuple[int, int], ...]:
    found = list(error_ranges(syntax.tree)) if syntax.has_error else []
    found += _stray(chunks)
    if _MARKED in source:
        found += _conflicts(code_of(source))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _stray(chunks: Sequence[Chunk]) -> Iterator[tuple[int, int]]:
    """Yield the chunks that are neither items nor in a place for anything else."""
    start = 0
    for chunk in chunks:
        end = start + len(chunk.text)
        if chunk.kind == "other":
            yield start, end
        start = end


def _conflicts(code: bytes) -> Iterator[tuple[int, int]]:
    """Yield the conflicts that have both of their marks, comments and literals aside."""
    start = None
    for mark in _CONFLICT.finditer(code):
        if mark.group("ours"):
            start = mark.start()
        elif start is not None:
            yield start, mark.end()
            start = None
