"""Looking a name up in the code as it is at a commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rsidx.store import queries
from rsidx.store.database import Database
from rsidx.store.reader import Reader
from rsidx.store.records import BlobRecord, Symbol, is_qualified_by

Tree = Mapping[bytes, bytes]
"""The blob of each path."""
Overlay = Sequence[tuple[bytes, BlobRecord | None]]
"""Files on disk that differ from a tree; None for one that is gone."""


@dataclass(frozen=True, slots=True)
class Location:
    """A definition: where it stands and what it looks like; `line` counts from 1."""

    path: str
    line: int
    kind: str
    name: str
    container: str
    visibility: str
    is_test: bool
    signature: str


def locate(
    database: Database, repository: str, name: str, tree: Tree, overlay: Overlay = ()
) -> list[Location]:
    """Return the definitions of a name in a tree (path → blob) of a repository.

    `name` may be qualified by a container, as in `Walk::next`: then only members of an impl or
    trait of that name, or variants of that enum, are found. What is in the overlay stands in the
    place of the tree's.
    """
    qualifier, _, last = name.rpartition("::")
    files = _without(tree, overlay)
    with database.reading() as connection:
        repository_id = queries.repository_id(connection, repository)
        if repository_id is None:
            return []
        reader = Reader(connection, repository_id)
        ids = reader.blob_ids(set(files.values()))
        paths: dict[int, list[bytes]] = {}
        for path, oid in files.items():
            if oid in ids:
                paths.setdefault(ids[oid], []).append(path)
        defining = queries.chunks_defining(connection, last)
        reader.prefetch(paths)
        fresh = set()
        for path, record in overlay:
            if record is not None:
                _, blob_id = reader.add(path, record)
                fresh.add(blob_id)
                paths.setdefault(blob_id, []).append(path)
        found = []
        for blob_id, at in paths.items():
            line = 1
            for chunk in reader.chunks(blob_id):
                if blob_id in fresh or chunk.id in defining:
                    text = reader.text(chunk.id)
                    for symbol in reader.symbols(chunk.id):
                        if symbol.name == last and is_qualified_by(symbol.container, qualifier):
                            found += [_location(path, line, text, symbol) for path in at]
                line += chunk.n_lines
    return sorted(found, key=lambda at: (at.kind == "impl", at.path, at.line))


def count_missing(database: Database, repository: str, tree: Tree, overlay: Overlay = ()) -> int:
    """Return how many files of a tree are not indexed; those of the overlay need not be."""
    oids = list(_without(tree, overlay).values())
    with database.reading() as connection:
        repository_id = queries.repository_id(connection, repository)
        if repository_id is None:
            return len(oids)
        known = Reader(connection, repository_id).blob_ids(set(oids))
    return sum(oid not in known for oid in oids)


def _without(tree: Tree, overlay: Overlay) -> dict[bytes, bytes]:
    laid = {path for path, _ in overlay}
    return {path: oid for path, oid in tree.items() if path not in laid}


def _location(path: bytes, chunk_line: int, text: bytes, symbol: Symbol) -> Location:
    signature = text[symbol.signature_start : symbol.signature_end].decode("utf-8")
    return Location(
        path.decode("utf-8", "replace"),
        chunk_line + text.count(b"\n", 0, symbol.signature_start),
        symbol.kind,
        symbol.name,
        symbol.container,
        symbol.visibility,
        symbol.is_test,
        " ".join(signature.split()),
    )
