"""Putting new code in the place of an item of a file, or between two."""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from rsidx.blocks import with_blocks
from rsidx.errors import PlacementError
from rsidx.indexer.extract import Extractor
from rsidx.indexer.rust.parser import first_error
from rsidx.store.addresses import FOOTER, HEADER, AddressedFile, FileChunk
from rsidx.store.records import ChunkRecord, is_qualified_by, path_of

Symbols = Counter[tuple[str, str, str]]
"""How often what is defined, by container, kind and name."""

_FILES_KEPT = 4
_LINE_ENDS = (b"\n", b"\r\n")
_NO_ITEMS = frozenset({"preamble", "trailer"})
_RUNS = frozenset({"imports", "mod"})
"""Kinds of items that stand on the lines of one another, without blank ones."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A chunk of a file: where it begins and ends."""

    start: int
    end: int
    chunk: ChunkRecord

    def defines(self, symbol: str) -> bool:
        qualifier, _, last = symbol.rpartition("::")
        kinds = {s.kind for s in self.chunk.facts.symbols if s.name == last}
        is_item = bool(kinds - {"impl", "field", "mod"})
        return is_item and is_qualified_by(self.chunk.container, qualifier)

    def symbols(self, *, with_container: bool = True) -> Symbols:
        return Counter(
            (s.container if with_container else "", s.kind, s.name)
            for s in self.chunk.facts.symbols
        )


@dataclass(frozen=True, slots=True)
class Spliced:
    """A file with an answer in the place of a range of bytes.

    `code` is what went in, at `start`. `names` are what it defines there, fields aside, and `lost`
    is what the file defines outside of the range and the result does not. Both are empty where the
    result has syntax errors that the file does not have (`is_broken`).
    """

    result: bytes
    start: int
    code: bytes
    is_broken: bool
    names: frozenset[str]
    lost: tuple[tuple[str, str, str], ...]


def replace_range(source: bytes, start: int, end: int, answer: bytes) -> Spliced:
    """Return a file with an answer in the place of a range, whatever comes of it.

    A line break is added that it lacks.
    """
    result, code = _put(source, start, end, answer)
    file = _file_of(source)
    now = _File(result, file)
    if now.has_errors and not file.has_errors:
        return Spliced(result, start, code, is_broken=True, names=frozenset(), lost=())
    replaced = file.within(start, end)
    is_header = any(place.chunk.kind.endswith(HEADER) for place in replaced)
    others = file.symbols_outside(replaced, with_container=not is_header)
    defined = now.symbols_outside((), with_container=not is_header)
    names = frozenset(name for (_, kind, name) in defined - others if kind != "field")
    lost = tuple(sorted(others - defined))
    return Spliced(result, start, code, is_broken=False, names=names, lost=lost)


def names_within(source: bytes, start: int, end: int) -> frozenset[str]:
    """Return the names that the chunks of a range of bytes define, fields aside."""
    places = _file_of(source).within(start, end)
    return frozenset(
        symbol.name
        for place in places
        for symbol in place.chunk.facts.symbols
        if symbol.kind != "field"
    )


def changed_chunks(before: bytes, after: bytes) -> tuple[int, int]:
    """Return the range of the chunks of a file in which it differs from an earlier version.

    Of the same text it is the whole file.
    """
    if before == after:
        return 0, len(after)
    same = len(os.path.commonprefix([before, after]))  # noqa: RUF071  (bytes on purpose)
    rest = os.path.commonprefix([before[same:][::-1], after[same:][::-1]])  # noqa: RUF071
    places = _File(after).within(same, max(same + 1, len(after) - len(rest)))
    starts, ends = [place.start for place in places], [place.end for place in places]
    return min(starts, default=same), max(ends, default=same)


def replace_symbol(source: bytes, symbol: str, code: bytes, *, delete: bool = False) -> bytes:
    """Return a file with a symbol's chunk replaced, as a prompt for that symbol expects.

    Raises PlacementError where the symbol is not there or is defined more than once, where the
    result has syntax errors that the file did not have, and where the new code does not define the
    symbol once, or would take others away. With `delete` the symbol may go.
    """
    file = _File(source)
    named = [place for place in file.places if place.defines(symbol)]
    if not named:
        raise PlacementError("no_place", f"{symbol} is defined nowhere in the file")
    if len(named) > 1:
        last = symbol.rpartition("::")[2]
        paths = dict.fromkeys(path_of(place.chunk.container, last) for place in named)
        raise PlacementError(
            "several_places",
            f"{symbol} is defined more than once in the file, as {', '.join(paths)}; say which, or "
            f"name a line: {', '.join(str(file.line(place)) for place in named)}",
        )
    [place] = named
    result, now = file.replaced(place, symbol, code, delete=delete)
    n_named = sum(one.defines(symbol) for one in now.places)
    if n_named > 1:
        raise PlacementError(
            "not_the_symbol", f"with the new code {symbol} is defined {n_named} times"
        )
    if not n_named and not delete:
        raise PlacementError(
            "not_the_symbol",
            f"the new code does not define {symbol}; --delete takes it out of the file",
        )
    file.check_others(place, now)
    return result


