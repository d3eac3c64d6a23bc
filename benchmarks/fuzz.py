"""Damage real Rust files at random and check that the parser loses nothing and raises nothing.

    python benchmarks/fuzz.py REPO [--files 100000] [--seconds 60] [--seed 1] [--jobs 2]

Takes the newest files of REPO, and some that are nested as deeply as a file may be. Each worker
is a process of its own: one that dies is counted and replaced, as in a backfill. A file that
fails is printed, and the status is 1.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from rsidx.indexer.git import history
from rsidx.indexer.git.blobs import blob_reader
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.rust.facts import extract
from rsidx.indexer.rust.parser import parse

_MAX_BYTES = 6000
_FILES_A_TASK = 250
_INSERTED = (b"", b"{", b"}", b"(", b'"', b"'", b"\n", b"::", b"<", b"!", b"#", b"\xff", b"*/")
_DELETED = (0, 1, 1, 2, 5, 40)
# What is nested: (before, opening, closing, after).
_NESTED = (
    (b"fn f() { ", b"(", b")", b"; }\n"),
    (b"fn f() ", b"{", b"}", b"\n"),
    (b"fn f() -> ", b"Vec<", b">", b" {}\n"),
    (b"", b"mod a { ", b"}", b"\n"),
    (b"fn f() { ", b"if a {} else ", b"", b"{} }\n"),
    (b"fn f() { a", b".b()", b"", b"; }\n"),
    (b"use a::{", b"a::{", b"}", b"};\n"),
    (b"m! { ", b"(", b")", b"}\n"),
    (b"fn f() { ", b"|a| ", b"", b"1; }\n"),
    (b"fn f() { 1", b" + 1", b"", b"; }\n"),
    (b"type A = ", b"&", b"", b"u8;\n"),
    (b"", b"#[a]\n", b"", b"fn f() {}\n"),
    (b"", b"impl A for B { fn a() { ", b"}}", b"\n"),
)


def damaged(source: bytes, rng: random.Random) -> bytes:
    """Return a source with up to four pieces cut out or put in."""
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(source) + 1)
        end = start + rng.choice(_DELETED)
        source = source[:start] + rng.choice(_INSERTED) + source[end:]
    return source


def nested(rng: random.Random) -> bytes:
    """Return a source that is nested up to 20,000 deep, closed or not."""
    before, opening, closing, after = rng.choice(_NESTED)
    depth = int(10 ** rng.uniform(1, 4.3))
    return before + opening * depth + closing * rng.choice((depth, depth, depth - 1, 0)) + after


def check(source: bytes, before: bytes) -> None:
    """Cut a source and extract all facts; raises AssertionError where bytes are lost.

    Also where it is cut in another way by what changed since `before`.
    """
    parsed = parse(source)
    assert b"".join(chunk.text for chunk in parsed.chunks) == source
    for chunk in parsed.chunks:
        extract(chunk.kind, chunk.container, chunk.text)
    edited = parse(source, parse(before))
    assert (edited.chunks, edited.has_error) == (parsed.chunks, parsed.has_error)


def run_task(sources: list[bytes], seed: str, n_files: int) -> str | None:
    """Check so many files; return what failed, None if nothing did."""
    rng = random.Random(seed)
    for number in range(n_files):
        before = rng.choice(sources) if rng.random() > 0.01 else nested(rng)
        source = damaged(before, rng)
        try:
            check(source, before)
        except Exception as error:
            return f"file {number} of {seed}: {error!r}\n{source[:2000]!r}"
    return None


def run_tasks(sources: list[bytes], seeds: Iterator[str], jobs: int) -> tuple[int, int, list[str]]:
    """Run tasks until the seeds end; return the tasks, the workers that died, and the failures."""
    n_tasks = n_dead = 0
    failures: list[str] = []
    pools = [_pool() for _ in range(jobs)]
    while True:
        running = []
        for number, seed in zip(range(jobs), seeds, strict=False):
            future = pools[number].submit(run_task, sources, seed, _FILES_A_TASK)
            running.append((number, seed, future))
        if not running:
            break
        for number, seed, future in running:
            n_tasks += 1
            try:
                failure = future.result()
            except BrokenProcessPool:
                n_dead += 1
                print(f"a worker died on a file of {seed}")
                pools[number] = _pool()
                continue
            if failure is not None:
                failures.append(failure[:400])
    for pool in pools:
        pool.shutdown()
    return n_tasks, n_dead, failures


def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def _seeds(options: argparse.Namespace) -> Iterator[str]:
    """Yield a seed for each task, until the files or the time are used up."""
    end = time.monotonic() + options.seconds if options.seconds else float("inf")
    n_tasks = -(-options.files // _FILES_A_TASK)
    for number in range(n_tasks):
        if time.monotonic() > end:
            return
        yield f"{options.seed}/{number}"


def main() -> int:
    """Run as long as asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repo", type=Path)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    repository = discover(options.repo)
    head = bytes.fromhex(history.resolve(repository, "HEAD"))
    with blob_reader(repository, max_bytes=1 << 20) as reader:
        tree = history.list_tree(repository, head)
        read = [reader.read(oid)[1] for path, oid in tree if path.endswith(b".rs")]
    sources = [source[:_MAX_BYTES] for source in read if source]
    n_tasks, n_dead, failures = run_tasks(sources, _seeds(options), options.jobs)
    for failure in failures:
        print(failure)
    print(
        f"{n_tasks * _FILES_A_TASK:,} damaged files: {len(failures)} tasks with bytes lost or an "
        f"error raised, {n_dead} workers that died"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
