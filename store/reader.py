"""Reading the index for export: rows as plain values, remembered while they are in use."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from sys import intern

from sqlalchemy import Connection, select

from rsidx.store import queries, schema
from rsidx.store.batches import batches
from rsidx.store.commits import CommitsReader
from rsidx.store.deltas import ChunkTexts
from rsidx.store.facts_reader import Facts, FactsReader, facts_of_record
from rsidx.store.irregular import irregularities, newest_versions
from rsidx.store.records import (
    BlobRecord,
    BlobRow,
    ChangeRow,
    ChunkRow,
    CommitRow,
    Import,
    Reference,
    Symbol,
)
from rsidx.store.varint import unpack_breaks, unpack_ids

_COMMITS_KEPT = 512
_BLOBS_KEPT = 4096
_CHUNKS_KEPT = 32_768
_ERRORS_KEPT = 64
_TEXTS_KEPT_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class _Added:
    """A chunk that is not in the index."""

    row: ChunkRow
    text: bytes
    facts: Facts
    breaks: tuple[tuple[int, int], ...]


class Reader:
    """Reads one repository's part of the index.

    Rows never change while they are in the index, so what was read once stays right. Blobs and
    paths that are not in the index can be laid over it for as long as the reader lives; their
    ids are negative.
    """

    def __init__(self, connection: Connection, repository_id: int) -> None:
        self._connection = connection
        self._repository_id = repository_id
        self._commits = CommitsReader(connection, repository_id)
        self._texts = ChunkTexts(connection, _TEXTS_KEPT_BYTES)
        self._paths: dict[int, bytes] = {}
        self._blob_chunks: dict[int, tuple[ChunkRow, ...]] = {}
        # Shared by all versions of a file.
        self._chunks: dict[int, ChunkRow] = {}
        self._added_blobs: dict[int, tuple[BlobRow, tuple[ChunkRow, ...], str | None]] = {}
        self._added_chunks: dict[int, _Added] = {}
        self._added_paths: dict[bytes, int] = {}
        self._added_rows: dict[bytes, ChunkRow] = {}
        self.changes = lru_cache(_COMMITS_KEPT)(self._changes)
        self._facts = FactsReader(connection)
        self.blob = lru_cache(_BLOBS_KEPT)(self._blob)
        self.manifest = lru_cache(_BLOBS_KEPT)(self._manifest)
        self.syntax_errors = lru_cache(_ERRORS_KEPT)(self._syntax_errors)

    def repository_name(self) -> str:
        """Return the repository's name."""
        query = select(schema.repository.c.name).where(
            schema.repository.c.id == self._repository_id
        )
        return str(self._connection.execute(query).scalar_one())

    def ref_tips(self) -> dict[bytes, bytes]:
        """Return each ref's tip as it was last indexed."""
        return queries.ref_tips(self._connection, self._repository_id)

    def commits(self) -> list[CommitRow]:
        """Return every commit in the order of history: generation, then id."""
        return self._commits.every()

    def commit(self, oid: bytes) -> CommitRow | None:
        """Return a commit, None for one that is not in the index."""
        return self._commits.get(oid)

    def irregularities(self) -> dict[bytes, list[str]]:
        """Return by commit what does not follow from git, see `rsidx.store.irregular`."""
        return irregularities(self._connection, self._repository_id)

    def extractor_versions(self) -> tuple[int, ...]:
        """Return the newest versions of the extractor that listed commits and read blobs."""
        return newest_versions(self._connection)

    def message(self, commit_id: int) -> str:
        """Return a commit's message; bytes that are not UTF-8 come out as U+FFFD."""
        query = select(schema.commit.c.message).where(schema.commit.c.id == commit_id)
        return self._texts.codec.decompress_message(self._connection.execute(query).scalar_one())

    def _changes(self, commit_id: int) -> tuple[ChangeRow, ...]:
        """Return what a commit changed, in the order of the paths."""
        c = schema.change.c
        query = select(c.kind, c.path_id, c.old_path_id, c.old_blob_id, c.new_blob_id).where(
            c.commit_id == commit_id
        )
        rows = (ChangeRow(*row) for row in self._connection.execute(query))
        return tuple(sorted(rows, key=lambda row: self.path(row.path_id)))

    def base(self, commit_id: int) -> dict[int, int] | None:
        """Return the tree (path → blob) that a commit stands on; None if it has none of its own."""
        c = schema.base.c
        query = select(c.path_id, c.blob_id).where(c.commit_id == commit_id)
        return dict(map(tuple, self._connection.execute(query))) or None

    def path(self, path_id: int) -> bytes:
        """Return a path as git has it."""
        if path_id not in self._paths:
            rows = self._connection.execute(select(schema.path.c.id, schema.path.c.path))
            self._paths.update(map(tuple, rows))
        return self._paths[path_id]

    def path_ids(self) -> dict[bytes, int]:
        """Return every path's id."""
        rows = self._connection.execute(select(schema.path.c.path, schema.path.c.id))
        return {**self._added_paths, **dict(map(tuple, rows))}

    def add(self, path: bytes, record: BlobRecord) -> tuple[int, int]:
        """Lay a version of a file over the index, with all its facts; return its ids.

        A chunk that the index has keeps its id. Must come before what is to see it: path ids are
        read once.
        """
        path_id = self.add_path(path)
        known = self._chunk_ids(one.digest for one in record.new_chunks)
        for one in record.new_chunks:
            if one.digest in self._added_rows:
                continue
            chunk_id = known.get(one.digest, -1 - len(self._added_chunks))
            n_lines = one.text.count(b"\n")
            row = ChunkRow(chunk_id, one.kind, one.container, len(one.text), n_lines)
            if chunk_id < 0:
                facts = facts_of_record(one.facts)
                self._added_chunks[chunk_id] = _Added(row, one.text, facts, one.facts.breaks)
            self._added_rows[one.digest] = row
        chunks = tuple(self._added_rows[digest] for digest in record.chunks)
        blob_id = -1 - len(self._added_blobs)
        blob = BlobRow(blob_id, record.oid, record.n_bytes, record.state)
        self._added_blobs[blob_id] = (blob, chunks, record.manifest)
        return path_id, blob_id

    def add_path(self, path: bytes) -> int:
        """Return the id of a path, which need not be in the index."""
        path_id = self.path_ids().get(path)
        if path_id is None:
            path_id = self._added_paths[path] = -1 - len(self._added_paths)
            self._paths[path_id] = path
        return path_id

    def _chunk_ids(self, digests: Iterable[bytes]) -> dict[bytes, int]:
        """Return the ids of those chunks that are in the index."""
        found: dict[bytes, int] = {}
        c = schema.chunk.c
        for part in batches(digests):
            query = select(c.digest, c.id).where(c.digest.in_(part))
            found.update(map(tuple, self._connection.execute(query)))
        return found

    def _blob(self, blob_id: int) -> BlobRow:
        if blob_id in self._added_blobs:
            return self._added_blobs[blob_id][0]
        c = schema.blob.c
        query = select(c.id, c.oid, c.n_bytes, c.state).where(c.id == blob_id)
        return BlobRow(*self._connection.execute(query).one())

    def blob_ids(self, oids: Iterable[bytes]) -> dict[bytes, int]:
        """Return the ids of those blobs that are in the index."""
        found: dict[bytes, int] = {}
        c = schema.blob.c
        for part in batches(oids):
            query = select(c.oid, c.id).where(c.oid.in_(part))
            found.update(map(tuple, self._connection.execute(query)))
        return found

    def _manifest(self, blob_id: int) -> str | None:
        """Return the facts of a Cargo.toml or .gitattributes as JSON."""
        if blob_id in self._added_blobs:
            return self._added_blobs[blob_id][2]
        c = schema.manifest.c
        return self._connection.execute(select(c.facts).where(c.blob_id == blob_id)).scalar()

    def chunks(self, blob_id: int) -> tuple[ChunkRow, ...]:
        """Return a blob's chunks in order; none for a blob that was not parsed."""
        if blob_id in self._added_blobs:
            return self._added_blobs[blob_id][1]
        found = self._blob_chunks.get(blob_id)
        if found is None:
            self.prefetch([blob_id])
            found = self._blob_chunks[blob_id]
        return found

    def _syntax_errors(self, blob_id: int) -> tuple[tuple[int, int], ...]:
        """Return the byte ranges of a blob that are no Rust, in ascending order.

        None are known of one that an older version of rsidx read.
        """
        if blob_id in self._added_blobs or self.blob(blob_id).state != "errors":
            return ()
        c = schema.syntax_errors.c
        packed = self._connection.execute(select(c.ranges).where(c.blob_id == blob_id)).scalar()
        offsets = unpack_ids(packed) if packed is not None else []
        return tuple(zip(offsets[::2], offsets[1::2], strict=True))

    def prefetch(self, blob_ids: Iterable[int]) -> None:
        """Read the chunk lists of several blobs at once."""
        wanted = [blob_id for blob_id in set(blob_ids) if blob_id not in self._blob_chunks]
        if len(self._blob_chunks) > _BLOBS_KEPT or len(self._chunks) > _CHUNKS_KEPT:
            self._blob_chunks.clear()
            self._chunks.clear()
        place, chunk = schema.blob_chunks.c, schema.chunk.c
        for part in batches(wanted):
            query = select(place.blob_id, place.chunk_ids).where(place.blob_id.in_(part))
            lists = {row[0]: unpack_ids(row[1]) for row in self._connection.execute(query)}
            named = {chunk_id for ids in lists.values() for chunk_id in ids}
            unknown = [chunk_id for chunk_id in named if chunk_id not in self._chunks]
            for some in batches(unknown):
                columns = (chunk.id, chunk.kind, chunk.container, chunk.n_bytes, chunk.n_lines)
                for row in self._connection.execute(select(*columns).where(chunk.id.in_(some))):
                    chunk_id, kind, container, *sizes = row
                    self._chunks[chunk_id] = ChunkRow(
                        chunk_id, intern(kind), intern(container), *sizes
                    )
            for blob_id in part:
                ids = lists.get(blob_id, ())
                self._blob_chunks[blob_id] = tuple(self._chunks[chunk_id] for chunk_id in ids)

    def text(self, chunk_id: int) -> bytes:
        """Return a chunk's text."""
        if chunk_id in self._added_chunks:
            return self._added_chunks[chunk_id].text
        return self._texts.get(chunk_id)

    def prefetch_texts(self, chunk_ids: Iterable[int]) -> None:
        """Read the texts of several chunks at once."""
        self._texts.read(chunk_id for chunk_id in chunk_ids if chunk_id > 0)

    def breaks(self, chunk_id: int) -> list[tuple[int, int]]:
        """Return where a chunk may be cut: (byte offset, depth)."""
        if chunk_id in self._added_chunks:
            return list(self._added_chunks[chunk_id].breaks)
        c = schema.chunk.c
        return unpack_breaks(
            self._connection.execute(select(c.breaks).where(c.id == chunk_id)).scalar()
        )

    def symbols(self, chunk_id: int) -> tuple[Symbol, ...]:
        """Return a chunk's definitions in order."""
        return self._facts_of(chunk_id).symbols

    def imports(self, chunk_id: int) -> tuple[Import, ...]:
        """Return a chunk's imports in order."""
        return self._facts_of(chunk_id).imports

    def references(self, chunk_id: int) -> tuple[Reference, ...]:
        """Return what a chunk mentions, by kind and path."""
        return self._facts_of(chunk_id).references

    def _facts_of(self, chunk_id: int) -> Facts:
        if chunk_id < 0:
            return self._added_chunks[chunk_id].facts
        return self._facts.get(chunk_id)

    def prefetch_facts(self, chunk_ids: Iterable[int]) -> None:
        """Read the facts of several chunks at once."""
        self._facts.read(chunk_id for chunk_id in chunk_ids if chunk_id > 0)

    def blob_text(self, blob_id: int) -> bytes:
        """Return a parsed blob's bytes: its chunks, concatenated."""
        return b"".join(self.text(chunk.id) for chunk in self.chunks(blob_id))
