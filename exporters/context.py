"""The context of an edit: which definitions it is shown with, in which form and order.

A resolver finds definitions, each with the rule that found it; `candidates` gives them a form,
a section and a rank. What fits the budget is decided where tokens are counted.
"""

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rsidx.exporters.edits import Side
from rsidx.exporters.modules import Definition, File, Modules, is_item_of, modules_of
from rsidx.store.facts import CONTAINER_SEPARATOR, innermost
from rsidx.store.reader import ChunkRow, Reader, ReferenceRow

SECTIONS = (
    "imports",
    "traits",
    "structs",
    "enums",
    "impls",
    "functions",
    "macros",
    "constants",
)
_SECTION_OF = {
    "trait": "traits",
    "struct": "structs",
    "union": "structs",
    "type": "structs",
    "enum": "enums",
    "impl": "impls",
    "fn": "functions",
    "method": "functions",
    "macro": "macros",
    "const": "constants",
    "static": "constants",
}
# In descending value: what the budget does not hold is left out from the end.
RULES = (
    "imports",
    "enclosing",
    "self_type",
    "file",
    "path",
    "import",
    "glob",
    "commit_named",
    "commit",
)
_TYPES = frozenset({"struct", "enum", "union", "trait", "type"})
_VALUES = frozenset({"fn", "const", "static", "struct", "enum", "union", "type", "trait"})
_NAMESPACES = {"type": _TYPES, "value": _VALUES, "macro": frozenset({"macro"})}
_MAX_UNNAMED = 8
"""So many definitions that the commit touched and the edit does not name are shown at most."""
_BLANK_LINES = re.compile(rb"(?:[ \t]*\r?\n)*")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of context: `ranges` of bytes in a blob, each ended by a line end in `text`."""

    section: str
    path_id: int
    blob_id: int
    ranges: tuple[tuple[int, int], ...]
    text: str
    symbol: str
    rule: str
    form: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """A definition with the rule that found it; `member` is what a path named inside it."""

    definition: Definition
    rule: str
    member: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """Where code stands: a path of the snapshot, and the containers in its file."""

    path_id: int
    container: str

    @property
    def modules(self) -> tuple[str, ...]:
        """The inline modules around the code, outermost first."""
        return modules_of(self.container)

    @property
    def innermost(self) -> str:
        """The label of the container that the code is a member of, if any."""
        return innermost(self.container)


class Resolver(Protocol):
    """Finds the definitions that code at a site refers to, in the snapshot of its modules."""

    def resolve(self, site: Site, references: Sequence[ReferenceRow]) -> Iterable[Resolved]:
        """Yield definitions; one may come more than once, its best rule first."""


class NearResolver:
    """Resolves within the file, by its imports, and along paths of the workspace."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules

    def resolve(self, site: Site, references: Sequence[ReferenceRow]) -> Iterator[Resolved]:
        """Yield the enclosing containers, then what each reference names."""
        file = self._modules.file(site.path_id)
        if file is not None:
            yield from self._enclosing(file, site)
        for reference in references:
            yield from self._reference(file, site, reference)

    def _enclosing(self, file: File, site: Site) -> Iterator[Resolved]:
        """Yield the header that a member stands under, its self type and its trait."""
        label = site.innermost
        if not label.startswith(("impl ", "trait ")):
            return
        outer = site.container.removesuffix(label).removesuffix(CONTAINER_SEPARATOR)
        for name, definitions in file.named.items():
            for found in definitions:
                symbol = found.symbol
                if symbol.kind not in ("impl", "trait") or symbol.container != outer:
                    continue
                own = f"trait {name}" if symbol.kind == "trait" else _impl_label(file, found)
                if own != label:
                    continue
                yield Resolved(found, "enclosing")
                wanted = (name, symbol.trait.split("<")[0]) if symbol.kind == "impl" else ()
                for one in wanted:
                    for item in self._named(file, "type", one, site.modules):
                        yield Resolved(item, "self_type")

    @staticmethod
    def _named(file: File, kind: str, name: str, inline: tuple[str, ...]) -> Iterator[Definition]:
        """Yield the items of a module of this file that have a name."""
        kinds = _NAMESPACES.get(kind, frozenset())
        for found in file.named.get(name, ()):
            if found.symbol.kind in kinds and is_item_of(found, inline):
                yield found

    def _reference(
        self, file: File | None, site: Site, reference: ReferenceRow
    ) -> Iterator[Resolved]:
        segments = reference.path.split("::")
        head = segments[0]
        if reference.kind == "self_method" or (head == "Self" and len(segments) == 2):
            yield from self._members(file, site, segments[-1])
        elif head in ("crate", "self", "super"):
            yield from self._absolute(segments, site, "path")
        elif reference.kind in _NAMESPACES:
            here = list(self._named(file, reference.kind, head, site.modules)) if file else []
            if here:
                for found in here:
                    yield Resolved(found, "file", segments[1] if len(segments) > 1 else "")
            elif file is None or not (yield from self._imported(file, site, segments)):
                yield from self._absolute(segments, site, "path")

    @staticmethod
    def _members(file: File | None, site: Site, name: str) -> Iterator[Resolved]:
        """Yield the members of the same self type in this file."""
        self_type = _self_type(site.innermost)
        for found in file.named.get(name, ()) if file and self_type else ():
            inside = innermost(found.symbol.container)
            if found.symbol.kind in ("method", "const") and _self_type(inside) == self_type:
                yield Resolved(found, "file")

    def _imported(
        self, file: File, site: Site, segments: list[str]
    ) -> Generator[Resolved, None, bool]:
        """Yield what an import brings in under the path's first name; return if one did."""
        imported = file.aliases.get(site.modules, {}).get(segments[0])
        if imported is not None:
            yield from self._absolute([*imported, *segments[1:]], site, "import")
            return True
        for path in file.globs.get(site.modules, ()):
            found = list(self._absolute([*path, *segments], site, "glob"))
            if found:
                yield from found
                return True
        return False

    def _absolute(self, segments: list[str], site: Site, rule: str) -> Iterator[Resolved]:
        target = self._modules.absolute(segments, site.path_id, site.container)
        if target is None:
            return
        for found in self._modules.items(*target):
            member = segments[-1] if segments[-1] != found.symbol.name else ""
            yield Resolved(found, rule, member)


