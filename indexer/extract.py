"""From blobs to facts: in this process for a few, in worker processes for many."""

import atexit
import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rsidx.indexer import cargo, gitattributes
from rsidx.indexer.git.blobs import BlobReader, blob_reader
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.rust.facts import extract
from rsidx.indexer.rust.model import EXTRACTOR_VERSION, Chunk
from rsidx.indexer.rust.parser import ParsedFile, parse
from rsidx.processes import WorkerContext, begin_as_worker, keep_little_memory
from rsidx.store.records import TOO_LARGE, BlobRecord, ChunkRecord

_log = logging.getLogger("rsidx")
_BLOBS_A_TASK = 24
# A tree takes 20 to 30 times the memory of its source.
_KEPT_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class _Version:
    parsed: ParsedFile
    digests: tuple[bytes, ...]

    @property
    def n_bytes(self) -> int:
        """The length of the sources of its trees: there may be two."""
        version = self.parsed.version
        return len(version.source) * (1 if version.masked is None else 2)


class Extractor:
    """Turns blobs into facts, a version of a file by what changed since the one before.

    It keeps the newest versions, so many bytes of them. A chunk comes with its facts the first
    time only, and one of `known` digests without them. The facts depend on a blob's bytes alone.
    """

    def __init__(self, kept_bytes: int = _KEPT_BYTES, known: Iterable[bytes] = ()) -> None:
        self._seen = set(known)
        self._versions: dict[bytes, _Version] = {}
        self._n_bytes = 0
        self._kept_bytes = kept_bytes

    def record(
        self, oid: bytes, n_bytes: int, content: bytes | None, before: bytes | None = None
    ) -> BlobRecord:
        """Return a blob's facts; `content` None means too large, `n_bytes` -1 too, missing.

        `before` is the blob that it replaced.
        """
        if content is None:
            state = "missing" if n_bytes < 0 else TOO_LARGE
            return BlobRecord(oid, max(0, n_bytes), state, EXTRACTOR_VERSION)
        if b"\0" in content or not _is_utf8(content):
            return BlobRecord(oid, n_bytes, "not_text", EXTRACTOR_VERSION)
        manifest = cargo.read(content) or gitattributes.read(content)
        if manifest is not None:
            return BlobRecord(oid, n_bytes, "manifest", EXTRACTOR_VERSION, manifest=manifest)
        version, new = self._parse(oid, content, before)
        state = "errors" if version.parsed.has_error else "parsed"
        return BlobRecord(
            oid,
            n_bytes,
            state,
            EXTRACTOR_VERSION,
            version.digests,
            tuple(new),
            before=before,
            errors=version.parsed.errors,
        )

    def _parse(
        self, oid: bytes, content: bytes, before: bytes | None
    ) -> tuple[_Version, list[ChunkRecord]]:
        version = self._versions.pop(before, None) if before is not None else None
        known: dict[int, bytes] = {}
        if version is not None:
            self._n_bytes -= version.n_bytes
            known = dict(zip(map(id, version.parsed.chunks), version.digests, strict=True))
        parsed = parse(content, version.parsed if version is not None else None)
        digests, new = [], []
        for chunk in parsed.chunks:
            digest = known.get(id(chunk)) or chunk_digest(chunk)
            digests.append(digest)
            if digest not in self._seen:
                self._seen.add(digest)
                facts = extract(chunk.kind, chunk.container, chunk.text)
                new.append(ChunkRecord(digest, chunk.kind, chunk.container, chunk.text, facts))
        version = _Version(parsed, tuple(digests))
        self._keep(oid, version)
        return version, new

    def _keep(self, oid: bytes, version: _Version) -> None:
        self._versions[oid] = version
        self._n_bytes += version.n_bytes
        while self._n_bytes > self._kept_bytes:
            oldest = self._versions.pop(next(iter(self._versions)))
            self._n_bytes -= oldest.n_bytes


def chunk_digest(chunk: Chunk) -> bytes:
    """Return the identity of a chunk: facts of another extractor's version are another chunk."""
    head = f"{EXTRACTOR_VERSION}\0{chunk.kind}\0{chunk.container}\0".encode()
    return hashlib.blake2b(head + chunk.text, digest_size=16).digest()


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Wanted:
    """A blob to extract, and the one that it replaced, if that is known."""

    oid: bytes
    before: bytes | None = None


class Extraction(Protocol):
    """Extracts blobs in the order they are submitted."""

    def submit(self, blobs: Sequence[Wanted]) -> "Pending":
        """Ask for the facts of blobs; returns at once."""


class Pending(Protocol):
    """The facts of some blobs, once they are there."""

    def records(self) -> list[BlobRecord]:
        """Wait for the facts and return them; call in the order of submission."""


@contextmanager
def extraction(
    repository: Repository, *, jobs: int, max_bytes: int, mark: Path | None = None
) -> Iterator[Extraction]:
    """Start an extraction: in this process for one job, else in that many workers.

    A parser that overflows its stack takes its process along. So a mark lies on disk for as long
    as this process parses; where one is left of a process that died, a worker does it instead,
    and the blob that kills it is found.
    """
    if jobs <= 1 and not (mark is not None and mark.exists()):
        with _marked(mark), blob_reader(repository, max_bytes=max_bytes) as reader:
            yield _Serial(reader, repository)
    else:
        pool = _Pool(repository, jobs, max_bytes)
        try:
            yield pool
        finally:
            pool.close()
        if mark is not None:
            mark.unlink(missing_ok=True)


