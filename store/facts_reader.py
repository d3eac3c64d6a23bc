"""Facts of chunks: what they define, import and mention."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Any

from sqlalchemy import Connection, Table, select

from rsidx.store import schema
from rsidx.store.batches import batches
from rsidx.store.records import REFERENCE_KINDS, ChunkFacts, Import, Reference, Symbol
from rsidx.store.varint import unpack_ids

_CHUNKS_KEPT = 32_768
_REFERENCES_KEPT = 32_768
_NAMES_KEPT = 65_536


@dataclass(frozen=True, slots=True)
class Facts:
    """What a chunk says, each in order."""

    symbols: tuple[Symbol, ...]
    imports: tuple[Import, ...]
    references: tuple[Reference, ...]


_NAMES = frozenset({"name", "trait", "type", "generics", "path", "alias"})
"""Fields that the tables hold as ids of names."""


def _columns(table: Table, record: type[Symbol] | type[Import]) -> tuple[Any, ...]:
    """Return the columns of a record's fields, in order, behind the id of its chunk."""
    keys = (f"{key}_id" if key in _NAMES else key for key in record._fields)
    return table.c.chunk_id, *(table.c[key] for key in keys)


_SYMBOL_COLUMNS = _columns(schema.symbol, Symbol)
_IMPORT_COLUMNS = _columns(schema.import_, Import)
_SYMBOL_NAMES, _IMPORT_NAMES = (
    tuple(at for at, key in enumerate(record._fields, 1) if key in _NAMES)
    for record in (Symbol, Import)
)
"""Places of the columns that are ids of names."""


class FactsReader:
    """Reads the facts of chunks, and remembers those of many."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._names: dict[int, str] = {}
        self._known: dict[int, Facts] = {}
        self._references: dict[int, Reference] = {}

    def get(self, chunk_id: int) -> Facts:
        """Return a chunk's facts."""
        found = self._known.get(chunk_id)
        if found is None:
            self.read([chunk_id])
            found = self._known[chunk_id]
        return found

    def read(self, chunk_ids: Iterable[int]) -> None:
        """Read the facts of several chunks at once."""
        wanted = [chunk_id for chunk_id in set(chunk_ids) if chunk_id not in self._known]
        if len(self._known) > _CHUNKS_KEPT:
            self._known.clear()
        for part in batches(wanted):
            symbol_rows = self._facts_of(_SYMBOL_COLUMNS, part)
            import_rows = self._facts_of(_IMPORT_COLUMNS, part)
            c = schema.chunk_references.c
            query = select(c.chunk_id, c.name_ids).where(c.chunk_id.in_(part))
            numbers = {row[0]: unpack_ids(row[1]) for row in self._connection.execute(query)}
            self._read_names(symbol_rows, import_rows, numbers.values())
            symbols: dict[int, list[Symbol]] = {chunk_id: [] for chunk_id in part}
            imports: dict[int, list[Import]] = {chunk_id: [] for chunk_id in part}
            for row in symbol_rows:
                symbols[row[0]].append(self._symbol(row))
            for chunk_id, path_id, alias_id, *row in import_rows:
                found = Import(self._name(path_id), self._name(alias_id), *row)
                imports[chunk_id].append(found)
            for chunk_id in part:
                references = [self._reference(number) for number in numbers.get(chunk_id, ())]
                references.sort()
                self._known[chunk_id] = Facts(
                    tuple(symbols[chunk_id]), tuple(imports[chunk_id]), tuple(references)
                )

    def _read_names(
        self, symbols: Iterable[Any], imports: Iterable[Any], references: Iterable[list[int]]
    ) -> None:
        """Read the names of rows, and of packed references, that are not known."""
        if len(self._names) > _NAMES_KEPT:
            self._names.clear()
        if len(self._references) > _REFERENCES_KEPT:
            self._references.clear()
        wanted = {row[at] for row in symbols for at in _SYMBOL_NAMES}
        wanted |= {row[at] for row in imports for at in _IMPORT_NAMES}
        every = {number for numbers in references for number in numbers}
        wanted |= {number >> 3 for number in every if number not in self._references}
        c = schema.name.c
        for part in batches(n for n in wanted if n is not None and n not in self._names):
            rows = self._connection.execute(select(c.id, c.text).where(c.id.in_(part)))
            self._names.update(map(tuple, rows))

    def _symbol(self, row: Any) -> Symbol:
        """Return a row of `_SYMBOL_COLUMNS`; the few distinct texts of a column are kept once."""
        _, kind, name_id, container, visibility, is_test, cfg, *numbers, trait, type_, own = row
        start, end, signature_start, signature_end = numbers
        return Symbol(
            intern(kind),
            self._name(name_id),
            intern(container),
            intern(visibility),
            is_test,
            intern(cfg),
            start,
            end,
            signature_start,
            signature_end,
            self._name(trait),
            self._name(type_),
            self._name(own),
        )

    def _reference(self, number: int) -> Reference:
        """Return the reference of a packed number, the same one for all that mention it."""
        found = self._references.get(number)
        if found is None:
            found = Reference(REFERENCE_KINDS[number & 7], self._name(number >> 3))
            self._references[number] = found
        return found

    def _facts_of(self, columns: tuple[Any, ...], part: list[int]) -> Sequence[Any]:
        chunk_id = columns[0]
        order = chunk_id.table.c.position
        query = select(*columns).where(chunk_id.in_(part)).order_by(chunk_id, order)
        return self._connection.execute(query).all()

    def _name(self, name_id: int | None) -> str:
        return "" if name_id is None else self._names[name_id]


def facts_of_record(facts: ChunkFacts) -> Facts:
    """Return the facts of a chunk that is not in the index."""
    return Facts(facts.symbols, facts.imports, tuple(sorted(facts.references)))
