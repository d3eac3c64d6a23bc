"""Reading the index: what sync, status and the look-ups ask of it."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Table, func, select, update

from rsidx.errors import IndexStoreError
from rsidx.store import schema
from rsidx.store.batches import batches
from rsidx.store.records import PARSED


def repository_id(connection: Connection, name: str | None) -> int | None:
    """Return the repository of a name, or the only one; None where nothing is indexed yet.

    Raises IndexStoreError where the name is unknown, or none is given and there are several.
    """
    table = schema.repository.c
    rows = connection.execute(select(table.id, table.name).order_by(table.id)).all()
    found = [row.id for row in rows if name in (row.name, None)]
    if len(found) == 1 or not rows:
        return found[0] if found else None
    known = ", ".join(row.name for row in rows)
    if name is None:
        raise IndexStoreError(f"the index has {known}; name one of them with --name")
    raise IndexStoreError(f"the index has {known}, and no {name}")


def indexed_repository(connection: Connection, name: str | None) -> int:
    """Return the repository of a name, or the only one; raises IndexStoreError for none."""
    found = repository_id(connection, name)
    if found is None:
        raise IndexStoreError("the index is empty; run `rsidx backfill` first")
    return found


def generations(connection: Connection, repository: int, oids: Iterable[bytes]) -> dict[bytes, int]:
    """Return the generation of those commits that are indexed."""
    table = schema.commit
    found: dict[bytes, int] = {}
    for part in batches(dict.fromkeys(oids)):
        query = select(table.c.oid, table.c.generation).where(
            table.c.repository_id == repository, table.c.oid.in_(part)
        )
        found.update((row.oid, row.generation) for row in connection.execute(query))
    return found


def newest_generation(connection: Connection, repository: int) -> int:
    """Return the largest generation of a repository's commits, 0 where it has none."""
    column = schema.commit.c.generation
    query = select(func.max(column)).where(schema.commit.c.repository_id == repository)
    return connection.execute(query).scalar() or 0


def ref_tips(connection: Connection, repository: int) -> dict[bytes, bytes]:
    """Return each ref's tip as it was last indexed."""
    query = select(schema.ref.c.name, schema.ref.c.tip).where(
        schema.ref.c.repository_id == repository
    )
    return {row.name: row.tip for row in connection.execute(query)}


def unsettled_commits(connection: Connection, repository: int) -> dict[bytes, str]:
    """Return the state of each commit that was not read as a whole."""
    c = schema.commit.c
    query = select(c.oid, c.state).where(c.state != "ok", c.repository_id == repository)
    return dict(map(tuple, connection.execute(query)))


@dataclass(frozen=True, slots=True)
class CommitNode:
    """A commit's place in history."""

    id: int
    oid: bytes
    parents: tuple[bytes, ...]
    committer_time: int
    generation: int
    state: str


def commit_nodes(connection: Connection, repository: int) -> Iterator[CommitNode]:
    """Yield every commit, in the order in which they were indexed."""
    table = schema.commit
    query = (
        select(
            table.c.id,
            table.c.oid,
            table.c.first_parent,
            table.c.other_parents,
            table.c.committer_time,
            table.c.generation,
            table.c.state,
        )
        .where(table.c.repository_id == repository)
        .order_by(table.c.id)
    )
    for row in connection.execute(query):
        parents = split_parents(row.first_parent, row.other_parents)
        yield CommitNode(row.id, row.oid, parents, row.committer_time, row.generation, row.state)


def split_parents(first: bytes | None, others: bytes | None) -> tuple[bytes, ...]:
    """Join a commit's two columns of parents into a tuple."""
    if first is None:
        return ()
    size = len(first)
    rest = others or b""
    return (first, *(rest[i : i + size] for i in range(0, len(rest), size)))


def set_generations(connection: Connection, changed: dict[int, int]) -> None:
    """Write corrected generations, by commit row."""
    table = schema.commit
    for commit_id, generation in changed.items():
        connection.execute(
            update(table).where(table.c.id == commit_id).values(generation=generation)
        )


