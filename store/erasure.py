"""Erasing text from an index for good, and remembering not to ingest it again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from rsidx.store import schema
from rsidx.store.batches import batches
from rsidx.store.codec import Codec, train_dictionary
from rsidx.store.deltas import StoredText, load_codec, replace_text
from rsidx.store.records import FORGOTTEN
from rsidx.store.unreachable import delete_facts, drop_unused_chunks, drop_unused_words
from rsidx.store.varint import unpack_ids
from rsidx.store.writer import insert_rows

_N_SAMPLES = 4000


@dataclass(slots=True)
class Forgotten:
    """What is never ingested: paths with all below them, and objects by id."""

    paths: set[bytes] = field(default_factory=set)
    blobs: set[bytes] = field(default_factory=set)
    commits: set[bytes] = field(default_factory=set)

    def has_path(self, path: bytes) -> bool:
        """Tell whether a path or a folder above it is forgotten."""
        if not self.paths:
            return False
        parts = path.split(b"/")
        return any(b"/".join(parts[:n]) in self.paths for n in range(1, len(parts) + 1))

    def has(self, oid: bytes, path: bytes) -> bool:
        """Tell whether a blob's text is forgotten, be it for its path."""
        return oid in self.blobs or self.has_path(path)

    def rows(self) -> Iterator[tuple[str, bytes]]:
        """Yield kind and value of each."""
        for kind in ("path", "blob", "commit"):
            for value in sorted(getattr(self, kind + "s")):
                yield kind, value


@dataclass(frozen=True, slots=True)
class Removed:
    """What `forget` took out, and how many of its chunks stay as parts of other versions."""

    n_blobs: int
    n_commits: int
    n_chunks: int
    n_chunks_elsewhere: int


def read_forgotten(connection: Connection) -> Forgotten:
    """Read what is forgotten."""
    found = Forgotten()
    for kind, value in connection.execute(select(schema.forgotten)):
        getattr(found, kind + "s").add(value)
    return found


def find(connection: Connection, repository_id: int, target: str) -> Forgotten:
    """Find what a target names: a path that a file or a folder has had, or an object's id.

    An id may be cut to 7 digits. What is forgotten already is found, too. Nothing at all is
    found where nothing has that name, or several objects do.
    """
    known = read_forgotten(connection)
    path = target.strip("/").encode("utf-8", "surrogateescape")
    wanted = Forgotten(paths={path})
    paths = connection.execute(select(schema.path.c.path)).scalars()
    if path in known.paths or any(wanted.has_path(one) for one in paths):
        return wanted
    digits = target.lower()
    if len(digits) < 7 or not set(digits) <= set("0123456789abcdef"):
        return Forgotten()
    commit = schema.commit.c
    mine = select(commit.oid).where(commit.repository_id == repository_id)
    found = Forgotten(
        blobs=_matching(connection.execute(select(schema.blob.c.oid)).scalars(), digits)
        | _matching(known.blobs, digits),
        commits=_matching(connection.execute(mine).scalars(), digits)
        | _matching(known.commits, digits),
    )
    return found if len(found.blobs) + len(found.commits) == 1 else Forgotten()


def _matching(oids: Iterable[bytes], digits: str) -> set[bytes]:
    return {oid for oid in oids if oid.hex().startswith(digits)}


def forget(connection: Connection, wanted: Forgotten) -> Removed:
    """Take out the text of what is named; ids, changes and paths stay, so that trees are whole.

    Of a commit its message goes, and every version of a file that it brought. Chunks that other
    versions contain stay. The dictionary, which has pieces of texts in it, is trained anew on
    what is left, and all texts are packed again. The caller holds the writers' lock and
    `Database.exclusive`, commits, and then vacuums.
    """
    insert_rows(
        connection,
        schema.forgotten,
        schema.forgotten.c.keys(),
        [row for row in wanted.rows() if row not in set(read_forgotten(connection).rows())],
    )
    commit_ids = _ids(connection, schema.commit, wanted.commits)
    codec = load_codec(connection)
    for commit_id in commit_ids:
        query = update(schema.commit).where(schema.commit.c.id == commit_id)
        connection.execute(query.values(message=codec.compress_message("")))
    blob_ids = sorted(set(_blobs_of(connection, wanted)))
    chunk_ids = _chunks_of(connection, blob_ids)
    delete_facts(connection, schema.blob, blob_ids)
    for blob_id in blob_ids:
        query = update(schema.blob).where(schema.blob.c.id == blob_id)
        connection.execute(query.values(state=FORGOTTEN, n_bytes=0))
    dropped = drop_unused_chunks(connection)
    drop_unused_words(connection)
    _pack_again(connection, codec)
    left = set(connection.execute(select(schema.chunk.c.id)).scalars())
    return Removed(len(blob_ids), len(commit_ids), dropped, len(chunk_ids & left))


