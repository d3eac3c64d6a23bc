"""What a person calls a piece of code in a file, and which piece that is."""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from rsidx.errors import PlacementError, RsidxError
from rsidx.store.records import (
    CONTAINER_SEPARATOR,
    TEST_MARK,
    Symbol,
    innermost,
    is_qualified_by,
    path_of,
)

HEADER, FOOTER = "_header", "_footer"
"""What the kinds of the chunks end with that open and close a container."""
_ARGUMENTS = re.compile(r"<[^<>]*>")
_PREFIX = re.compile(r"\b\w++::")
_IMPL = "impl "
_NOT_NAMED = frozenset({"impl", "field"})


def without_arguments(label: str) -> str:
    """Return a container's label without generic arguments: `impl Read for Reader<R>` as Reader."""
    while label != (shorter := _ARGUMENTS.sub("", label)):
        label = shorter
    return label


def check_one_address(
    symbol: str, line: int | None, after: str | int | None, inside: str | int | None, *, least: int
) -> None:
    """Raise RsidxError unless code is named in one way, or, where `least` is 0, in none."""
    given = (symbol or None, line, after, inside)
    if not least <= sum(one is not None for one in given) <= 1:
        raise RsidxError("name a symbol, a line, or where new code comes, and one of them only")


class FileChunk(NamedTuple):
    """A chunk of a file, with what it defines."""

    kind: str
    container: str
    text: bytes
    symbols: tuple[Symbol, ...]


