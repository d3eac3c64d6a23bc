"""The code that refers to a definition.

Each mention of the name in the tree is resolved, so code that means another definition of that name
is left out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from rsidx.exporters.context.forms import TextRun
from rsidx.exporters.edits.edit import Side
from rsidx.exporters.edits.test_code import is_test_chunk, is_test_file
from rsidx.exporters.resolver.files import Definition, File
from rsidx.exporters.resolver.references import NAME_RULE, CodeLocation, Resolver
from rsidx.exporters.resolver.types import TypeScope
from rsidx.store.reader import Reader

_FILES_KEPT = 1500
_MAX_LINES = 8
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Caller:
    """A chunk that refers to a definition under the name `mention`; `rule` resolves it."""

    file: File
    index: int
    name: str
    is_test: bool
    rule: str
    mention: str

    def lines(self, reader: Reader) -> Iterator[TextRun]:
        """Yield the chunk's signature and the lines with the mention, as they stand."""
        chunk, start = self.file.chunks[self.index], self.file.starts[self.index]
        symbols = reader.symbols(chunk.id)
        shown = start
        if symbols and symbols[0].kind in ("fn", "method"):
            text = reader.text(chunk.id)
            first = text.rfind(b"\n", 0, symbols[0].signature_start) + 1
            shown = start + symbols[0].signature_end
            yield TextRun(start + first, text[first : symbols[0].signature_end])
        for at, text in islice(self.mentions(reader), _MAX_LINES):
            if at >= shown:
                yield TextRun(at, text)

    def mentions(self, reader: Reader) -> Iterator[tuple[int, bytes]]:
        """Yield each line of code with the mention, and where in the blob it begins."""
        chunk, start = self.file.chunks[self.index], self.file.starts[self.index]
        word = re.compile(rb"\b" + re.escape(self.mention.encode()) + rb"\b")
        own = [s.signature_start for s in reader.symbols(chunk.id) if s.name == self.mention]
        offset = 0
        for line in reader.text(chunk.id).splitlines(keepends=True):
            end = offset + len(line)
            is_definition = any(offset <= at < end for at in own)
            if word.search(line) and not is_definition and not line.lstrip().startswith(b"//"):
                yield start + offset, line.removesuffix(b"\n")
            offset = end


class Callers:
    """Finds the callers of definitions in the resolver's snapshot."""

    def __init__(self, reader: Reader, resolver: Resolver) -> None:
        self._reader = reader
        self._resolver = resolver
        self._mentions = lru_cache(_FILES_KEPT)(self._mentions_of)

    def of_side(self, side: Side) -> Iterator[Caller]:
        """Yield the callers of what a side of an edit defines, without its own chunks."""
        start = side.start
        mine = range(side.position, side.position + len(side.chunks))
        for index, chunk in enumerate(side.chunks, side.position):
            for symbol in self._reader.symbols(chunk.id)[:1]:
                found = Definition(side.path_id, side.blob_id, index, start, chunk, symbol)
                for caller in self.of(found):
                    if caller.file.path_id != side.path_id or caller.index not in mine:
                        yield caller
            start += chunk.n_bytes

    def of(self, definition: Definition) -> Iterator[Caller]:
        """Yield the callers of a definition: its own file first, then by path."""
        name = definition.symbol.name
        paths = self._resolver.modules.rust_files()
        for path_id in sorted(paths, key=lambda p: (p != definition.path_id, self._reader.path(p))):
            file = self._resolver.modules.file(path_id)
            if file is None:
                continue
            for word in (name, *file.renamed(name)):
                for index in self._mentions(file.blob_id).get(word, ()):
                    rule = self._rule(file, index, word, definition)
                    if rule:
                        yield self._caller(file, index, rule, word)

    def by_name(self, name: str) -> Iterator[Caller]:
        """Yield the chunks in which no rule resolves a mention of a name."""
        for path_id in sorted(self._resolver.modules.rust_files(), key=self._reader.path):
            file = self._resolver.modules.file(path_id)
            for index in self._mentions(file.blob_id).get(name, ()) if file is not None else ():
                if file is not None and self._is_unresolved(file, index, name):
                    yield self._caller(file, index, NAME_RULE, name)

    def _is_unresolved(self, file: File, index: int, name: str) -> bool:
        scope = self._scope(file, index)
        return scope is not None and any(
            _WORD.findall(reference.path)[-1:] == [name]
            and not any(self._resolver.reference(scope, reference))
            for reference in self._reader.references(file.chunks[index].id)
        )

    def _scope(self, file: File, index: int) -> TypeScope | None:
        """Return the scope that a chunk is in, with what the bodies of its functions import."""
        chunk = file.chunks[index]
        imports = () if chunk.kind == "imports" else self._reader.imports(chunk.id)
        scope, _ = self._resolver.place(CodeLocation(file.path_id, chunk.container, imports))
        return scope

    def _caller(self, file: File, index: int, rule: str, mention: str) -> Caller:
        chunk = file.chunks[index]
        symbols = self._reader.symbols(chunk.id)[:1]
        is_test = (
            is_test_chunk(self._reader, chunk)
            or is_test_file(self._reader, file.path_id, file.blob_id)
            or self._resolver.modules.is_test(file.path_id)
        )
        return Caller(file, index, symbols[0].name if symbols else "", is_test, rule, mention)

    def _mentions_of(self, blob_id: int) -> dict[str, list[int]]:
        """Return the chunks of a file by the words in their references."""
        found: dict[str, list[int]] = {}
        for index, chunk in enumerate(self._reader.chunks(blob_id)):
            words = {w for r in self._reader.references(chunk.id) for w in _WORD.findall(r.path)}
            for word in words:
                found.setdefault(word, []).append(index)
        return found

    def _rule(self, file: File, index: int, word: str, definition: Definition) -> str:
        """Return the rule by which a word of a chunk means a definition; empty if it does not."""
        scope = self._scope(file, index)
        if scope is None:
            return ""
        for reference in self._reader.references(file.chunks[index].id):
            if word in _WORD.findall(reference.path):
                for resolved in self._resolver.reference(scope, reference):
                    if _is_same(resolved.definition, definition):
                        return resolved.rule
        return ""


def _is_same(one: Definition, other: Definition) -> bool:
    return (one.path_id, one.index, one.symbol.name) == (
        other.path_id,
        other.index,
        other.symbol.name,
    )
