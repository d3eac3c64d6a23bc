"""What one version of a file defines and imports, by module and name: a function of its blob."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

from rsidx.store.reader import Reader
from rsidx.store.records import (
    CONTAINER_SEPARATOR,
    TEST_MARK,
    ChunkRow,
    Import,
    Symbol,
    innermost,
)

TYPE, VALUE, MACRO = "type", "value", "macro"
"""The namespaces."""

_NAMESPACE = {
    "struct": TYPE,
    "enum": TYPE,
    "union": TYPE,
    "trait": TYPE,
    "type": TYPE,
    "fn": VALUE,
    "const": VALUE,
    "static": VALUE,
    "macro": MACRO,
}


@dataclass(frozen=True, slots=True)
class Definition:
    """A symbol where it stands: the `index`-th chunk of a blob, from byte `start` on."""

    path_id: int
    blob_id: int
    index: int
    start: int
    chunk: ChunkRow
    symbol: Symbol

    @property
    def range(self) -> tuple[int, int]:
        """The bytes of the blob that it is."""
        return self.start + self.symbol.start, self.start + self.symbol.end


@dataclass(slots=True)
class ModuleNames:
    """The names that one module of a file declares, and its imports."""

    items: dict[str, dict[str, list[Definition]]] = field(
        default_factory=lambda: {TYPE: {}, VALUE: {}, MACRO: {}}
    )
    modules: dict[str, list[Definition]] = field(default_factory=dict)
    imports: dict[str, list[Import]] = field(default_factory=dict)
    globs: list[Import] = field(default_factory=list)

    def every_import(self) -> Iterator[Import]:
        """Yield the module's imports, globs last."""
        for items in self.imports.values():
            yield from items
        yield from self.globs

    def add_import(self, item: Import) -> None:
        """Take in one leaf of a `use`."""
        if item.path.endswith("*"):
            self.globs.append(item)
        else:
            self.imports.setdefault(item.alias, []).append(item)


@cache
def modules_of(container: str) -> tuple[str, ...]:
    """Return the inline modules among a container's parts, outermost first."""
    parts = (part.removesuffix(TEST_MARK) for part in container.split(CONTAINER_SEPARATOR))
    return tuple(part.removeprefix("mod ") for part in parts if part.startswith("mod "))


@cache
def _is_member_of_type(container: str) -> bool:
    parts = container.split(CONTAINER_SEPARATOR)
    return any(part.startswith(("impl ", "trait ")) for part in parts)


