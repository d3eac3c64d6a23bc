"""From blobs to facts: in this process for a few, in worker processes for many."""

import hashlib
import re
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing import get_context
from typing import Protocol

from rsidx.indexer import manifests
from rsidx.indexer.git import Repository
from rsidx.indexer.objects import BlobReader, blob_reader
from rsidx.indexer.rust.facts import extract
from rsidx.indexer.rust.model import EXTRACTOR_VERSION
from rsidx.indexer.rust.parser import parse
from rsidx.store.facts import BlobRecord, ChunkRecord

_BLOBS_A_TASK = 24
# A manifest begins with a table's header or a key; so what a blob is follows from its bytes, not
# from the path that it was met under first. What only looks like one is cut as Rust.
_MANIFEST = re.compile(
    rb"\A\xef?\xbb?\xbf?(?:\s|#(?![!\[])[^\n]*\n|#\[[^\n]*\]\s*\n)*"
    rb"(?:\[\s*[\w\"'-]|[\w-]+\s*=)"
)


def blob_record(oid: bytes, n_bytes: int, content: bytes | None, seen: set[bytes]) -> BlobRecord:
    """Return a blob's facts; `content` None means too large, `n_bytes` -1 too, missing.

    Chunks whose digest is in `seen` come without their facts; new digests are added to it.
    """
    if content is None:
        state = "missing" if n_bytes < 0 else "too_large"
        return BlobRecord(oid, max(0, n_bytes), state, EXTRACTOR_VERSION)
    if b"\0" in content or not _is_utf8(content):
        return BlobRecord(oid, n_bytes, "not_text", EXTRACTOR_VERSION)
    manifest = manifests.read(content) if _MANIFEST.match(content) else None
    if manifest is not None:
        return BlobRecord(oid, n_bytes, "manifest", EXTRACTOR_VERSION, manifest=manifest)
    parsed = parse(content)
    digests, new = [], []
    for chunk in parsed.chunks:
        text = content[chunk.start : chunk.end]
        digest = chunk_digest(chunk.kind, chunk.container, text)
        digests.append(digest)
        if digest not in seen:
            seen.add(digest)
            facts_ = extract(chunk.kind, chunk.container, text)
            new.append(ChunkRecord(digest, chunk.kind, chunk.container, text, facts_))
    state = "errors" if parsed.has_error else "parsed"
    return BlobRecord(oid, n_bytes, state, EXTRACTOR_VERSION, tuple(digests), tuple(new))


def chunk_digest(kind: str, container: str, text: bytes) -> bytes:
    """Return the identity of a chunk: facts of another extractor's version are another chunk."""
    head = f"{EXTRACTOR_VERSION}\0{kind}\0{container}\0".encode()
    return hashlib.blake2b(head + text, digest_size=16).digest()


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


class Extraction(Protocol):
    """Extracts blobs in the order they are submitted."""

    def submit(self, oids: Sequence[bytes]) -> "Pending":
        """Ask for the facts of blobs; returns at once."""


class Pending(Protocol):
    """The facts of some blobs, once they are there."""

    def records(self) -> list[BlobRecord]:
        """Wait for the facts and return them; call in the order of submission."""


@contextmanager
def extraction(repository: Repository, *, jobs: int, max_bytes: int) -> Iterator[Extraction]:
    """Start an extraction: in this process for one job, else in that many workers."""
    if jobs <= 1:
        with blob_reader(repository, max_bytes=max_bytes) as reader:
            yield _Serial(reader, repository)
    else:
        pool = _Pool(repository, jobs, max_bytes)
        try:
            yield pool
        finally:
            pool.close()


class _Serial:
    def __init__(self, reader: BlobReader, repository: Repository) -> None:
        self._reader = reader
        self._repository = repository
        self._seen: set[bytes] = set()

    def submit(self, oids: Sequence[bytes]) -> Pending:
        return _SerialPending(self, oids)

    def extract(self, oids: Sequence[bytes]) -> list[BlobRecord]:
        records = (blob_record(oid, *self._reader.read(oid), self._seen) for oid in oids)
        return [self._promised(record) for record in records]

    def _promised(self, record: BlobRecord) -> BlobRecord:
        if record.state == "missing" and self._repository.is_partial:
            return replace(record, state="promised")
        return record


class _SerialPending:
    def __init__(self, serial: _Serial, oids: Sequence[bytes]) -> None:
        self._serial = serial
        self._oids = oids

    def records(self) -> list[BlobRecord]:
        return self._serial.extract(self._oids)


class _Pool:
    """Worker processes, each with its own `cat-file`; when one dies, all are replaced.

    What was under way then is asked for again in a worker apart, blob by blob.

    A worker sends a chunk's facts once. Tasks are taken in the order of submission and their
    results read in that order, so a digest that comes without facts has come with them before.
    """

    def __init__(self, repository: Repository, jobs: int, max_bytes: int) -> None:
        self._repository = repository
        self._jobs = jobs
        self._max_bytes = max_bytes
        self._executor = self._start(jobs)
        self._isolation: ProcessPoolExecutor | None = None

    def _start(self, jobs: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            jobs,
            mp_context=get_context("spawn"),
            initializer=_start_worker,
            initargs=(self._repository, self._max_bytes),
        )

    def submit(self, oids: Sequence[bytes]) -> Pending:
        parts = [oids[i : i + _BLOBS_A_TASK] for i in range(0, len(oids), _BLOBS_A_TASK)]
        return _PoolPending(self, [(part, self._send(part)) for part in parts])

    def _send(self, oids: Sequence[bytes]) -> Future[list[BlobRecord]]:
        try:
            return self._executor.submit(_extract, oids)
        except BrokenProcessPool:
            self._executor.shutdown(wait=False)
            self._executor = self._start(self._jobs)
            return self._executor.submit(_extract, oids)

    def isolated(self, oids: Sequence[bytes]) -> list[BlobRecord]:
        """Extract blobs one at a time, in a worker that may die: that blob is `poison`."""
        records = []
        for oid in oids:
            if self._isolation is None:
                self._isolation = self._start(1)
            try:
                records += self._isolation.submit(_extract, [oid]).result()
            except BrokenProcessPool:
                records.append(BlobRecord(oid, 0, "poison", EXTRACTOR_VERSION))
                self._isolation.shutdown(wait=False)
                self._isolation = None
        return records

    def close(self) -> None:
        for executor in (self._executor, self._isolation):
            if executor is not None:
                executor.shutdown(wait=True, cancel_futures=True)


class _PoolPending:
    def __init__(
        self, pool: _Pool, parts: list[tuple[Sequence[bytes], Future[list[BlobRecord]]]]
    ) -> None:
        self._pool = pool
        self._parts = parts

    def records(self) -> list[BlobRecord]:
        found: list[BlobRecord] = []
        for oids, future in self._parts:
            try:
                found += future.result()
            except BrokenProcessPool:
                found += self._pool.isolated(oids)
        return found


_worker: _Serial | None = None
_worker_stack = ExitStack()


def _start_worker(repository: Repository, max_bytes: int) -> None:
    global _worker  # noqa: PLW0603  (a worker process has exactly one)
    # Ctrl-C is the parent's to handle; a worker ends when its pool does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reader = _worker_stack.enter_context(blob_reader(repository, max_bytes=max_bytes))
    _worker = _Serial(reader, repository)


def _extract(oids: Sequence[bytes]) -> list[BlobRecord]:
    assert _worker is not None
    return _worker.extract(oids)
