"""Reading again what an older version of rsidx read, a batch at a time.

It may take minutes, so nobody is held up: new commits come in first, the lock is free between
batches, and each batch is a transaction after which less is left to do, so it goes on after a kill.
First the commits are listed again, for an older version may have left out paths that are kept now.
Then their blobs are read, the oldest first, for a version is kept as what differs from the one
before it. The last blob is read when all else is done, with the facts dropped that no blob has any
more: as long as it is stale, there is something left to do.
"""

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection

from rsidx.errors import IndexInUseError, LockError
from rsidx.indexer import identity
from rsidx.indexer.extract import Extraction, Wanted, extraction
from rsidx.indexer.git import history
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.ingest import MAX_BATCH_BLOBS, Ingester, Progress
from rsidx.indexer.rust.model import EXTRACTOR_VERSION
from rsidx.locking import HeldError, lock
from rsidx.store import queries, stale
from rsidx.store.batches import batches
from rsidx.store.database import Database
from rsidx.store.unreachable import drop_unused_chunks, drop_unused_chunks_in_batches
from rsidx.store.writer import Writer

_BATCH_COMMITS = 1000
_BATCH_CHUNKS = 20_000
_REST_S = 0.15
"""Longer than a process that waits for the lock looks away."""
_log = logging.getLogger("rsidx")


def is_needed(repository: Repository, database: Database) -> bool:
    """Tell whether another version of the extractor read something in the index."""
    with database.reading() as connection:
        repository_id = identity.find(database, connection, repository)
        return repository_id is not None and (
            stale.count_stale_blobs(connection, EXTRACTOR_VERSION) > 0
            or bool(stale.stale_commits(connection, repository_id, EXTRACTOR_VERSION))
        )


def refresh(
    repository: Repository,
    database: Database,
    *,
    jobs: int,
    max_bytes: int,
    progress: Progress | None = None,
    gives_way: Callable[[], bool] = lambda: False,
) -> int:
    """Read again what another version of the extractor read; return how many blobs that were.

    Ends early where `gives_way()`, and goes on the next time. `progress` is called with blobs,
    and with none to do meanwhile; what it raises ends the refresh. Raises IndexInUseError if an
    export reads the index, with the rest left for later.
    """
    run = _Refresh(repository, database, jobs, max_bytes, progress or _ignore)
    with _announced(database.file):
        return run.run(gives_way)


def _ignore(_done: int, _total: int) -> None:
    pass


def n_stale_blobs(database: Database) -> int:
    """Return how many blobs still have the facts of another version of the extractor."""
    with database.reading() as connection:
        return stale.count_stale_blobs(connection, EXTRACTOR_VERSION)


