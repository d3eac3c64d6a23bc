"""Putting new code in the place of a symbol of a file."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from rsidx.errors import RsidxError
from rsidx.indexer.extract import Extractor
from rsidx.indexer.rust.parser import first_error
from rsidx.store.records import ChunkRecord, is_qualified_by, path_of

_FENCE = b"```"


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

    def symbols(self) -> Counter[tuple[str, str, str]]:
        return Counter((s.container, s.kind, s.name) for s in self.chunk.facts.symbols)


def replace_symbol(source: bytes, symbol: str, code: bytes, *, delete: bool = False) -> bytes:
    """Return a file with a symbol's chunk replaced, as a prompt for that symbol expects.

    Lines of ``` around the code are left out. Raises RsidxError where the symbol is not there or is
    defined more than once, where the result has syntax errors that the file did not have, and
    where the new code does not define the symbol once, or would take others away. With `delete`
    the symbol may go.
    """
    before = Extractor().record(b"", len(source), source)
    places = list(_places(before.chunks, before.new_chunks))
    named = [place for place in places if place.defines(symbol)]
    if not named:
        raise RsidxError(f"{symbol} is defined nowhere in the file")
    if len(named) > 1:
        last = symbol.rpartition("::")[2]
        paths = dict.fromkeys(path_of(place.chunk.container, last) for place in named)
        raise RsidxError(
            f"{symbol} is defined more than once in the file, as {', '.join(paths)}; say which"
        )
    [place] = named
    code = _without_fence(code)
    if not code.strip() and not delete:
        raise RsidxError(f"the new code is empty; --delete takes {symbol} out of the file")
    if code and not code.endswith(b"\n") and source[: place.end].endswith(b"\n"):
        code += b"\n"
    result = source[: place.start] + code + source[place.end :]
    after = Extractor().record(b"", len(result), result)
    if after.state == "errors" and before.state != "errors":
        raise RsidxError(_error_in(result, place.start, code))
    now = list(_places(after.chunks, after.new_chunks))
    n_named = sum(one.defines(symbol) for one in now)
    if n_named > 1:
        raise RsidxError(f"with the new code {symbol} is defined {n_named} times")
    if not n_named and not delete:
        raise RsidxError(
            f"the new code does not define {symbol}; --delete takes it out of the file"
        )
    others = Counter[tuple[str, str, str]]()
    for one in places:
        if one is not place:
            others += one.symbols()
    for one in now:
        others -= one.symbols()
    if others:
        container, kind, name = min(others)
        inside = f" of {container}" if container else ""
        raise RsidxError(f"with the new code the {kind} {name}{inside} is not there any more")
    return result


def _places(digests: tuple[bytes, ...], chunks: tuple[ChunkRecord, ...]) -> Iterator[_Place]:
    by_digest = {chunk.digest: chunk for chunk in chunks}
    start = 0
    for digest in digests:
        chunk = by_digest[digest]
        yield _Place(start, start + len(chunk.text), chunk)
        start += len(chunk.text)


def _without_fence(code: bytes) -> bytes:
    """Return what stands between two lines of ```, where these are the first and the last."""
    lines = code.strip().splitlines(keepends=True)
    fences = [number for number, line in enumerate(lines) if line.lstrip().startswith(_FENCE)]
    if len(lines) > 1 and fences == [0, len(lines) - 1] and lines[-1].strip() == _FENCE:
        return b"".join(lines[1:-1])
    return code


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
