"""Putting new code in the place of a symbol of a file."""

from rsidx.errors import RsidxError
from rsidx.indexer.extract import Extractor
from rsidx.store.facts import is_qualified_by


def replaced(source: bytes, symbol: str, code: bytes) -> bytes:
    """Return a file with a symbol's chunk replaced, as a prompt for that symbol expects.

    Raises RsidxError where the symbol is not there, is defined more than once, or where the
    result has syntax errors that the file did not have.
    """
    before = Extractor().record(b"", len(source), source)
    qualifier, _, last = symbol.rpartition("::")
    by_digest = {chunk.digest: chunk for chunk in before.new_chunks}
    places, start = [], 0
    for digest in before.chunks:
        chunk = by_digest[digest]
        end = start + len(chunk.text)
        kinds = {s.kind for s in chunk.facts.symbols if s.name == last}
        if kinds - {"impl", "field", "mod"} and is_qualified_by(chunk.container, qualifier):
            places.append((start, end))
        start = end
    if len(places) != 1:
        times = "more than once" if places else "nowhere"
        raise RsidxError(f"{symbol} is defined {times} in the file")
    [(start, end)] = places
    result = source[:start] + code + source[end:]
    after = Extractor().record(b"", len(result), result)
    if after.state == "errors" and before.state != "errors":
        raise RsidxError("with the new code the file has syntax errors")
    return result
