"""A logical dump: what the index says, without ids, order of arrival or compression.

Two indexes of the same history have the same dump, however they came to be.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from rsidx.store import schema
from rsidx.store.deltas import ChunkTexts
from rsidx.store.records import REFERENCE_KINDS
from rsidx.store.varint import unpack_ids

_KEPT_BYTES = 64_000_000


def dump(connection: Connection) -> Iterator[str]:
    """Yield the lines of the dump in a fixed order."""
    texts = ChunkTexts(connection, _KEPT_BYTES)
    names = _column(connection, schema.name, "text")
    paths = _column(connection, schema.path, "path")
    blobs = _column(connection, schema.blob, "oid")
    chunks = _column(connection, schema.chunk, "digest")
    commits = _column(connection, schema.commit, "oid")
    keys = {
        "name_id": names,
        "trait_id": names,
        "type_id": names,
        "generics_id": names,
        "path_id": paths,
        "old_path_id": paths,
        "blob_id": blobs,
        "old_blob_id": blobs,
        "new_blob_id": blobs,
        "chunk_id": chunks,
        "commit_id": commits,
    }
    for table in schema.metadata.sorted_tables:
        # Where a clone is says nothing of its history.
        if table.name in ("name", "path", "dictionary", "clone"):
            continue
        if table.name == "blob_chunks":
            yield from _places(connection, blobs, chunks)
            continue
        if table.name == "chunk_references":
            yield from _references(connection, names, chunks)
            continue
        local = {**keys, "path_id": names, "alias_id": names} if table.name == "import" else keys
        yield from sorted(
            f"{table.name} {_row(row._mapping, local, texts)}"
            for row in connection.execute(select(table))
        )


def _places(
    connection: Connection, blobs: dict[int, bytes], chunks: dict[int, bytes]
) -> Iterator[str]:
    lists = {
        blobs[row.blob_id]: [chunks[chunk_id] for chunk_id in unpack_ids(row.chunk_ids)]
        for row in connection.execute(select(schema.blob_chunks))
    }
    for oid in sorted(lists):
        yield f"blob_chunks {oid!r} {lists[oid]}"


def _references(
    connection: Connection, names: dict[int, str], chunks: dict[int, bytes]
) -> Iterator[str]:
    lists = {
        chunks[row.chunk_id]: sorted(
            (REFERENCE_KINDS[number & 7], names[number >> 3]) for number in unpack_ids(row.name_ids)
        )
        for row in connection.execute(select(schema.chunk_references))
    }
    for digest in sorted(lists):
        yield f"chunk_references {digest!r} {lists[digest]}"


def _column(connection: Connection, table: Any, column: str) -> dict[int, Any]:
    return dict(map(tuple, connection.execute(select(table.c.id, table.c[column]))))


def _row(row: Any, keys: dict[str, dict[int, Any]], texts: ChunkTexts) -> dict[str, Any]:
    shown = {}
    for name, value in row.items():
        if name in ("id", "repository_id", "base_id", "dictionary_id"):
            continue
        shown[name] = keys[name][value] if name in keys and value is not None else value
        if name == "text":
            shown[name] = texts.get(row["id"])
    return shown