def replace_line(
    source: bytes,
    path: str,
    line: int,
    code: bytes,
    *,
    part: tuple[int, int] | None = None,
    delete: bool = False,
) -> bytes:
    """Return a file with the item replaced that a line is in, as a prompt for that line expects.

    With a `part`, a range of the item's bytes, the code takes the place of that alone. Raises
    PlacementError where no item is there, and as `replace_symbol` does: what the item defines, if
    it has a name, the result must define.
    """
    file = _File(source)
    position = file.addressed(path).at_line(line)
    if position is None or file.places[position].chunk.kind.endswith(FOOTER):
        raise PlacementError("no_place", f"{path}:{line} has no item; name a line of one")
    place = file.places[position]
    if part is not None:
        code = _in_part(place.chunk.text, part, code)
    result, now = file.replaced(place, f"the item at {path}:{line}", code, delete=delete)
    names = [(s.kind, s.name) for s in place.chunk.facts.symbols if s.kind != "field"][:1]
    defined = {(s.kind, s.name) for one in now.places for s in one.chunk.facts.symbols}
    if not delete and not defined.issuperset(names):
        [(_, name)] = names
        raise PlacementError(
            "not_the_symbol",
            f"the new code does not define {name}; --delete takes it out of the file",
        )
    file.check_others(place, now)
    return result


def insert(
    source: bytes,
    path: str,
    code: bytes,
    *,
    after: str | int | None = None,
    inside: str | int | None = None,
) -> bytes:
    """Return a file with new code behind a symbol or a line, or at the end of a container.

    A blank line comes between items where the code brings none. Raises PlacementError where the
    place is not there or may be several, where the code has no item, and where the result has
    syntax errors that the file did not have, or lacks items of it.
    """
    file = _File(source)
    addressed = file.addressed(path)
    point = addressed.after(after) if after is not None else addressed.inside(inside or 0)
    if not code.strip():
        raise PlacementError("no_answer", "the new code is empty")
    at = file.places[point].start if point < len(file.places) else len(source)
    front = file.places[point - 1].chunk if point else None
    behind = file.places[point].chunk if point < len(file.places) else None
    line_end = b"\r\n" if b"\r\n" in source else b"\n"
    if not code.endswith(b"\n"):
        code += line_end
    before, below = (line_end * n for n in _blank_lines(code, front, behind))
    result = source[:at] + before + code + below + source[at:]
    now = file.followed_by(result, at + len(before), code)
    if now.n_items <= file.n_items:
        raise PlacementError("not_the_symbol", "the new code has no item")
    file.check_others(None, now)
    return result


def new_file(code: bytes) -> bytes:
    """Return the text of a new file; raises PlacementError for code that is none."""
    if not code.strip():
        raise PlacementError("no_answer", "the new code is empty")
    if not code.endswith(b"\n"):
        code += b"\n"
    if _File(code).has_errors:
        raise PlacementError("syntax", _error_in(code, 0, code))
    return code


def fill(source: bytes, offset: int, code: bytes) -> bytes:
    """Return a file with code at an offset, byte for byte, as a prompt for a hole expects.

    Raises PlacementError where the code is empty, where the result has syntax errors that the file
    did not have, and where it lacks what the file defines.
    """
    if not code:
        raise PlacementError("no_answer", "the new code is empty")
    file = _File(source)
    result = source[:offset] + code + source[offset:]
    now = file.followed_by(result, offset, code)
    if not file.has_errors:
        file.check_others(None, now)
    return result


