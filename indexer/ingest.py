"""Ingesting commits: batch after batch, while workers parse the next ones."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from sqlalchemy import Connection

from rsidx.indexer.extract import Extraction, Pending, Wanted
from rsidx.indexer.git import history
from rsidx.indexer.git.history import CommitLine
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.rust.model import EXTRACTOR_VERSION
from rsidx.store.erasure import read_forgotten
from rsidx.store.records import FORGOTTEN, BlobRecord, CommitRecord
from rsidx.store.writer import Writer

_MAX_BATCH_COMMITS = 400
MAX_BATCH_BLOBS = 600
"""So many versions of files are asked for at a time."""
_BATCHES_AHEAD = 2

Progress = Callable[[int, int], None]
"""Called with the commits done and the commits to do."""


@dataclass(slots=True)
class SyncReport:
    """What a sync did.

    `n_read_again` are file versions that git lacked before, `n_refreshed` those that another
    version of rsidx had read.
    """

    n_commits: int = 0
    n_blobs: int = 0
    n_unreadable: int = 0
    n_read_again: int = 0
    n_refreshed: int = 0
    blobs_by_state: dict[str, int] = field(default_factory=dict)


class _Blob(NamedTuple):
    """A blob that a commit names; `before` is the one that it replaced, if that is known."""

    oid: bytes
    before: bytes | None
    is_forgotten: bool


class Ingester:
    """Ingests commits under the writers' lock; `report` counts them."""

    def __init__(
        self,
        repository: Repository,
        connection: Connection,
        writer: Writer,
        progress: Progress | None,
    ) -> None:
        self._repository = repository
        self._connection = connection
        self._writer = writer
        self._progress = progress
        self._forgotten = read_forgotten(connection)
        self.report = SyncReport()

    def ingest(
        self, new: Sequence[CommitLine], known: dict[bytes, int], extractor: Extraction
    ) -> None:
        """Ingest commits, parents first; `known` has generations."""
        ahead: deque[tuple[list[CommitRecord], list[BlobRecord], Pending]] = deque()
        asked: set[bytes] = set()
        # Comparing the contents of a partial clone's blobs would fetch them.
        renames = not self._repository.is_partial
        done = 0
        # Closed here: git must end even where a failure's traceback keeps the streams alive.
        with (
            closing(history.read_commits(self._repository, new, renames=renames)) as commits,
            closing(self._with_bases(commits, known)) as records,
        ):
            for batch in _batches(records):
                blobs = [blob for record in batch for blob in self._blobs(record)]
                before = {blob.oid: blob.before for blob in reversed(blobs)}
                forgotten = {blob.oid for blob in blobs if blob.is_forgotten}
                oids = self._writer.unknown_blobs(blob.oid for blob in blobs)
                new_oids = [oid for oid in oids if oid not in asked]
                asked.update(new_oids)
                kept = [
                    BlobRecord(oid, 0, FORGOTTEN, EXTRACTOR_VERSION)
                    for oid in new_oids
                    if oid in forgotten
                ]
                wanted = [Wanted(oid, before[oid]) for oid in new_oids if oid not in forgotten]
                ahead.append((batch, kept, extractor.submit(wanted)))
                if len(ahead) > _BATCHES_AHEAD:
                    done = self._write(*ahead.popleft(), known, done, len(new))
        while ahead:
            done = self._write(*ahead.popleft(), known, done, len(new))

    def _with_bases(
        self, records: Iterable[CommitRecord], known: dict[bytes, int]
    ) -> Generator[CommitRecord]:
        """Give a base tree to each commit whose first parent is not in the index."""
        boundary = history.shallow_boundary(self._repository)
        seen: set[bytes] = set()
        for record in records:
            seen.add(record.oid)
            if record.oid in self._forgotten.commits:
                record = replace(record, message="")  # noqa: PLW2901
            if record.oid in boundary:
                own = history.list_tree(self._repository, record.oid)
                yield replace(record, state="boundary", changes=(), base=own)
            elif record.parents and not (record.parents[0] in known or record.parents[0] in seen):
                base = history.list_tree(self._repository, record.parents[0])
                yield replace(record, base=base)
            else:
                yield record

    def _blobs(self, record: CommitRecord) -> Iterator[_Blob]:
        """Yield each blob of a commit."""
        forgotten = self._forgotten
        for change in record.changes:
            if change.old_blob is not None:
                old_path = change.old_path or change.path
                yield _Blob(change.old_blob, None, forgotten.has(change.old_blob, old_path))
            if change.new_blob is not None:
                is_forgotten = record.oid in forgotten.commits
                is_forgotten |= forgotten.has(change.new_blob, change.path)
                yield _Blob(change.new_blob, change.old_blob, is_forgotten)
        for path, oid in record.base:
            yield _Blob(oid, None, forgotten.has(oid, path))

    def _write(
        self,
        batch: list[CommitRecord],
        unread: list[BlobRecord],
        pending: Pending,
        known: dict[bytes, int],
        done: int,
        total: int,
    ) -> int:
        blobs = [*unread, *pending.records()]
        self._writer.write_blobs(blobs)
        generations = []
        for record in batch:
            above = max((known.get(parent, 0) for parent in record.parents), default=0)
            known[record.oid] = max(record.committer_time, above + 1)
            generations.append(known[record.oid])
        self._writer.write_commits(batch, generations, EXTRACTOR_VERSION)
        self._connection.commit()
        for blob in blobs:
            states = self.report.blobs_by_state
            states[blob.state] = states.get(blob.state, 0) + 1
        self.report.n_blobs += len(blobs)
        self.report.n_commits += len(batch)
        self.report.n_unreadable += sum(record.state == "unreadable" for record in batch)
        if self._progress is not None:
            self._progress(done + len(batch), total)
        return done + len(batch)


def _batches(records: Iterable[CommitRecord]) -> Iterator[list[CommitRecord]]:
    batch: list[CommitRecord] = []
    n_blobs = 0
    for record in records:
        batch.append(record)
        n_blobs += len(record.changes) + len(record.base)
        if len(batch) >= _MAX_BATCH_COMMITS or n_blobs >= MAX_BATCH_BLOBS:
            yield batch
            batch, n_blobs = [], 0
    if batch:
        yield batch
