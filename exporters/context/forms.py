"""The shortest form that says what a definition is, as byte ranges of its file.

A struct, enum, constant or alias is whole, unless it is long: then a struct or enum loses the
documentation of its members, and if that is not enough, the members that are not in use. A function
is its signature, a trait its signatures with their documentation, an impl its header with the
signatures in use, a macro its patterns.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from rsidx.exporters.resolver.files import Definition, File
from rsidx.store.reader import Reader
from rsidx.store.records import ChunkRow, Symbol

FormName = Literal[
    "whole", "signature", "signatures", "header", "members", "patterns", "used", "lines"
]
FORMS: tuple[str, ...] = get_args(FormName)
"""The forms that excerpts have, as docs/format.md describes them."""
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
    """A form's name with its pieces, in order.

    Where something with members is shown, the pieces are some of them, `members` says where each
    begins, shown or not, `noun` is what one is called, and `head` and `foot` are around them. Of
    lines, `members` are where signatures begin.
    """

    name: FormName
    pieces: tuple[TextRun, ...]
    head: TextRun | None = None
    foot: TextRun | None = None
    members: tuple[int, ...] = ()
    noun: str = ""

    @property
    def runs(self) -> tuple[TextRun, ...]:
        """All that is shown, in order."""
        around = (self.head,), self.pieces, (self.foot,)
        return tuple(run for runs in around for run in runs if run is not None)

    @property
    def note(self) -> str:
        """A comment that says what is not shown of the members; empty where they are whole."""
        n_hidden = len(self.members) - len(self.pieces)
        left_out = f"{n_hidden} more {self.noun}{'s' if n_hidden > 1 else ''}"
        if self.name == "patterns":
            left_out = f"bodies and {left_out}" if n_hidden > 0 else "bodies"
            left_out += " left out"
        elif n_hidden <= 0:
            return ""
        if self.foot is None:
            return ""
        line = self.foot.text.rstrip().rpartition(b"\n")[2]
        indentation = line[: len(line) - len(line.lstrip())].decode()
        return f"{indentation}    // {left_out}\n"

    def grown(self, n_bytes: int) -> Iterator["Form"]:
        """Yield the form with ever more members, each time about `n_bytes` more, at last all."""
        size = 0
        for number, piece in enumerate(self.pieces if self.head is not None else ()):
            if size and size + len(piece.text) > n_bytes:
                yield replace(self, pieces=self.pieces[:number])
                size = 0
            size += len(piece.text)
        yield self

    def up_to(self, n_bytes: int) -> "Form":
        """Return the form with as many of its pieces as fit into `n_bytes`."""
        return next(self.grown(n_bytes))

    def around(self, offset: int, n_bytes: int) -> "Form":
        """Return the form with those of its pieces that are nearest to a place of the blob.

        At least one piece stays, and as many as fit into `n_bytes`.
        """
        kept: set[int] = set()
        size = 0
        nearest = sorted(self.pieces, key=lambda piece: abs(piece.start - offset))
        for piece in nearest:
            size += len(piece.text)
            if kept and size > n_bytes:
                break
            kept.add(piece.start)
        return replace(self, pieces=tuple(p for p in self.pieces if p.start in kept))

    def without(self, start: int, end: int) -> "Form":
        """Return the form without the members that have any byte in a range, as if they were none.

        Without its head nothing is left.
        """
        kept = tuple(piece for piece in self.pieces if _is_apart(piece, start, end))
        if self.head is not None and not _is_apart(self.head, start, end):
            return Form(self.name, ())
        foot = self.foot if self.foot is not None and _is_apart(self.foot, start, end) else None
        # What is edited is not left out of the prompt: it is the code that the prompt asks for.
        members = tuple(at for at in self.members if not start <= at < end)
        return replace(self, pieces=kept, foot=foot, members=members)


def _is_apart(run: TextRun, start: int, end: int) -> bool:
    return run.end <= start or end <= run.start


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
            return self._reduced(definition, members, max_bytes)
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

    def joined(self, chunk: ChunkRow, start: int, runs: Iterable[TextRun]) -> tuple[TextRun, ...]:
        """Return runs of a chunk in order, with what is between two if that is a brace or blank."""
        text = self._reader.text(chunk.id)
        found: list[TextRun] = []
        for run in sorted(runs, key=lambda run: run.start):
            between = text[found[-1].end - start : run.start - start] if found else None
            if between is None or between.strip() not in (b"", b"{"):
                found.append(run)
                continue
            before = found.pop()
            found.append(TextRun(before.start, before.text + between + run.text))
        return tuple(found)

    def header(self, chunk: ChunkRow, start: int) -> TextRun:
        """Return a container's header; its documentation goes if it is long."""
        symbols = self._reader.symbols(chunk.id)
        piece = self.whole(chunk, start)
        return self._cut_docs(piece, start + symbols[0].start) if symbols else piece

    def _without_long_docs(self, definition: Definition) -> TextRun:
        """Return a chunk; its documentation goes if it is long, its attributes stay."""
        piece = self.whole(definition.chunk, definition.start)
        return self._cut_docs(piece, definition.start + definition.symbol.start)

    def _cut_docs(self, piece: TextRun, start: int) -> TextRun:
        """Return a piece without the documentation in front of a symbol's start, if it is long."""
        before = start - piece.start
        if before <= _MAX_DOCS_BYTES:
            return piece
        first = _line_start(piece.text, before)
        first = _attributes_start(piece.text, first)
        return TextRun(piece.start + first, piece.text[first:])

    def _reduced(self, definition: Definition, members: frozenset[str], max_bytes: int) -> Form:
        """Return a type without documentation, or if that is still too long, what is in use."""
        every = self._members(definition)
        text, start = self._reader.text(definition.chunk.id), definition.start
        symbol = definition.symbol
        brace = text.find(b"{", symbol.signature_end, symbol.end)
        closing = text.rfind(b"}", brace, symbol.end)
        if brace < 0 or closing < 0:
            return Form("signature", (self._of_symbol(definition.chunk, start, symbol),))
        first = _line_start(text, symbol.signature_start)
        head = TextRun(start + first, text[first : brace + 1])
        foot = TextRun(start + closing, text[closing : closing + 1])
        shown = tuple(run for _, run in every)
        if _n_bytes((head, *shown, foot)) > max_bytes:
            shown = tuple(run for name, run in every if name in members)
        noun = "variant" if symbol.kind == "enum" else "field"
        return Form("members", shown, head, foot, _starts(run for _, run in every), noun)

    def _members(self, definition: Definition) -> list[tuple[str, TextRun]]:
        """Return a type's members by name, without what is inside of another member."""
        text, start = self._reader.text(definition.chunk.id), definition.start
        found = []
        shown = 0
        for member in self._reader.symbols(definition.chunk.id)[1:]:
            if member.start >= shown:
                begin = _line_start(text, member.start)
                shown = member.end + text.startswith(b",", member.end)
                found.append((member.name, TextRun(start + begin, text[begin:shown])))
        return found

    def _container(
        self, file: File, definition: Definition, members: frozenset[str], max_bytes: int
    ) -> Form:
        if not definition.chunk.kind.endswith("_header"):
            return Form("whole", (self.whole(definition.chunk, definition.start),))
        every = _members_of(file, definition)
        if definition.symbol.kind == "trait":
            documented = self._around(file, definition, [self._documented(d) for d in every])
            bare = self._around(file, definition, self._signatures(every))
            for form in (documented, bare):
                if _n_bytes(form.runs) <= max_bytes:
                    return form
        used = [d for d in every if d.symbol.name in members]
        form = self._around(file, definition, self._signatures(used))
        return replace(form, members=_starts(self._signatures(every)))

    def names_shown(
        self, file: File, definition: Definition, members: frozenset[str], max_bytes: int
    ) -> frozenset[str]:
        """Return the names of a container's members that its form shows: those in use, or all."""
        if definition.symbol.kind not in ("trait", "impl"):
            return members
        form = self._container(file, definition, members, max_bytes)
        if len(form.pieces) < len(form.members):
            return members
        return frozenset(one.symbol.name for one in _members_of(file, definition))

    def _around(self, file: File, header: Definition, pieces: Sequence[TextRun]) -> Form:
        """Return the form of a container with some of its members."""
        closing = file.closing(header.index)
        foot = self.whole(file.chunks[closing], file.starts[closing]) if closing else None
        name: FormName = "signatures" if pieces else "header"
        head = self._without_long_docs(header)
        return Form(name, tuple(pieces), head, foot, _starts(pieces), "item")

    def _signatures(self, definitions: Iterable[Definition]) -> list[TextRun]:
        return _each_once(self.signature(d.chunk, d.start) for d in definitions)

    def _documented(self, definition: Definition) -> TextRun:
        """Return a member's signature with what stands in front of it."""
        piece = self.whole(definition.chunk, definition.start)
        end = definition.start + definition.symbol.signature_end
        return TextRun(piece.start, piece.text[: end - piece.start])

    def outline(self, file: File, header: Definition, hidden: frozenset[int]) -> Form:
        """Return a container with its members' signatures, those of hidden chunks left out."""
        every = _members_of(file, header)
        shown = self._signatures(d for d in every if d.index not in hidden)
        form = self._around(file, header, shown)
        return replace(form, members=_starts(self._signatures(every)))

    def _macro(self, definition: Definition) -> Form:
        whole = self._without_long_docs(definition)
        if len(whole.text) <= _MAX_MACRO_BYTES:
            return Form("whole", (whole,))
        text, start = self._reader.text(definition.chunk.id), definition.start
        symbol = definition.symbol
        brace = _first_brace(text, symbol.start)
        if brace is None:
            return Form("whole", (whole,))
        closing = text.rfind(_PAIRS[text[brace : brace + 1]], brace, symbol.end)
        if closing < 0:
            return Form("whole", (whole,))
        first = _line_start(text, symbol.start)
        head = TextRun(start + first, text[first : brace + 1])
        pieces = []
        for begin, end in _patterns(text, brace + 1, closing):
            line = _line_start(text, begin)
            pieces.append(TextRun(start + line, text[line:end]))
        last = _line_start(text, closing)
        foot = TextRun(start + last, text[last : symbol.end])
        return Form("patterns", tuple(pieces), head, foot, _starts(pieces), "rule")


def _members_of(file: File, header: Definition) -> list[Definition]:
    """Return a container's members, in order."""
    every = [d for named in file.members_of(header.index) for d in named]
    return sorted(every, key=lambda definition: definition.index)


def _starts(pieces: Iterable[TextRun]) -> tuple[int, ...]:
    return tuple(piece.start for piece in pieces)


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
