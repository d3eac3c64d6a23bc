"""Looking a name up in the code as it is at a commit."""

from collections.abc import Sequence
from dataclasses import dataclass

from rsidx.indexer.git import history
from rsidx.indexer.git.repository import Repository
from rsidx.store import queries
from rsidx.store.database import Database
from rsidx.store.reader import Reader
from rsidx.store.records import BlobRecord, Symbol, is_qualified_by

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
    repository: Repository,
    database: Database,
    name: str,
    *,
    commit: bytes,
    overlay: Overlay = (),
) -> tuple[list[Location], int]:
    """Return a name's definitions in a commit's tree, and how many of its files are not indexed.

    `name` may be qualified by a container, as in `Walk::next`: then only members of an impl or
    trait of that name, or variants of that enum, are found. What is in the overlay stands in the
    place of the tree's.
    """
    laid = {path for path, _ in overlay}
    listed = history.list_tree(repository, commit)
    tree = [(path, oid) for path, oid in listed if path not in laid]
    qualifier, _, last = name.rpartition("::")
    with database.reading() as connection:
        repository_id = queries.repository_id(connection, repository.name)
        if repository_id is None:
            return [], len(tree)
        reader = Reader(connection, repository_id)
        ids = reader.blob_ids({oid for _, oid in tree})
        paths: dict[int, list[bytes]] = {}
        for path, oid in tree:
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
    missing = sum(oid not in ids for _, oid in tree)
    return sorted(found, key=lambda at: (at.kind == "impl", at.path, at.line)), missing


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