class _File:
    """A version of a file as its chunks; what it has of an earlier version is not read again."""

    def __init__(self, source: bytes, before: "_File | None" = None) -> None:
        self._source = source
        known: dict[bytes, ChunkRecord] = before.chunks if before is not None else {}
        record = Extractor(known=known).record(b"", len(source), source)
        self.has_errors = record.state == "errors"
        self.chunks: dict[bytes, ChunkRecord] = {
            **known,
            **{chunk.digest: chunk for chunk in record.new_chunks},
        }
        self.places = list(_places(record.chunks, self.chunks))

    @property
    def n_items(self) -> int:
        """The number of items, each import one."""
        chunks = [place.chunk for place in self.places]
        items = [c for c in chunks if c.kind not in _NO_ITEMS and not c.kind.endswith(FOOTER)]
        return sum(len(c.facts.imports) if c.kind == "imports" else 1 for c in items)

    def addressed(self, path: str) -> AddressedFile:
        """Return the same, to be asked for places."""
        chunks = (place.chunk for place in self.places)
        return AddressedFile(
            path, [FileChunk(c.kind, c.container, c.text, c.facts.symbols) for c in chunks]
        )

    def line(self, place: _Place) -> int:
        """Return the line that a chunk begins in, but for the blank lines in front of it."""
        blank = len(place.chunk.text) - len(place.chunk.text.lstrip())
        return self._source.count(b"\n", 0, place.start + blank) + 1

    def replaced(
        self, place: _Place, name: str, code: bytes, *, delete: bool
    ) -> tuple[bytes, "_File"]:
        """Return the text and the chunks with new code in the place of a chunk."""
        code = with_blocks(place.chunk.text, code)
        result, code = _put(self._source, place.start, place.end, code)
        if not code.strip() and not delete:
            raise PlacementError(
                "no_answer", f"the new code is empty; --delete takes {name} out of the file"
            )
        return result, self.followed_by(result, place.start, code)

    def followed_by(self, result: bytes, start: int, code: bytes) -> "_File":
        """Return the next version, which has new code at an offset; raises where it is broken."""
        now = _File(result, self)
        if now.has_errors and not self.has_errors:
            raise PlacementError("syntax", _error_in(result, start, code))
        return now

    def check_others(self, place: _Place | None, now: "_File") -> None:
        """Raise PlacementError where the next version lacks what is defined outside of a place."""
        # A container's members have its label, which a new header may change.
        is_header = place is not None and place.chunk.kind.endswith(HEADER)
        replaced = () if place is None else (place,)
        lost = self.symbols_outside(replaced, with_container=not is_header)
        lost -= now.symbols_outside((), with_container=not is_header)
        if lost:
            raise PlacementError(
                "not_applied", f"with the new code {missing(min(lost))} is not there any more"
            )

    def within(self, start: int, end: int) -> list[_Place]:
        """Return the chunks that have a byte in a range, or of an empty range none."""
        return [place for place in self.places if place.start < end and start < place.end]

    def symbols_outside(self, replaced: Collection[_Place], *, with_container: bool) -> Symbols:
        """Count what the chunks define that are not replaced."""
        found = Symbols()
        for place in self.places:
            if not any(place is one for one in replaced):
                found += place.symbols(with_container=with_container)
        return found


def missing(symbol: tuple[str, str, str]) -> str:
    """Name a symbol in words, as in `the method parse of impl Parser`."""
    container, kind, name = symbol
    return f"the {kind} {name}{f' of {container}' if container else ''}"


def _put(source: bytes, start: int, end: int, answer: bytes) -> tuple[bytes, bytes]:
    """Return a file with an answer in the place of a range, and the code that went in."""
    code = answer
    if code and not code.endswith(b"\n") and source[:end].endswith(b"\n"):
        code += b"\n"
    return source[:start] + code + source[end:], code


def _in_part(text: bytes, part: tuple[int, int], code: bytes) -> bytes:
    """Return an item's text with code in the place of a part of it."""
    start, end = part
    code = with_blocks(text[start:end], code)
    if code and not code.endswith(b"\n") and text[:end].endswith(b"\n"):
        code += b"\n"
    return text[:start] + code + text[end:]


def _blank_lines(
    code: bytes, front: ChunkRecord | None, behind: ChunkRecord | None
) -> tuple[int, int]:
    """Return how many line ends are missing between code and what is before it, and behind it."""
    record = Extractor().record(b"", len(code), code)
    kind = record.new_chunks[0].kind if record.new_chunks else ""

    def is_apart(other: ChunkRecord) -> bool:
        return kind not in _RUNS or other.kind != kind

    before = below = 0
    if front is not None and not front.kind.endswith(HEADER):
        before = is_apart(front) and not code.startswith(_LINE_ENDS)
        before += not front.text.endswith(b"\n")
    if behind is not None and not behind.kind.endswith(FOOTER):
        below = is_apart(behind) and not behind.text.startswith(_LINE_ENDS)
    return before, below


@lru_cache(_FILES_KEPT)
def _file_of(source: bytes) -> _File:
    """Return a version of a file; many answers are put into the same one."""
    return _File(source)


def _places(digests: Iterable[bytes], chunks: Mapping[bytes, ChunkRecord]) -> Iterator[_Place]:
    start = 0
    for digest in digests:
        chunk = chunks[digest]
        yield _Place(start, start + len(chunk.text), chunk)
        start += len(chunk.text)


def _error_in(result: bytes, start: int, code: bytes) -> str:
    """Say where a file with new code at an offset has its first syntax error."""
    at = first_error(result) or 0
    offset: int | None = at - start
    if not 0 <= at - start < len(code):
        # A brace that is not closed is missed at the end of the file only.
        offset = first_error(code)
    if offset is None:
        number = result.count(b"\n", 0, at) + 1
        return f"with the new code the file has a syntax error in line {number}"
    number = code.count(b"\n", 0, offset) - code.endswith(b"\n") * (offset >= len(code))
    line = code.split(b"\n")[number].decode("utf-8", "replace").strip()
    return f"the new code has a syntax error in line {number + 1}: {line}"