def _self_type(label: str) -> str:
    """Return the self type that a container's label names, without generics."""
    if label.startswith("trait "):
        return label.removeprefix("trait ")
    if not label.startswith("impl "):
        return ""
    return label.removeprefix("impl ").split(" for ")[-1].split("<")[0]


def _impl_label(file: File, definition: Definition) -> str:
    """Return the label of an impl's members, from the chunk that follows its header."""
    following = definition.index + 1
    if following >= len(file.chunks):
        return ""
    return innermost(file.chunks[following].container)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an excerpt is from and why it is there."""

    path_id: int
    blob_id: int
    section: str
    symbol: str
    rule: str


@dataclass(frozen=True, slots=True)
class _Piece:
    """A run of bytes of a blob, from `start` on."""

    start: int
    text: bytes


class ContextBuilder:
    """Turns what a resolver found into excerpts, best first."""

    def __init__(self, reader: Reader, modules: Modules, resolver: Resolver) -> None:
        self._reader = reader
        self._modules = modules
        self._resolver = resolver

    def candidates(
        self,
        site: Site,
        references: Sequence[ReferenceRow],
        *,
        touched: Sequence[Side],
        own: Side | None,
    ) -> list[Excerpt]:
        """Return the excerpts for the code at a site in descending value, without duplicates.

        `touched` are the chunks that the same commit changed in other files; `own` is the
        code's own place in the snapshot, if it is there, of which no byte is shown.
        """
        found: dict[tuple[object, ...], Excerpt] = {}
        for excerpt in self._ranked(site, references, touched):
            if own is not None and _overlaps(excerpt, own):
                continue
            found.setdefault((excerpt.blob_id, excerpt.ranges), excerpt)
        excerpts = sorted(found.values(), key=lambda excerpt: RULES.index(excerpt.rule))
        return _without_covered(excerpts)

    def _ranked(
        self, site: Site, references: Sequence[ReferenceRow], touched: Sequence[Side]
    ) -> Iterator[Excerpt]:
        file = self._modules.file(site.path_id)
        if file is not None:
            yield from self._imports(file, site.modules)
        for resolved in self._resolver.resolve(site, references):
            excerpt = self._excerpt(resolved)
            if excerpt is not None:
                yield excerpt
        names = {segment for r in references for segment in r.path.split("::")}
        n_unnamed = 0
        for definition in self._touched(touched):
            if definition.symbol.name in names:
                rule = "commit_named"
            elif n_unnamed < _MAX_UNNAMED:
                rule = "commit"
                n_unnamed += 1
            else:
                continue
            excerpt = self._excerpt(Resolved(definition, rule))
            if excerpt is not None:
                yield excerpt

    def _imports(self, file: File, inline: tuple[str, ...]) -> Iterator[Excerpt]:
        for index, chunk in enumerate(file.chunks):
            if chunk.kind == "imports" and modules_of(chunk.container) in (inline, ()):
                place = _Place(file.path_id, file.blob_id, "imports", "", "imports")
                yield self._whole(place, chunk, file.starts[index])

    def _touched(self, sides: Sequence[Side]) -> Iterator[Definition]:
        """Yield the first definition of each chunk that the commit changed elsewhere."""
        for side in sides:
            start = side.start
            for index, chunk in enumerate(side.chunks, side.position):
                for symbol in self._reader.symbols(chunk.id)[:1]:
                    yield Definition(side.path_id, side.blob_id, index, start, chunk, symbol)
                start += chunk.n_bytes

    def _excerpt(self, resolved: Resolved) -> Excerpt | None:
        """Give a definition the smallest form that carries it."""
        found = resolved.definition
        section = _SECTION_OF.get(found.symbol.kind)
        if section is None:
            return None
        place = _Place(found.path_id, found.blob_id, section, found.symbol.name, resolved.rule)
        if found.symbol.kind in ("fn", "method"):
            return self._cut(place, "signature", [self._signature(found.chunk, found.start)])
        if found.symbol.kind in ("trait", "impl") and found.chunk.kind.endswith("_header"):
            return self._header(place, resolved)
        return self._whole(place, found.chunk, found.start)

    def _header(self, place: _Place, resolved: Resolved) -> Excerpt:
        """Return a container's header with the signatures of its members.

        A trait shows all of them, an impl the one that the reference named.
        """
        found = resolved.definition
        pieces = [self._all_of(found.chunk, found.start)]
        chunks = self._reader.chunks(found.blob_id)
        start = found.start + found.chunk.n_bytes
        form = "header"
        for chunk in chunks[found.index + 1 :]:
            if chunk.kind.endswith("_footer"):
                pieces.append(self._all_of(chunk, start))
                break
            for symbol in self._reader.symbols(chunk.id)[:1]:
                if found.symbol.kind == "trait" or symbol.name == resolved.member:
                    pieces.append(self._signature(chunk, start))
                    form = "signatures"
            start += chunk.n_bytes
        return self._cut(place, form, pieces)

    def _signature(self, chunk: ChunkRow, start: int) -> _Piece:
        """Return the first symbol's signature with the indentation of its line."""
        symbol = self._reader.symbols(chunk.id)[0]
        text = self._reader.text(chunk.id)
        first = symbol.signature_start
        line = text.rfind(b"\n", 0, first) + 1
        first = first if text[line:first].strip() else line
        return _Piece(start + first, text[first : symbol.signature_end])

    def _all_of(self, chunk: ChunkRow, start: int) -> _Piece:
        """Return a chunk without the blank lines in front of it."""
        text = self._reader.text(chunk.id)
        match = _BLANK_LINES.match(text)
        skipped = match.end() if match else 0
        return _Piece(start + skipped, text[skipped:])

    def _whole(self, place: _Place, chunk: ChunkRow, start: int) -> Excerpt:
        return self._cut(place, "whole", [self._all_of(chunk, start)])

    @staticmethod
    def _cut(place: _Place, form: str, pieces: list[_Piece]) -> Excerpt:
        texts = [p.text if p.text.endswith(b"\n") else p.text + b"\n" for p in pieces]
        return Excerpt(
            place.section,
            place.path_id,
            place.blob_id,
            tuple((piece.start, piece.start + len(piece.text)) for piece in pieces),
            b"".join(texts).decode("utf-8"),
            place.symbol,
            place.rule,
            form,
        )


def _covers(ranges: Iterable[tuple[int, int]], one: tuple[int, int]) -> bool:
    return any(start <= one[0] and one[1] <= end for start, end in ranges)


def _overlaps(excerpt: Excerpt, own: Side) -> bool:
    """Tell whether an excerpt shows any byte of a side."""
    end = own.start + own.n_bytes
    return excerpt.blob_id == own.blob_id and any(
        first < end and own.start < last for first, last in excerpt.ranges
    )


def _without_covered(excerpts: list[Excerpt]) -> list[Excerpt]:
    """Drop each excerpt whose text another one that comes with it shows already."""
    by_blob: dict[int, list[Excerpt]] = {}
    for excerpt in excerpts:
        by_blob.setdefault(excerpt.blob_id, []).append(excerpt)
    return [
        excerpt
        for excerpt in excerpts
        if not any(
            other.ranges != excerpt.ranges
            and all(_covers(other.ranges, one) for one in excerpt.ranges)
            for other in by_blob[excerpt.blob_id]
        )
    ]