class AddressedFile:
    """A file as its chunks, which are found by the names and the lines that people know.

    A *point* is a place between two chunks: the number of the chunks in front of it.
    """

    def __init__(self, path: str, chunks: Sequence[FileChunk]) -> None:
        self.path = path
        self.chunks = chunks
        counts = (chunk.text.count(b"\n") for chunk in chunks)
        self._lines_before = list(accumulate(counts, initial=0))

    @property
    def n_lines(self) -> int:
        """The number of lines; the last may lack its end."""
        is_open = bool(self.chunks) and not self.chunks[-1].text.endswith(b"\n")
        return self._lines_before[-1] + is_open

    def named(self, symbol: str) -> list[int]:
        """Return which chunks define a symbol, or open an impl: `impl Trait for Type`.

        A symbol may be qualified, see `is_qualified_by`. A declaration of a module counts only
        where nothing else has the name.
        """
        if symbol.startswith(_IMPL):
            every = range(len(self.chunks))
            return [at for at in every if _is_called(self._label(at), symbol)]
        qualifier, _, last = symbol.rpartition("::")
        found: dict[bool, list[int]] = {True: [], False: []}
        for position, chunk in enumerate(self.chunks):
            kinds = {s.kind for s in chunk.symbols if s.name == last} - _NOT_NAMED
            if kinds and is_qualified_by(chunk.container, qualifier):
                found[kinds == {"mod"}].append(position)
        return found[False] or found[True]

    def at_line(self, line: int) -> int | None:
        """Return the chunk that holds the beginning of a line, from 1; None for no such line."""
        if not 1 <= line <= self.n_lines:
            return None
        for position, chunk in enumerate(self.chunks):
            first = self._lines_before[position]
            # It begins in the middle of a line where the one in front does not end one.
            is_cut = position > 0 and not self.chunks[position - 1].text.endswith(b"\n")
            if first + is_cut < line <= first + chunk.text.count(b"\n"):
                return position
            if line == first + 1 + chunk.text.count(b"\n") and not chunk.text.endswith(b"\n"):
                return position
        return None

    def offset_in(self, position: int, line: int) -> int:
        """Return where a line begins in the chunk that holds its beginning."""
        text, start = self.chunks[position].text, 0
        for _ in range(line - 1 - self._lines_before[position]):
            start = text.index(b"\n", start) + 1
        return start

    def first_line(self, position: int) -> int:
        """Return the line where a chunk begins, but for the blank lines in front of it."""
        text = self.chunks[position].text
        blank = text[: len(text) - len(text.lstrip())]
        return self.line_at(position) + blank.count(b"\n")

    def line_at(self, point: int) -> int:
        """Return the line that a point is at."""
        return self._lines_before[point] + 1

    def address(self, position: int, symbol: str = "") -> str:
        """Return an address of a chunk that no other has: its line, and its name for people."""
        line = f"{self.path}:{self.first_line(position)}"
        name = self._label(position)
        if symbol and not symbol.startswith(_IMPL):
            name = path_of(self.chunks[position].container, symbol.rpartition("::")[2])
        return f"{line} ({name})" if name else line

    def after(self, address: str | int) -> int:
        """Return the point behind what a symbol is, or behind the chunk that holds a line.

        Line 0 is the beginning of the file. A line of a container's header is at the beginning
        inside of it, and its name behind its end. Raises PlacementError where nothing, or more than
        one thing, is called so.
        """
        if isinstance(address, int):
            position = self.at_line(address) if address else -1
            if position is None:
                raise PlacementError(
                    "no_place", f"{self.path} has {self.n_lines} lines, and no line {address}"
                )
            # The blank lines that an item begins with are in front of it.
            is_in_front = address > 0 and address < self.first_line(position)
            return position if is_in_front else position + 1
        found = self.named(address) or self._containers(address)
        return self._end(self._only(found, address, "--after"))

    def inside(self, address: str | int) -> int:
        """Return the point at the end inside of a container, or of the one that holds a line.

        Raises PlacementError where nothing, or more than one thing, is called so.
        """
        if isinstance(address, int):
            position = self.at_line(address)
            found = self._around(position)[-1:] if position is not None else []
            if not found:
                raise PlacementError(
                    "no_place", f"{self.path}:{address} is in no impl, trait or module"
                )
        else:
            found = self._containers(address)
        end = self._end(self._only(found, str(address), "--in"))
        return end - self.chunks[end - 1].kind.endswith(FOOTER)

    def container_at(self, point: int) -> str:
        """Return the container of what is added at a point."""
        if point == 0:
            return ""
        front = self.chunks[point - 1]
        if not self._is_header(point - 1):
            return front.container
        label = self._label(point - 1)
        return f"{front.container}{CONTAINER_SEPARATOR}{label}" if front.container else label

    def _only(self, found: Sequence[int], address: str, option: str) -> int:
        if not found:
            raise PlacementError("no_place", f"{self.path} has no definition of {address}")
        if len(found) > 1:
            given = ", ".join(
                f"{option} {self.first_line(at)} ({self._name(at, address)})" for at in found
            )
            raise PlacementError(
                "several_places",
                f"{address} may be several things in {self.path}; say which: {given}",
            )
        return found[0]

    def _name(self, position: int, address: str) -> str:
        label = self._label(position)
        last = address.rpartition("::")[2]
        return label or path_of(self.chunks[position].container, last)

    def _containers(self, address: str) -> list[int]:
        """Return the headers of the containers that are called so."""
        headers = (at for at in range(len(self.chunks)) if self._is_header(at))
        return [
            at
            for at in headers
            if _is_called(self._label(at), address)
            or (" " not in address and is_qualified_by(self._label(at), address))
            or ("<" in address and is_qualified_by(self._label(at), address))
        ]

    def _around(self, position: int) -> list[int]:
        """Return the headers of the containers that a chunk is of, the innermost last."""
        headers = (at for at in range(position + 1) if self._is_header(at))
        return [at for at in headers if position < self._end(at)]

    def _is_header(self, position: int) -> bool:
        return self.chunks[position].kind.endswith(HEADER)

    def _label(self, position: int) -> str:
        """Return what a container's members name it, or an impl that has none; else nothing."""
        chunk = self.chunks[position]
        if self._is_header(position) and position + 1 < len(self.chunks):
            return innermost(self.chunks[position + 1].container)
        for symbol in chunk.symbols:
            if chunk.kind == "impl" and symbol.kind == "impl":
                trait = f"{symbol.trait} for " if symbol.trait else ""
                return f"{_IMPL}{trait}{symbol.name}"
        return ""

    def _end(self, position: int) -> int:
        """Return the point behind a chunk, of a header behind its container."""
        if not self._is_header(position):
            return position + 1
        outer = self.chunks[position].container
        inner = self.container_at(position + 1)
        for at, chunk in self._behind(position):
            if chunk.container != inner and not chunk.container.startswith(
                inner + CONTAINER_SEPARATOR
            ):
                # Where the grammar had to make up a brace, there is no footer.
                is_footer = chunk.kind.endswith(FOOTER) and chunk.container == outer
                return at + is_footer
        return len(self.chunks)

    def _behind(self, position: int) -> Iterator[tuple[int, FileChunk]]:
        return ((at, self.chunks[at]) for at in range(position + 1, len(self.chunks)))


def _is_called(label: str, asked: str) -> bool:
    """Tell whether a container's label is what a person spells in full or in short.

    Generic arguments, paths in front of names, and whether it is for tests may be left out.
    """
    label = label.removesuffix(TEST_MARK)
    spellings = {label, without_arguments(label)}
    spellings |= {_PREFIX.sub("", one) for one in spellings}
    return bool(label) and _folded(asked.removesuffix(TEST_MARK)) in map(_folded, spellings)


def _folded(label: str) -> str:
    return "".join(label.split())