@contextmanager
def _marked(mark: Path | None) -> Iterator[None]:
    if mark is None:
        yield
        return
    mark.touch(mode=0o600)
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


class _Serial:
    def __init__(self, reader: BlobReader, repository: Repository) -> None:
        self._reader = reader
        self._repository = repository
        self._extractor = Extractor()

    def submit(self, blobs: Sequence[Wanted]) -> Pending:
        return _SerialPending(self, blobs)

    def extract(self, blobs: Sequence[Wanted]) -> list[BlobRecord]:
        return [self._record(blob) for blob in blobs]

    def _record(self, blob: Wanted) -> BlobRecord:
        n_bytes, content = self._reader.read(blob.oid)
        try:
            record = self._extractor.record(blob.oid, n_bytes, content, blob.before)
        except Exception:  # One file must not keep the others out; `status` counts it.
            _log.exception("%s could not be parsed", blob.oid.hex())
            return BlobRecord(blob.oid, n_bytes, "poison", EXTRACTOR_VERSION)
        if record.state == "missing" and self._repository.is_partial:
            return record._replace(state="promised")
        return record


class _SerialPending:
    def __init__(self, serial: _Serial, blobs: Sequence[Wanted]) -> None:
        self._serial = serial
        self._blobs = blobs

    def records(self) -> list[BlobRecord]:
        return self._serial.extract(self._blobs)


class _Pool:
    """Worker processes, each with its own `cat-file` and the versions that it parsed.

    A blob goes to the worker that parsed the one it replaced, unless that has far more to do
    than another. A worker that dies is replaced, and what it had not answered is asked for
    again in a worker apart, blob by blob.

    A worker sends a chunk's facts once. Its results are read in the order of submission, so a
    digest that comes without facts has come with them before.
    """

    def __init__(self, repository: Repository, jobs: int, max_bytes: int) -> None:
        keep_little_memory()
        self._repository = repository
        self._max_bytes = max_bytes
        self._workers = [self._start() for _ in range(jobs)]
        self._n_asked = [0] * jobs
        self._worker_of: dict[bytes, int] = {}
        self._isolation: ProcessPoolExecutor | None = None

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            1,
            mp_context=WorkerContext(),
            initializer=_start_worker,
            initargs=(self._repository, self._max_bytes),
        )

    def submit(self, blobs: Sequence[Wanted]) -> Pending:
        shares: list[list[Wanted]] = [[] for _ in self._workers]
        for blob in blobs:
            shares[self._choose(blob)].append(blob)
        tasks = [
            (worker, share[start : start + _BLOBS_A_TASK])
            for worker, share in enumerate(shares)
            for start in range(0, len(share), _BLOBS_A_TASK)
        ]
        sent = [(task, self._send(worker, task)) for worker, task in tasks]
        return _PoolPending(self, [blob.oid for blob in blobs], sent)

    def _choose(self, blob: Wanted) -> int:
        least = min(range(len(self._workers)), key=self._n_asked.__getitem__)
        chosen = self._worker_of.get(blob.before, least) if blob.before else least
        if self._n_asked[chosen] > self._n_asked[least] + _BLOBS_A_TASK:
            chosen = least
        self._worker_of[blob.oid] = chosen
        self._n_asked[chosen] += 1
        return chosen

    def _send(self, worker: int, blobs: Sequence[Wanted]) -> Future[list[BlobRecord]]:
        try:
            return self._workers[worker].submit(_extract, blobs)
        except BrokenProcessPool:
            self._workers[worker].shutdown(wait=False)
            self._workers[worker] = self._start()
            return self._workers[worker].submit(_extract, blobs)

    def isolated(self, blobs: Sequence[Wanted]) -> list[BlobRecord]:
        """Extract blobs one at a time, in a worker that may die: that blob is `poison`."""
        records = []
        for blob in blobs:
            if self._isolation is None:
                self._isolation = self._start()
            try:
                records += self._isolation.submit(_extract, [blob]).result()
            except BrokenProcessPool:
                records.append(BlobRecord(blob.oid, 0, "poison", EXTRACTOR_VERSION))
                self._isolation.shutdown(wait=False)
                self._isolation = None
        return records

    def close(self) -> None:
        for executor in (*self._workers, self._isolation):
            if executor is not None:
                executor.shutdown(wait=True, cancel_futures=True)


class _PoolPending:
    def __init__(
        self,
        pool: _Pool,
        oids: list[bytes],
        tasks: Sequence[tuple[Sequence[Wanted], Future[list[BlobRecord]]]],
    ) -> None:
        self._pool = pool
        self._oids = oids
        self._tasks = tasks

    def records(self) -> list[BlobRecord]:
        found: dict[bytes, BlobRecord] = {}
        for blobs, future in self._tasks:
            try:
                records = future.result()
            except BrokenProcessPool:
                records = self._pool.isolated(blobs)
            found.update((record.oid, record) for record in records)
        return [found[oid] for oid in self._oids]


_worker: _Serial | None = None
_worker_stack = ExitStack()


def _start_worker(repository: Repository, max_bytes: int) -> None:
    global _worker  # noqa: PLW0603  (a worker process has exactly one)
    begin_as_worker()
    # Closed before the interpreter is torn down: from Python 3.13 on, closing waits forever then
    # for the thread that listens to git.
    atexit.register(_worker_stack.close)
    reader = _worker_stack.enter_context(blob_reader(repository, max_bytes=max_bytes))
    _worker = _Serial(reader, repository)


def _extract(blobs: Sequence[Wanted]) -> list[BlobRecord]:
    assert _worker is not None
    return _worker.extract(blobs)
