"""Writing commits, changes and blobs' facts: the only module that inserts them.

Ids are given out here and not by the database, so that rows go in as plain tuples: ten times
the rate of asking for each id. That needs the writers' lock, which `Database.writing` holds.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from rsidx.store import schema
from rsidx.store.batches import batches
from rsidx.store.codec import train_dictionary
from rsidx.store.delta_bases import DeltaBases
from rsidx.store.records import (
    ABSENT,
    REFERENCE_KINDS,
    TOO_LARGE,
    BlobRecord,
    ChunkFacts,
    ChunkRecord,
    CommitRecord,
)
from rsidx.store.varint import pack_breaks, pack_ids

_N_DICTIONARY_SAMPLES = 4000
_IDS_KEPT = 30_000


def insert_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: list[tuple[Any, ...]]
) -> None:
    """Insert tuples, by the driver's own executemany where it takes positions."""
    if not rows:
        return
    if connection.dialect.paramstyle == "qmark":
        names = ", ".join(f'"{column}"' for column in columns)
        marks = ", ".join("?" * len(columns))
        connection.exec_driver_sql(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', rows)
    else:
        connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in rows])


class _Ids:
    """Ids of rows by a unique column; remembers what it has seen, or so many of it.

    Valid only while the writers' lock is held: nobody else may insert. Of what only so many are
    kept, those are known that `look_up` was asked for last.
    """

    def __init__(
        self, connection: Connection, table: Table, key: str, n_kept: int | None = None
    ) -> None:
        self._connection = connection
        self._table = table
        self._key: Column[Any] = table.c[key]
        self._known: dict[Any, int] = {}
        self._older: dict[Any, int] = {}
        self._n_kept = n_kept
        highest = connection.execute(select(func.max(table.c.id))).scalar()
        self._next = (highest or 0) + 1

    def look_up(self, values: Iterable[Any]) -> None:
        """Make the ids of those values known that have a row."""
        if self._n_kept is not None and len(self._known) > self._n_kept:
            self._older, self._known = self._known, {}
        unknown = [value for value in dict.fromkeys(values) if value not in self._known]
        if self._older:
            again = {value: self._older[value] for value in unknown if value in self._older}
            self._known.update(again)
            unknown = [value for value in unknown if value not in again]
        for part in batches(unknown):
            query = select(self._key, self._table.c.id).where(self._key.in_(part))
            self._known.update(map(tuple, self._connection.execute(query)))

    def get(self, value: Any) -> int | None:
        """Return a known id."""
        return self._known.get(value)

    def known(self, value: Any) -> int:
        """Return an id that must be known; raises KeyError otherwise."""
        return self._known[value]

    def new(self, value: Any) -> int:
        """Give out an id for a value that has none; the caller inserts its row."""
        given = self._known[value] = self._next
        self._next += 1
        return given

    def all_of(self, values: Iterable[Any]) -> dict[Any, int]:
        """Return the ids of all values, inserting rows of (id, value) for the new ones."""
        distinct = list(dict.fromkeys(values))
        self.look_up(distinct)
        rows = [(self.new(value), value) for value in distinct if value not in self._known]
        insert_rows(self._connection, self._table, ("id", self._key.name), rows)
        return {value: self._known[value] for value in distinct}