def remember(connection: Connection, wanted: Forgotten) -> int:
    """Undo `forget` of the same targets; return how many blobs are to be read again.

    Blobs that another target still forgets stay so. Until a backfill reads them again, blobs are
    `missing` and commits `unreadable`.
    """
    table = schema.forgotten
    for kind, value in wanted.rows():
        connection.execute(delete(table).where(table.c.kind == kind, table.c.value == value))
    still = set(_blobs_of(connection, read_forgotten(connection)))
    blob_ids = sorted(set(_blobs_of(connection, wanted)) - still)
    for blob_id in blob_ids:
        query = update(schema.blob).where(
            schema.blob.c.id == blob_id, schema.blob.c.state == FORGOTTEN
        )
        connection.execute(query.values(state="missing"))
    for commit_id in _ids(connection, schema.commit, wanted.commits):
        query = update(schema.commit).where(schema.commit.c.id == commit_id)
        connection.execute(query.values(state="unreadable"))
    return len(blob_ids)


def _blobs_of(connection: Connection, wanted: Forgotten) -> Iterator[int]:
    """Yield the blobs that are named, that commits brought, and that paths have had."""
    yield from _ids(connection, schema.blob, wanted.blobs)
    change, base = schema.change.c, schema.base.c
    for commit_id in _ids(connection, schema.commit, wanted.commits):
        query = select(change.new_blob_id).where(
            change.commit_id == commit_id, change.new_blob_id.is_not(None)
        )
        yield from connection.execute(query).scalars()
    if wanted.paths:
        rows = connection.execute(select(schema.path.c.id, schema.path.c.path))
        ids = {row.id for row in rows if wanted.has_path(row.path)}
        # Of a rename, the old blob is the old path's.
        old_path = func.coalesce(change.old_path_id, change.path_id)
        for path_id, blob_id in (
            (change.path_id, change.new_blob_id),
            (old_path, change.old_blob_id),
            (base.path_id, base.blob_id),
        ):
            for path, blob in connection.execute(select(path_id, blob_id)):
                if blob is not None and path in ids:
                    yield blob


def _ids(connection: Connection, table: Any, oids: Iterable[bytes]) -> list[int]:
    return [
        found
        for oid in sorted(oids)
        for found in connection.execute(select(table.c.id).where(table.c.oid == oid)).scalars()
    ]


def _chunks_of(connection: Connection, blob_ids: list[int]) -> set[int]:
    wanted = set(blob_ids)
    rows = connection.execute(select(schema.blob_chunks.c.blob_id, schema.blob_chunks.c.chunk_ids))
    return {one for row in rows if row.blob_id in wanted for one in unpack_ids(row.chunk_ids)}


def _pack_again(connection: Connection, codec: Codec) -> None:
    """Pack all texts with a dictionary that is trained on them alone.

    What is packed as a version of another text has nothing of the dictionary.
    """
    if codec.dictionary_id is None:
        return
    table = schema.chunk
    whole = select(table.c.id).where(table.c.base_id.is_(None)).order_by(table.c.id)
    ids = list(connection.execute(whole).scalars())
    step = max(1, len(ids) // _N_SAMPLES)
    samples = [text for _, text in _texts(connection, codec, ids[::step])]
    content = train_dictionary(samples)
    new = Codec({codec.dictionary_id + 1: content} if content is not None else {})
    if new.dictionary_id is not None:
        rows = [(new.dictionary_id, content)]
        insert_rows(connection, schema.dictionary, ("id", "content"), rows)
    for chunk_id, text in _texts(connection, codec, ids):
        replace_text(connection, chunk_id, StoredText(None, new.dictionary_id, new.compress(text)))
    old = schema.dictionary.c.id
    connection.execute(delete(schema.dictionary).where(old != (new.dictionary_id or 0)))


def _texts(connection: Connection, codec: Codec, ids: list[int]) -> Iterator[tuple[int, bytes]]:
    c = schema.chunk.c
    for part in batches(ids):
        query = select(c.id, c.text, c.dictionary_id).where(c.id.in_(part)).order_by(c.id)
        for row in connection.execute(query).all():
            yield row.id, codec.decompress(row.text, row.dictionary_id)
