"""Compare every file version of a history, parsed by what changed, with itself from scratch.

    python benchmarks/purity.py [--dump] REPO...

A chunk's facts are computed from the chunk alone, so equal chunks have equal facts. With --dump two
whole indexes are made, by two processes by what changed, and by one from scratch, and their logical
dumps are compared byte for byte.
"""

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import zip_longest
from pathlib import Path
from unittest.mock import patch

from rsidx.indexer import extract, sync
from rsidx.indexer.extract import Extractor, chunk_digest
from rsidx.indexer.git import history
from rsidx.indexer.git.blobs import blob_reader
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.rust.parser import parse
from rsidx.store.database import Database, resolve_url
from rsidx.store.dump import dump

_MAX_BYTES = 1_000_000


def versions(repository: Repository) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield each file version that HEAD reaches, with the one that it replaced."""
    seen = set()
    for commit in history.read_commits(repository, history.list_commits(repository, ["HEAD"])):
        for change in commit.changes:
            if change.new_blob is not None and change.new_blob not in seen:
                seen.add(change.new_blob)
                yield change.new_blob, change.old_blob


def compare(repository: Repository) -> tuple[int, int, float, float]:
    """Return how many were compared and differ, and the seconds by edits and from scratch."""
    extractor, n_compared, n_different, by_edits_s, scratch_s = Extractor(), 0, 0, 0.0, 0.0
    with blob_reader(repository, max_bytes=_MAX_BYTES) as reader:
        for oid, before in versions(repository):
            n_bytes, content = reader.read(oid)
            start = time.perf_counter()
            record = extractor.record(oid, n_bytes, content, before)
            by_edits_s += time.perf_counter() - start
            if content is None or record.state not in ("parsed", "errors"):
                continue
            start = time.perf_counter()
            scratch = parse(content)
            scratch_s += time.perf_counter() - start
            digests = tuple(chunk_digest(chunk) for chunk in scratch.chunks)
            n_compared += 1
            n_different += (digests, scratch.has_error) != (
                record.chunks, record.state == "errors",
            )  # fmt: skip
    return n_compared, n_different, by_edits_s, scratch_s


def dumps(repository: Repository) -> tuple[int, int]:
    """Return how many lines the dumps of both indexes have, and how many differ."""
    scope = sync.history_scope(repository, (), all_refs=True, since=None)
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for name, jobs in (("edits", 2), ("scratch", 1)):
            database = Database(resolve_url(str(Path(folder) / f"{name}.db")), create=True)
            made = partial(Extractor, kept_bytes=0) if name == "scratch" else Extractor
            with closing(database), patch.object(extract, "Extractor", made):
                sync.sync(repository, database, scope, jobs=jobs, max_bytes=_MAX_BYTES)
                with database.reading() as connection:
                    digests = (hashlib.sha256(line.encode()).digest() for line in dump(connection))
                    lines.append(list(digests))
    one, other = lines
    n_different = sum(a != b for a, b in zip_longest(one, other))
    return len(one), n_different


def main() -> int:
    """Print a line for each repository; 1 where a version differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repos", nargs="+", type=Path)
    parser.add_argument("--dump", action="store_true", help="compare whole indexes")
    options = parser.parse_args()
    status = 0
    for repo in options.repos:
        repository = discover(repo)
        if options.dump:
            n_lines, n_different = dumps(repository)
            status |= n_different > 0
            print(f"{repository.name}: {n_different} of {n_lines:,} lines of the dumps differ")
            continue
        n_compared, n_different, by_edits_s, scratch_s = compare(repository)
        status |= n_different > 0
        print(
            f"{repository.name}: {n_different} of {n_compared:,} versions differ "
            f"(by edits, with facts {by_edits_s:.1f} s; from scratch, without {scratch_s:.1f} s)"
        )
    return status


if __name__ == "__main__":
    sys.exit(main())
