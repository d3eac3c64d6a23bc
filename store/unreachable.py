"""Deleting what nothing needs any more."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, delete, select

from rsidx.store import schema
from rsidx.store.batches import batches
from rsidx.store.deltas import rebase_dependents
from rsidx.store.queries import split_parents
from rsidx.store.varint import unpack_ids
from rsidx.store.writer import insert_rows


@dataclass(frozen=True, slots=True)
class Pruned:
    """How much was dropped."""

    n_commits: int
    n_blobs: int
    n_chunks: int


def prune(
    connection: Connection,
    repository_id: int,
    reached: Collection[bytes],
    refs: Mapping[bytes, bytes],
) -> Pruned:
    """Drop a repository's commits that are not reached, and all that only these needed.

    `reached` are commits of git, which has them with all their ancestors; what the index has
    before them stays, too, for git may be a shallow clone. `refs` are the refs of now: those
    whose tips stay are what the next update starts from. The caller holds the writers' lock,
    and commits.
    """
    table = schema.commit
    query = select(table.c.id, table.c.oid, table.c.first_parent, table.c.other_parents).where(
        table.c.repository_id == repository_id
    )
    rows = {row.oid: row for row in connection.execute(query)}
    kept: set[bytes] = set()
    waiting = [oid for oid in rows if oid in reached]
    while waiting:
        oid = waiting.pop()
        if oid not in kept:
            kept.add(oid)
            row = rows[oid]
            parents = split_parents(row.first_parent, row.other_parents)
            waiting += [parent for parent in parents if parent in rows]
    gone = [row.id for oid, row in rows.items() if oid not in kept]
    delete_with_facts(connection, table, gone)
    connection.execute(delete(schema.ref).where(schema.ref.c.repository_id == repository_id))
    tips = [(repository_id, name, tip) for name, tip in sorted(refs.items()) if tip in kept]
    insert_rows(connection, schema.ref, schema.ref.c.keys(), tips)
    n_blobs = _drop_unused_blobs(connection)
    n_chunks = drop_unused_chunks(connection)
    drop_unused_words(connection)
    return Pruned(len(gone), n_blobs, n_chunks)


def drop_unused_chunks(connection: Connection) -> int:
    """Drop the chunks that no blob contains, with their facts; return how many."""
    return sum(drop_unused_chunks_in_batches(connection, n_at_once=None))


def drop_unused_chunks_in_batches(
    connection: Connection, *, n_at_once: int | None
) -> Iterator[int]:
    """Drop the chunks that no blob contains, `n_at_once` in a batch; yield how many after each.

    The caller may commit after each: what is there is whole.
    """
    lists = connection.execute(select(schema.blob_chunks.c.chunk_ids)).scalars()
    used = {chunk_id for packed in lists for chunk_id in unpack_ids(packed)}
    # The highest first: a chunk goes before the one that it is a version of.
    every = connection.execute(select(schema.chunk.c.id).order_by(schema.chunk.c.id.desc()))
    unused = [chunk_id for chunk_id in every.scalars() if chunk_id not in used]
    # None of those that stay is a version of one that goes, from the first batch on.
    rebase_dependents(connection, frozenset(unused))
    for part in batches(unused, n_at_once or max(1, len(unused))):
        delete_with_facts(connection, schema.chunk, part)
        yield len(part)


def _drop_unused_blobs(connection: Connection) -> int:
    columns = (
        schema.change.c.old_blob_id,
        schema.change.c.new_blob_id,
        schema.base.c.blob_id,
    )
    unused = _unused(connection, schema.blob, *columns)
    delete_with_facts(connection, schema.blob, unused)
    return len(unused)


def drop_unused_words(connection: Connection) -> None:
    """Drop the paths and names that nothing mentions any more."""
    change, symbol, import_ = schema.change.c, schema.symbol.c, schema.import_.c
    paths = _unused(
        connection, schema.path, change.path_id, change.old_path_id, schema.base.c.path_id
    )
    delete_rows(connection, schema.path, "id", paths)
    packed = connection.execute(select(schema.chunk_references.c.name_ids)).scalars()
    mentioned = {number >> 3 for one in packed for number in unpack_ids(one)}
    columns = (
        symbol.name_id,
        symbol.trait_id,
        symbol.type_id,
        symbol.generics_id,
        import_.path_id,
        import_.alias_id,
    )
    names = _unused(connection, schema.name, *columns)
    delete_rows(connection, schema.name, "id", [one for one in names if one not in mentioned])


def _unused(connection: Connection, table: Table, *columns: Any) -> list[int]:
    """Return the rows of a table that none of the columns of others names."""
    used: set[int] = set()
    for column in columns:
        used.update(connection.execute(select(column).distinct()).scalars())
    return [one for one in connection.execute(select(table.c.id)).scalars() if one not in used]


def delete_with_facts(connection: Connection, table: Table, ids: Collection[int]) -> None:
    """Delete rows of a table by their ids, and first the rows of all tables about them."""
    delete_facts(connection, table, ids)
    delete_rows(connection, table, "id", ids)


def delete_facts(connection: Connection, table: Table, ids: Collection[int]) -> None:
    """Delete the rows of all tables that are about some rows of a table."""
    for dependent, key in schema.keyed_by(table):
        delete_rows(connection, dependent, key, ids)


def delete_rows(connection: Connection, table: Table, key: str, ids: Iterable[int]) -> None:
    """Delete the rows whose column `key` is one of the ids."""
    for part in batches(ids):
        connection.execute(delete(table).where(table.c[key].in_(part)))
