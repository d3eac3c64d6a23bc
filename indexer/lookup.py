"""Looking a name up in the code as it is at a commit."""

from dataclasses import dataclass

from rsidx.indexer import history
from rsidx.indexer.git import Repository
from rsidx.store import queries
from rsidx.store.database import Database
from rsidx.store.reader import Reader


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
    repository: Repository, database: Database, name: str, *, revision: str
) -> tuple[list[Location], int]:
    """Return a name's definitions in a commit's tree, and how many of its files are not indexed.

    `name` may be qualified by a container, as in `Walk::next`: then only members of an impl or
    trait of that name, or variants of that enum, are found.
    """
    commit = history.resolve(repository, revision)
    tree = history.list_tree(repository, bytes.fromhex(commit))
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
        found = []
        for symbol in queries.symbols_named(connection, last, paths):
            if qualifier and not _is_member(symbol.container, qualifier.rsplit("::", 1)[-1]):
                continue
            chunks = reader.chunks(symbol.blob_id)
            text = reader.text(symbol.chunk_id)
            lines = sum(chunk.n_lines for chunk in chunks[: symbol.position])
            line = 1 + lines + text.count(b"\n", 0, symbol.signature_start)
            signature = text[symbol.signature_start : symbol.signature_end].decode("utf-8")
            for path in paths[symbol.blob_id]:
                found.append(
                    Location(
                        path.decode("utf-8", "replace"),
                        line,
                        symbol.kind,
                        symbol.name,
                        symbol.container,
                        symbol.visibility,
                        symbol.is_test,
                        " ".join(signature.split()),
                    )
                )
    missing = sum(oid not in ids for _, oid in tree)
    return sorted(found, key=lambda at: (at.kind == "impl", at.path, at.line)), missing


def _is_member(container: str, qualifier: str) -> bool:
    words = container.rsplit(" / ", 1)[-1].split()
    return any(word.split("<")[0].rsplit("::", 1)[-1] == qualifier for word in words)