class File:
    """A parsed file: its modules' scopes, and the members of its types, traits and impls.

    Members are kept by the index of the chunk that their owner is, or begins with; `owner` is
    the other way round, for headers and members alike.
    """

    def __init__(self, reader: Reader, path_id: int, blob_id: int) -> None:
        self.path_id = path_id
        self.blob_id = blob_id
        self.chunks = reader.chunks(blob_id)
        self.starts: list[int] = []
        self.scopes: dict[tuple[str, ...], ModuleNames] = {(): ModuleNames()}
        self.impls: dict[str, list[Definition]] = {}
        self.members: dict[int, dict[str, list[Definition]]] = {}
        self.variants: dict[int, dict[str, Definition]] = {}
        self.fields: dict[tuple[int, str], dict[str, Definition]] = {}
        self.headers: dict[str, list[Definition]] = {}
        self.owner: dict[int, int] = {}
        self.macros: dict[str, list[Definition]] = {}
        self._closings: dict[int, int] = {}
        reader.prefetch_facts(chunk.id for chunk in self.chunks)
        self._read(reader)

    def _read(self, reader: Reader) -> None:
        start = 0
        owners: list[int | None] = []
        opened: list[int] = []
        for index, chunk in enumerate(self.chunks):
            self.starts.append(start)
            owner = owners[-1] if owners else None
            definition: Definition | None = None
            for position, symbol in enumerate(reader.symbols(chunk.id)):
                found = Definition(self.path_id, self.blob_id, index, start, chunk, symbol)
                definition = definition or found
                if owner is not None:
                    self.owner[index] = owner
                self._add(found, owner, position)
            if chunk.kind == "imports":
                scope = self.scopes.setdefault(modules_of(chunk.container), ModuleNames())
                for item in reader.imports(chunk.id):
                    scope.add_import(item)
            if chunk.kind.endswith("_header"):
                is_owner = chunk.kind in ("impl_header", "trait_header")
                owners.append(index if is_owner else owner)
                opened.append(index)
                if is_owner and definition is not None:
                    self._add_header(definition, index)
                    self.owner[index] = index
            elif chunk.kind.endswith("_footer") and owners:
                owners.pop()
                self._closings[opened.pop()] = index
            start += chunk.n_bytes

    def _add_header(self, header: Definition, index: int) -> None:
        if index + 1 < len(self.chunks):
            label = self.chunks[index + 1].container
            self.headers.setdefault(label, []).append(header)

    def _add(self, found: Definition, owner: int | None, position: int) -> None:
        symbol = found.symbol
        if symbol.kind == "variant":
            self.variants.setdefault(found.index, {}).setdefault(symbol.name, found)
        elif symbol.kind == "field":
            inside = innermost(symbol.container) if found.index in self.variants else ""
            self.fields.setdefault((found.index, inside), {}).setdefault(symbol.name, found)
        elif symbol.kind == "impl":
            self.impls.setdefault(symbol.name, []).append(found)
        elif owner is not None and _is_member_of_type(symbol.container):
            self.members.setdefault(owner, {}).setdefault(symbol.name, []).append(found)
        elif position == 0 or symbol.kind != "type":
            self._add_item(found)

    def _add_item(self, found: Definition) -> None:
        symbol = found.symbol
        scope = self.scopes.setdefault(modules_of(symbol.container), ModuleNames())
        if symbol.kind == "mod":
            scope.modules.setdefault(symbol.name, []).append(found)
            return
        namespace = _NAMESPACE.get(symbol.kind)
        if namespace is not None:
            scope.items[namespace].setdefault(symbol.name, []).append(found)
            if namespace == MACRO:
                self.macros.setdefault(symbol.name, []).append(found)

    def closing(self, header: int) -> int:
        """Return the chunk that closes a container, 0 where there is none."""
        return self._closings.get(header, 0)

    def extent(self, header: int) -> range:
        """Return a container's chunks with its header and footer.

        One that a syntax error left open reaches to the end of the file.
        """
        return range(header, self._closings.get(header, len(self.chunks) - 1) + 1)

    def members_of(self, header: int) -> Iterable[list[Definition]]:
        """Return a container's members, those of a name together."""
        return self.members.get(header, {}).values()

    def named(self, name: str) -> Iterator[Definition]:
        """Yield the items and members that have a name."""
        for scope in self.scopes.values():
            for space in scope.items.values():
                yield from space.get(name, ())
        for members in self.members.values():
            yield from members.get(name, ())

    def renamed(self, name: str) -> list[str]:
        """Return the names under which the file imports what is called `name` elsewhere."""
        return [
            item.alias
            for scope in self.scopes.values()
            for items in scope.imports.values()
            for item in items
            if item.alias not in (name, "_") and item.path.rpartition("::")[2] == name
        ]

    def is_constructor(self, struct: Definition) -> bool:
        """Tell whether a struct's name is a value, too: a tuple or unit struct."""
        fields = self.fields.get((struct.index, ""), {})
        return struct.symbol.kind == "struct" and (not fields or "0" in fields)

    def declared_modules(self) -> Iterator[tuple[tuple[str, ...], Definition]]:
        """Yield each module declaration with the inline modules around it."""
        for inline, scope in self.scopes.items():
            for declarations in scope.modules.values():
                for declaration in declarations:
                    yield inline, declaration


def definition_at(reader: Reader, file: File, index: int) -> Definition:
    """Return the first symbol of a chunk; raises IndexError where it has none."""
    chunk = file.chunks[index]
    symbol = reader.symbols(chunk.id)[0]
    return Definition(file.path_id, file.blob_id, index, file.starts[index], chunk, symbol)


def is_inline(module: Definition) -> bool:
    """Tell a module with a body from one whose body is another file."""
    return module.symbol.signature_end < module.symbol.end


def module_signature(file: File) -> frozenset[tuple[object, ...]]:
    """Return what the module tree depends on in a file."""
    return frozenset(
        (inline, d.symbol.name, is_inline(d), d.symbol.type, d.symbol.cfg)
        for inline, d in file.declared_modules()
    )