class Writer:
    """Writes into one repository's part of the index, on a connection under the lock.

    A batch of commits with all their blobs is one transaction; the caller commits. After a
    rollback the writer must be thrown away: it has given out ids that are not there.
    """

    def __init__(self, connection: Connection, repository_id: int) -> None:
        self._connection = connection
        self._repository_id = repository_id
        self._names = _Ids(connection, schema.name, "text", _IDS_KEPT)
        self._paths = _Ids(connection, schema.path, "path")
        self._blobs = _Ids(connection, schema.blob, "oid")
        self._chunks = _Ids(connection, schema.chunk, "digest", _IDS_KEPT)
        highest = connection.execute(select(func.max(schema.commit.c.id))).scalar()
        self._next_commit = (highest or 0) + 1
        self._delta_bases = DeltaBases(connection)
        self._codec = self._delta_bases.texts.codec

    def unknown_blobs(self, oids: Iterable[bytes]) -> list[bytes]:
        """Return those of the blobs that the index has no facts of, in their order."""
        distinct = list(dict.fromkeys(oids))
        self._blobs.look_up(distinct)
        return [oid for oid in distinct if self._blobs.get(oid) is None]

    def absent_blobs(self) -> list[bytes]:
        """Return the blobs that git did not have."""
        c = schema.blob.c
        return self._blobs_where(c.state.in_(ABSENT))

    def unread_blobs(self, max_bytes: int) -> list[bytes]:
        """Return the blobs that git did not have, and those that were over a smaller limit."""
        c = schema.blob.c
        fits = (c.state == TOO_LARGE) & (c.n_bytes <= max_bytes)
        return self._blobs_where(c.state.in_(ABSENT) | fits)

    def _blobs_where(self, condition: ColumnElement[bool]) -> list[bytes]:
        c = schema.blob.c
        query = select(c.oid).where(condition).order_by(c.id)
        return list(self._connection.execute(query).scalars())

    def rewrite_blobs(self, blobs: Sequence[BlobRecord]) -> None:
        """Replace the facts of blobs that are there; chunks that are left over stay."""
        self._blobs.look_up(blob.oid for blob in blobs)
        self._blobs.look_up(blob.before for blob in blobs if blob.before is not None)
        ids = [self._blobs.get(blob.oid) for blob in blobs]
        for table, key in schema.keyed_by(schema.blob):
            self._connection.execute(delete(table).where(table.c[key].in_(ids)))
        for blob in blobs:
            values = {"state": blob.state, "extractor_version": blob.extractor_version}
            query = update(schema.blob).where(schema.blob.c.oid == blob.oid)
            self._connection.execute(query.values(n_bytes=blob.n_bytes, **values))
        self._write_facts(blobs)

    def write_blobs(self, blobs: Sequence[BlobRecord]) -> None:
        """Insert blobs, which must be new, with those of their chunks that are new."""
        rows = [
            (self._blobs.new(b.oid), b.oid, b.n_bytes, b.state, b.extractor_version) for b in blobs
        ]
        columns = ("id", "oid", "n_bytes", "state", "extractor_version")
        self._insert(schema.blob, columns, rows)
        self._write_facts(blobs)

    def _write_facts(self, blobs: Sequence[BlobRecord]) -> None:
        digests = [record.digest for blob in blobs for record in blob.new_chunks]
        digests += [digest for blob in blobs for digest in blob.chunks]
        self._chunks.look_up(digests)
        fresh: dict[bytes, ChunkRecord] = {}
        for blob in blobs:
            for record in blob.new_chunks:
                if self._chunks.get(record.digest) is None:
                    fresh.setdefault(record.digest, record)
        new = {self._chunks.new(digest): record for digest, record in fresh.items()}
        lists: list[tuple[int, int | None, list[int]]] = []
        manifest_rows = []
        error_rows = []
        for blob in blobs:
            blob_id = self._blobs.known(blob.oid)
            if blob.chunks:
                before = self._blobs.get(blob.before) if blob.before is not None else None
                lists.append((blob_id, before, [self._chunks.known(d) for d in blob.chunks]))
            if blob.manifest is not None:
                manifest_rows.append((blob_id, blob.manifest))
            if blob.errors:
                offsets = (offset for error in blob.errors for offset in error)
                error_rows.append((blob_id, pack_ids(offsets)))
        self._write_chunks(new, self._delta_bases.find(lists, new))
        list_rows = [(blob_id, len(ids), pack_ids(ids)) for blob_id, _, ids in lists]
        self._insert(schema.blob_chunks, schema.blob_chunks.c.keys(), list_rows)
        self._insert(schema.manifest, ("blob_id", "facts"), manifest_rows)
        self._insert(schema.syntax_errors, ("blob_id", "ranges"), error_rows)

    def _insert(self, table: Table, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
        insert_rows(self._connection, table, columns, rows)

    def _write_chunks(self, new: dict[int, ChunkRecord], bases: dict[int, int]) -> None:
        """Insert chunks by their ids; `find` are those that some of them are versions of."""
        if self._codec.dictionary_id is None:
            self._train(list(new.values()))
        names = self._names.all_of(text for r in new.values() for text in _names_in(r.facts))
        chunk_rows: list[tuple[Any, ...]] = []
        symbol_rows: list[tuple[Any, ...]] = []
        import_rows: list[tuple[Any, ...]] = []
        reference_rows: list[tuple[Any, ...]] = []
        for chunk_id, record in new.items():
            chunk_rows.append(self._chunk_row(chunk_id, record, bases.get(chunk_id)))
            symbol_rows += _symbol_rows(chunk_id, record.facts, names)
            import_rows += _import_rows(chunk_id, record.facts, names)
            references = sorted(
                names[item.path] * 8 + REFERENCE_KINDS.index(item.kind)
                for item in record.facts.references
            )
            if references:
                reference_rows.append((chunk_id, len(references), pack_ids(references)))
        self._insert(schema.chunk, schema.chunk.c.keys(), chunk_rows)
        self._insert(schema.symbol, schema.symbol.c.keys(), symbol_rows)
        self._insert(schema.import_, schema.import_.c.keys(), import_rows)
        self._insert(schema.chunk_references, schema.chunk_references.c.keys(), reference_rows)

    def _chunk_row(
        self, chunk_id: int, record: ChunkRecord, base_id: int | None
    ) -> tuple[Any, ...]:
        packed = self._delta_bases.texts.pack(chunk_id, record.text, base_id)
        return (
            chunk_id,
            record.digest,
            record.kind,
            record.container,
            packed.base_id,
            packed.dictionary_id,
            packed.text,
            len(record.text),
            record.text.count(b"\n"),
            pack_breaks(record.facts.breaks),
        )

    def _train(self, records: list[ChunkRecord]) -> None:
        """Train the dictionary on the first batch that is large enough, once and for all."""
        step = max(1, len(records) // _N_DICTIONARY_SAMPLES)
        content = train_dictionary([record.text for record in records[::step]])
        if content is not None:
            self._insert(schema.dictionary, ("id", "content"), [(1, content)])
            self._codec.add(1, content)

    def write_commits(
        self, commits: Sequence[CommitRecord], generations: Sequence[int], extractor_version: int
    ) -> None:
        """Insert commits with their changes, or replace them; their blobs must be there."""
        changes = [change for commit in commits for change in commit.changes]
        paths = [change.path for change in changes]
        paths += [change.old_path for change in changes if change.old_path is not None]
        paths += [path for commit in commits for path, _ in commit.base]
        path_ids = self._paths.all_of(paths)
        ids = self._commit_ids(commit.oid for commit in commits)
        gone = [ids[commit.oid] for commit in commits if commit.oid in ids]
        for table, key in (*schema.keyed_by(schema.commit), (schema.commit, "id")):
            self._connection.execute(delete(table).where(table.c[key].in_(gone)))
        commit_rows, change_rows, base_rows = [], [], []
        for commit, generation in zip(commits, generations, strict=True):
            commit_id = ids.get(commit.oid, self._next_commit)
            self._next_commit = max(self._next_commit, commit_id + 1)
            commit_rows.append(
                (
                    commit_id,
                    self._repository_id,
                    commit.oid,
                    commit.parents[0] if commit.parents else None,
                    b"".join(commit.parents[1:]) or None,
                    generation,
                    commit.author_time,
                    commit.committer_time,
                    self._codec.compress_message(commit.message),
                    commit.is_bot,
                    commit.state,
                    extractor_version,
                )
            )
            change_rows += [
                (
                    commit_id,
                    path_ids[change.path],
                    change.kind,
                    path_ids[change.old_path] if change.old_path is not None else None,
                    self._blob_id(change.old_blob),
                    self._blob_id(change.new_blob),
                )
                for change in commit.changes
            ]
            base_rows += [
                (commit_id, path_ids[path], self._blob_id(oid)) for path, oid in commit.base
            ]
        self._insert(schema.commit, schema.commit.c.keys(), commit_rows)
        self._insert(schema.change, schema.change.c.keys(), change_rows)
        self._insert(schema.base, schema.base.c.keys(), base_rows)

    def _commit_ids(self, oids: Iterable[bytes]) -> dict[bytes, int]:
        c = schema.commit.c
        mine = c.repository_id == self._repository_id
        query = select(c.oid, c.id).where(mine, c.oid.in_(list(oids)))
        return dict(map(tuple, self._connection.execute(query)))

    def _blob_id(self, oid: bytes | None) -> int | None:
        return None if oid is None else self._blobs.get(oid)

    def write_refs(self, tips: dict[bytes, bytes]) -> None:
        """Record where refs point; those not named keep what was recorded."""
        table = schema.ref
        mine = table.c.repository_id == self._repository_id
        for part in batches(tips):
            self._connection.execute(delete(table).where(mine, table.c.name.in_(part)))
        rows = [(self._repository_id, name, tip) for name, tip in sorted(tips.items())]
        self._insert(table, table.c.keys(), rows)

    def forget_base(self, commit_ids: Iterable[int]) -> None:
        """Drop the base trees of commits whose first parent has come in."""
        for commit_id in commit_ids:
            self._connection.execute(
                delete(schema.base).where(schema.base.c.commit_id == commit_id)
            )


def _names_in(facts: ChunkFacts) -> Iterator[str]:
    for symbol in facts.symbols:
        yield symbol.name
        yield symbol.trait
        yield symbol.type
        yield symbol.generics
    for item in facts.imports:
        yield item.path
        yield item.alias
    for reference in facts.references:
        yield reference.path


def _symbol_rows(
    chunk_id: int, facts: ChunkFacts, names: dict[str, int]
) -> Iterator[tuple[Any, ...]]:
    for position, symbol in enumerate(facts.symbols):
        yield (
            chunk_id,
            position,
            symbol.kind,
            names[symbol.name],
            names[symbol.trait] if symbol.trait else None,
            symbol.container,
            symbol.visibility,
            symbol.is_test,
            symbol.cfg,
            symbol.start,
            symbol.end,
            symbol.signature_start,
            symbol.signature_end,
            names[symbol.type] if symbol.type else None,
            names[symbol.generics] if symbol.generics else None,
        )


def _import_rows(
    chunk_id: int, facts: ChunkFacts, names: dict[str, int]
) -> Iterator[tuple[Any, ...]]:
    for position, item in enumerate(facts.imports):
        path, alias = names[item.path], names[item.alias]
        yield chunk_id, position, path, alias, item.visibility, item.is_test, item.cfg