def bases_with_parent(connection: Connection, repository: int) -> list[int]:
    """Return the commits that have a base tree although their first parent is indexed."""
    child, parent = schema.commit.alias(), schema.commit.alias()
    with_base = select(schema.base.c.commit_id).distinct()
    query = select(child.c.id).where(
        child.c.repository_id == repository,
        child.c.id.in_(with_base),
        parent.c.repository_id == repository,
        parent.c.oid == child.c.first_parent,
        child.c.state != "boundary",
    )
    return list(connection.execute(query).scalars())


def versions_of_commits(
    connection: Connection, commits: Set[int], min_bytes: int
) -> dict[int, bytes]:
    """Return id and object id of each Rust file version that some commits have, no smaller ones.

    A commit has what it changed, and the tree that it stands on if its parent is not indexed.
    """
    blob, change, base = schema.blob.c, schema.change.c, schema.base.c
    found: dict[int, bytes] = {}
    for commit_id, version in (
        (change.commit_id, change.new_blob_id),
        (base.commit_id, base.blob_id),
    ):
        query = select(commit_id, blob.id, blob.oid).where(
            version == blob.id, blob.state.in_(sorted(PARSED)), blob.n_bytes >= min_bytes
        )
        rows = connection.execute(query)
        found.update((blob_id, oid) for commit, blob_id, oid in rows if commit in commits)
    return found


def predecessors(connection: Connection) -> dict[bytes, bytes]:
    """Return for each blob that replaced another which one that was."""
    change, old, new = schema.change.c, schema.blob.alias(), schema.blob.alias()
    query = (
        select(new.c.oid, old.c.oid)
        .join(schema.change, change.new_blob_id == new.c.id)
        .join(old, change.old_blob_id == old.c.id)
        .order_by(change.commit_id.desc())
    )
    return dict(map(tuple, connection.execute(query)))


def chunk_ids(connection: Connection) -> list[int]:
    """Return every chunk's id in the order in which they came in."""
    return list(connection.execute(select(schema.chunk.c.id).order_by(schema.chunk.c.id)).scalars())


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is indexed."""

    n_commits: int
    n_changes: int
    n_blobs: int
    n_chunks: int
    n_places: int
    n_symbols: int
    n_imports: int
    n_references: int
    blobs_by_state: dict[str, int]
    commits_by_state: dict[str, int]
    text_bytes: int


def counts(connection: Connection) -> Counts:
    """Count the rows of the index."""

    def size(table: object) -> int:
        return connection.execute(select(func.count()).select_from(table)).scalar() or 0  # type: ignore[arg-type]

    def total(column: Column[int]) -> int:
        return connection.execute(select(func.sum(column))).scalar() or 0

    def by_state(table: Table) -> dict[str, int]:
        query = select(table.c.state, func.count()).group_by(table.c.state).order_by(table.c.state)
        return dict(map(tuple, connection.execute(query)))

    return Counts(
        n_commits=size(schema.commit),
        n_changes=size(schema.change),
        n_blobs=size(schema.blob),
        n_chunks=size(schema.chunk),
        n_places=total(schema.blob_chunks.c.n_chunks),
        n_symbols=size(schema.symbol),
        n_imports=size(schema.import_),
        n_references=total(schema.chunk_references.c.n_references),
        blobs_by_state=by_state(schema.blob),
        commits_by_state=by_state(schema.commit),
        text_bytes=total(schema.chunk.c.n_bytes),
    )


def chunks_defining(connection: Connection, name: str) -> set[int]:
    """Return the chunks with a definition of a name."""
    query = (
        select(schema.symbol.c.chunk_id)
        .join(schema.name, schema.name.c.id == schema.symbol.c.name_id)
        .where(schema.name.c.text == name)
    )
    return set(connection.execute(query).scalars())
