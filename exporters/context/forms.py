"""The smallest form of a definition that carries it, as byte ranges of its file.

Structs, enums, constants and aliases are whole, as long as they are no giants: those lose the
documentation of their members first, then the members that are not in use. A function is its
signature, a trait its signatures with their documentation, an impl its header with the
signatures in use, a macro its patterns.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rsidx.exporters.resolver.files import Definition, File
from rsidx.store.reader import Reader
from rsidx.store.records import ChunkRow, Symbol

MAX_WHOLE_BYTES = 800
"""About 200 tokens; larger types and traits are reduced to their members in use."""
_MAX_DOCS_BYTES = 300
_MAX_MACRO_BYTES = 400
_BLANK_LINES = re.compile(rb"(?:[ \t]*\r?\n)*")
_TYPES = frozenset({"struct", "enum", "union"})
_PAIRS = {b"(": b")", b"[": b"]", b"{": b"}"}
_TOKEN = re.compile(
    # An unclosed one goes to the end, so that nothing inside it is tried as well.
    rb"""//[^\n]*|/\*.*?(?:\*/|\Z)|"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)"""
    rb"""|'(?:[^'\\]|\\.)'|=>|[(){}\[\]]""",
    re.DOTALL,
)
_MACRO_HEAD = re.compile(rb"macro_rules!\s*[\w#]+\s*[({\[]")


@dataclass(frozen=True, slots=True)
class TextRun:
    """A run of bytes of a blob, from `start` on."""

    start: int
    text: bytes

    @property
    def end(self) -> int:
        """Where it ends in the blob."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Form:
    """A form's name with its pieces, in order."""

    name: str
    pieces: tuple[TextRun, ...]

    def parts(self, n_bytes: int) -> Iterator["Form"]:
        """Yield the form in parts of about so many bytes; one that is whole stays so."""
        if self.name == "whole" or _n_bytes(self.pieces) <= n_bytes:
            yield self
            return
        part: list[TextRun] = []
        size = 0
        for piece in self.pieces:
            if part and size + len(piece.text) > n_bytes and piece.text.strip() != b"}":
                yield Form(self.name, tuple(part))
                part, size = [], 0
            part.append(piece)
            size += len(piece.text)
        yield Form(self.name, tuple(part))

    def without(self, start: int, end: int) -> "Form":
        """Return the form without the pieces that show any byte of a range."""
        kept = tuple(p for p in self.pieces if p.end <= start or end <= p.start)
        return self if len(kept) == len(self.pieces) else Form(self.name, kept)


