"""Damage real Rust files at random and check that the parser loses nothing and raises nothing.

    python benchmarks/fuzz.py REPO [--seconds 60] [--seed 1]

Takes the newest files of REPO. A file that fails is printed, and the status is 1; a crash of the
process is a failure, too.
"""

import argparse
import random
import sys
import time
from pathlib import Path

from rsidx.indexer import history
from rsidx.indexer.git import discover
from rsidx.indexer.objects import blob_reader
from rsidx.indexer.rust.facts import extract
from rsidx.indexer.rust.parser import parse

_MAX_BYTES = 6000
_INSERTED = (b"", b"{", b"}", b"(", b'"', b"'", b"\n", b"::", b"<", b"!", b"#", b"\xff", b"*/")
_DELETED = (0, 1, 1, 2, 5, 40)


def damaged(source: bytes, rng: random.Random) -> bytes:
    """Return a source with up to four pieces cut out or put in."""
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(source) + 1)
        end = start + rng.choice(_DELETED)
        source = source[:start] + rng.choice(_INSERTED) + source[end:]
    return source


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


def main() -> int:
    """Run for the time given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repo", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    repository = discover(options.repo)
    head = bytes.fromhex(history.resolve(repository, "HEAD"))
    with blob_reader(repository, max_bytes=1 << 20) as reader:
        tree = history.list_tree(repository, head)
        read = [reader.read(oid)[1] for path, oid in tree if path.endswith(b".rs")]
    sources = [source[:_MAX_BYTES] for source in read if source]
    rng = random.Random(options.seed)
    n_files = 0
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        before = rng.choice(sources)
        source = damaged(before, rng)
        n_files += 1
        try:
            check(source, before)
        except Exception as error:
            print(f"file {n_files} of seed {options.seed}: {error!r}\n{source!r}")
            return 1
    print(f"{n_files:,} damaged files: nothing lost, nothing raised")
    return 0


if __name__ == "__main__":
    sys.exit(main())