def refreshing_since(file: Path | None) -> float | None:
    """Return when the running refresh of an index began, None if none is running."""
    if file is None:
        return None
    # What cannot be locked tells nothing, and is no reason for `rsidx status` to fail.
    with suppress(OSError, LockError):
        descriptor = os.open(_announcement(file), os.O_RDONLY)
        try:
            lock(descriptor, file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except HeldError:
            return os.fstat(descriptor).st_mtime
        finally:
            os.close(descriptor)
    return None


@contextmanager
def _announced(file: Path | None) -> Iterator[None]:
    """Hold a shared lock, by which `refreshing_since` knows that a refresh is running."""
    if file is None:
        yield
        return
    descriptor = os.open(_announcement(file), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        lock(descriptor, file, fcntl.LOCK_SH)
        os.utime(descriptor)
        yield
    finally:
        os.close(descriptor)


def _announcement(file: Path) -> Path:
    return file.with_name(f"{file.name}.refresh")


class _Refresh:
    """One process's part in it; each of its steps holds the writers' lock for itself."""

    def __init__(
        self,
        repository: Repository,
        database: Database,
        jobs: int,
        max_bytes: int,
        progress: Progress,
    ) -> None:
        self._repository = repository
        self._database = database
        self._jobs = jobs
        self._progress = progress
        with database.reading() as connection:
            self._repository_id = identity.find(database, connection, repository)
            # What was read under a larger limit is not to be lost.
            self._max_bytes = max(max_bytes, stale.largest_read(connection))

    def run(self, gives_way: Callable[[], bool]) -> int:
        """Do what is left until there is reason to give way; return how many blobs were read."""
        if self._repository_id is None:
            return 0
        with self._database.reading() as connection:
            commits = stale.stale_commits(connection, self._repository_id, EXTRACTOR_VERSION)
        for part in batches(commits, _BATCH_COMMITS):
            self._list_again(part)
            self._progress(0, 0)
            if gives_way():
                return 0
        with self._database.reading() as connection:
            blobs = stale.stale_blobs(connection, self._repository_id, EXTRACTOR_VERSION)
        if not blobs:
            return 0
        _log.info("%d file versions of another version of rsidx are read again", len(blobs))
        with self._database.reading() as connection:
            before = queries.predecessors(connection)
        wanted = [Wanted(oid, before.get(oid)) for oid in blobs]
        del before
        for done in self._read_again(wanted[:-1]):
            self._progress(done, len(blobs))
            if gives_way():
                return done
        self._end(wanted[-1])
        with suppress(IndexInUseError):
            self._database.vacuum()
        self._progress(len(blobs), len(blobs))
        _log.info("all file versions are as this version of rsidx reads them")
        return len(blobs)

    def _list_again(self, oids: Sequence[bytes]) -> None:
        """Write commits anew, with the paths that are kept now, and the blobs that these bring."""
        lines = history.list_these(self._repository, oids)
        parents = [parent for line in lines for parent in line.parents]
        assert self._repository_id is not None
        with self._writing() as connection, self._extraction(jobs=1) as extractor:
            known = queries.generations(connection, self._repository_id, [*oids, *parents])
            intake = Ingester(self._repository, connection, self._writer(connection), None)
            intake.ingest([line for line in lines if line.oid in known], known, extractor)
            # Those that git has no more stay as they are.
            stale.set_listed(connection, self._repository_id, oids, EXTRACTOR_VERSION)
            connection.commit()

    def _read_again(self, blobs: Sequence[Wanted]) -> Iterator[int]:
        """Read blobs a batch at a time; yield how many are done after each."""
        waiting = list(batches(blobs, MAX_BATCH_BLOBS))
        done = 0
        while done < len(waiting):
            with self._extraction(self._jobs) as extractor:
                for nth, batch in enumerate(waiting[done:]):
                    try:
                        self._rewrite(batch, extractor)
                    except KeyError:
                        # An extraction gives a chunk's facts once, and another process has dropped
                        # a chunk since: a new one gives them again.
                        if nth == 0:
                            raise
                        break
                    done += 1
                    yield min(done * MAX_BATCH_BLOBS, len(blobs))
                    time.sleep(_REST_S)

    def _rewrite(self, wanted: Sequence[Wanted], extractor: Extraction) -> None:
        with self._writing() as connection:
            oids = [blob.oid for blob in wanted]
            left = set(stale.still_stale(connection, oids, EXTRACTOR_VERSION))
            pending = extractor.submit([blob for blob in wanted if blob.oid in left])
            self._writer(connection).rewrite_blobs(pending.records())
            connection.commit()

    def _end(self, last: Wanted) -> None:
        """Drop the facts that no blob has any more, and read the last blob."""
        with self._writing() as connection:
            for _ in drop_unused_chunks_in_batches(connection, n_at_once=_BATCH_CHUNKS):
                connection.commit()
            connection.commit()
            with self._extraction(jobs=1) as extractor:
                pending = extractor.submit([last])
                self._writer(connection).rewrite_blobs(pending.records())
            drop_unused_chunks(connection)
            connection.commit()

    def _writer(self, connection: Connection) -> Writer:
        # A new one each time: others may write between two steps.
        assert self._repository_id is not None
        return Writer(connection, self._repository_id)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        writing = self._database.writing(waiting=lambda: self._progress(0, 0))
        with writing as connection, self._database.exclusive():
            yield connection

    def _extraction(self, jobs: int) -> AbstractContextManager[Extraction]:
        mark = self._database.parsing_file
        return extraction(self._repository, jobs=jobs, max_bytes=self._max_bytes, mark=mark)