class Forms:
    """Cuts definitions out of the files of the index."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def of(
        self,
        file: File,
        definition: Definition,
        members: frozenset[str],
        *,
        max_bytes: int = MAX_WHOLE_BYTES,
    ) -> Form:
        """Return a definition's form; `members` are the names of those in use.

        Types and traits over `max_bytes` are reduced.
        """
        kind = definition.symbol.kind
        if kind in ("trait", "impl"):
            return self._container(file, definition, members, max_bytes)
        if kind in ("fn", "method"):
            return Form("signature", (self.signature(definition.chunk, definition.start),))
        if kind == "macro":
            return self._macro(definition)
        whole = self._without_long_docs(definition)
        if len(whole.text) <= max_bytes:
            return Form("whole", (whole,))
        if kind in _TYPES:
            return Form("members", self._reduced(definition, members, max_bytes))
        return Form("signature", (self.signature(definition.chunk, definition.start),))

    def signature(self, chunk: ChunkRow, start: int) -> TextRun:
        """Return the first symbol's signature with the indentation of its line."""
        return self._of_symbol(chunk, start, self._reader.symbols(chunk.id)[0])

    def _of_symbol(self, chunk: ChunkRow, start: int, symbol: Symbol) -> TextRun:
        text = self._reader.text(chunk.id)
        first = _line_start(text, symbol.signature_start)
        return TextRun(start + first, text[first : symbol.signature_end])

    def whole(self, chunk: ChunkRow, start: int) -> TextRun:
        """Return a chunk without the blank lines in front of it."""
        text = self._reader.text(chunk.id)
        match = _BLANK_LINES.match(text)
        skipped = match.end() if match else 0
        return TextRun(start + skipped, text[skipped:])

    def _without_long_docs(self, definition: Definition) -> TextRun:
        """Return a chunk; its documentation goes if it is long, its attributes stay."""
        piece = self.whole(definition.chunk, definition.start)
        before = definition.start + definition.symbol.start - piece.start
        if before <= _MAX_DOCS_BYTES:
            return piece
        first = _line_start(piece.text, before)
        first = _attributes_start(piece.text, first)
        return TextRun(piece.start + first, piece.text[first:])

    def _reduced(
        self, definition: Definition, members: frozenset[str], max_bytes: int
    ) -> tuple[TextRun, ...]:
        """Return a type without documentation, or if that is still too long, what is in use."""
        symbols = self._reader.symbols(definition.chunk.id)[1:]
        every = tuple(self._members(definition, frozenset(s.name for s in symbols)))
        if _n_bytes(every) <= max_bytes:
            return every
        return tuple(self._members(definition, members))

    def _members(self, definition: Definition, members: frozenset[str]) -> Iterator[TextRun]:
        """Yield a type's opening, some of its members and its closing brace."""
        text, start = self._reader.text(definition.chunk.id), definition.start
        symbol = definition.symbol
        brace = text.find(b"{", symbol.signature_end, symbol.end)
        if brace < 0:
            yield self._of_symbol(definition.chunk, start, symbol)
            return
        first = _line_start(text, symbol.signature_start)
        yield TextRun(start + first, text[first : brace + 1])
        shown = brace
        for member in self._reader.symbols(definition.chunk.id)[1:]:
            if member.name in members and member.start > shown:
                begin = _line_start(text, member.start)
                end = member.end + text.startswith(b",", member.end)
                yield TextRun(start + begin, text[begin:end])
                shown = end
        closing = text.rfind(b"}", 0, symbol.end)
        if closing >= shown:
            yield TextRun(start + closing, text[closing : closing + 1])

    def _container(
        self, file: File, definition: Definition, members: frozenset[str], max_bytes: int
    ) -> Form:
        if not definition.chunk.kind.endswith("_header"):
            return Form("whole", (self.whole(definition.chunk, definition.start),))
        header = self._without_long_docs(definition)
        footer = self.footer(file, definition.index)
        every = [d for named in file.members_of(definition.index) for d in named]
        every.sort(key=lambda d: d.index)
        if definition.symbol.kind == "trait":
            documented = [self._documented(d) for d in every]
            bare = _each_once(self.signature(d.chunk, d.start) for d in every)
            for pieces in (documented, bare):
                if _n_bytes(pieces) <= max_bytes:
                    return Form("signatures", (header, *pieces, *footer))
        used = [self.signature(d.chunk, d.start) for d in every if d.symbol.name in members]
        name = "signatures" if used else "header"
        return Form(name, (header, *_each_once(used), *footer))

    def footer(self, file: File, header: int) -> list[TextRun]:
        """Return a container's closing, if it has one of its own."""
        closing = file.closing(header)
        return [self.whole(file.chunks[closing], file.starts[closing])] if closing else []

    def _documented(self, definition: Definition) -> TextRun:
        """Return a member's signature with what stands in front of it."""
        piece = self.whole(definition.chunk, definition.start)
        end = definition.start + definition.symbol.signature_end
        return TextRun(piece.start, piece.text[: end - piece.start])

    def header(self, definition: Definition) -> TextRun:
        """Return a container's header without long documentation."""
        return self._without_long_docs(definition)

    def outline(self, file: File, header: Definition, hidden: frozenset[int]) -> list[TextRun]:
        """Return the signatures of a container's members, those of hidden chunks left out."""
        every = [d for named in file.members_of(header.index) for d in named]
        every.sort(key=lambda d: d.index)
        shown = [self.signature(d.chunk, d.start) for d in every if d.index not in hidden]
        return _each_once(shown)

    def _macro(self, definition: Definition) -> Form:
        whole = self._without_long_docs(definition)
        if len(whole.text) <= _MAX_MACRO_BYTES:
            return Form("whole", (whole,))
        text, start = self._reader.text(definition.chunk.id), definition.start
        symbol = definition.symbol
        brace = _first_brace(text, symbol.start)
        if brace is None:
            return Form("whole", (whole,))
        first = _line_start(text, symbol.start)
        pieces = [TextRun(start + first, text[first : brace + 1])]
        for begin, end in _patterns(text, brace + 1, symbol.end):
            line = _line_start(text, begin)
            pieces.append(TextRun(start + line, text[line:end]))
        return Form("patterns", tuple(pieces))


def _n_bytes(pieces: Iterable[TextRun]) -> int:
    return sum(len(piece.text) for piece in pieces)


def _line_start(text: bytes, at: int) -> int:
    """Return where the line of `at` starts, if only blanks are between."""
    line = text.rfind(b"\n", 0, at) + 1
    return at if text[line:at].strip() else line


def _attributes_start(text: bytes, line: int) -> int:
    """Return where the attributes on lines of their own right before a line begin."""
    while line:
        above = _line_start(text, line - 1)
        if not text[above:line].lstrip(b" \t").startswith(b"#["):
            break
        line = above
    return line


def _each_once(pieces: Iterable[TextRun]) -> list[TextRun]:
    found: dict[int, TextRun] = {}
    for piece in pieces:
        found.setdefault(piece.start, piece)
    return list(found.values())


def _first_brace(text: bytes, start: int) -> int | None:
    match = _MACRO_HEAD.match(text, start)
    return match.end() - 1 if match else None


def _patterns(text: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the range of each rule of a macro up to its `=>`."""
    depth = 0
    begin: int | None = None
    for match in _TOKEN.finditer(text, start, end):
        token = match.group()
        if token in _PAIRS:
            if depth == 0 and begin is None:
                begin = match.start()
            depth += 1
        elif token in _PAIRS.values():
            depth -= 1
            if depth < 0:
                return
        elif token == b"=>" and depth == 0 and begin is not None:
            yield begin, match.end()
            begin = None
            # What follows is the body, which is no pattern.
            depth = 0
        if depth == 0 and begin is not None and token in _PAIRS.values():
            following = text[match.end() : match.end() + 40].lstrip()
            if not following.startswith(b"=>"):
                begin = None
