"""What rsidx is compared with: one rival a call, in a process of its own.

    python benchmarks/rivals.py tree-sitter REPO
    python benchmarks/rivals.py git REPO
    python benchmarks/rivals.py pydriller REPO [-n COMMITS]     (REPO is no bare repository)
    python benchmarks/rivals.py tokenizers INDEX --tokenizer FILE
    python benchmarks/rivals.py imports

Prints JSON with `seconds`, and what was worked through in them.
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import IO, Any

import tree_sitter_rust
from tree_sitter import Language, Parser

_MAX_BYTES = 1_000_000
_SEED = 1
_TEXTS_AT_ONCE = 4096
LIBRARIES = ("sqlalchemy.dialects.sqlite", "tree_sitter", "tree_sitter_rust", "git", "click",
             "zstandard", "orjson")  # fmt: skip
"""What a hook's worker imports."""


def rust_blobs(repo: Path) -> list[bytes]:
    """Return the Rust blobs that HEAD's history brings in, as hexadecimal, each once."""
    log = subprocess.check_output(
        ["git", "-C", str(repo), "log", "--raw", "-z", "--no-abbrev", "--no-renames", "--format=",
         "--diff-merges=first-parent", "HEAD", "--", "*.rs"]
    )  # fmt: skip
    entries = (field.split() for field in log.split(b"\0") if field.lstrip().startswith(b":"))
    files = ((entry[1], entry[3]) for entry in entries)
    return list(dict.fromkeys(oid for mode, oid in files if mode.startswith(b"100")))


def contents(repo: Path, oids: list[bytes]) -> Iterator[bytes]:
    """Yield the contents of blobs, from one `cat-file`."""
    with subprocess.Popen(
        ["git", "-C", str(repo), "cat-file", "--batch"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as git:  # fmt: skip
        assert git.stdin
        assert git.stdout
        feeder = threading.Thread(target=_feed, args=(git.stdin, oids))
        feeder.start()
        for _ in oids:
            size = int(git.stdout.readline().split()[2])
            yield git.stdout.read(size + 1)[:-1]
        feeder.join()


def _feed(pipe: IO[bytes], oids: list[bytes]) -> None:
    pipe.writelines(oid + b"\n" for oid in oids)
    pipe.close()


def tree_sitter(repo: Path) -> dict[str, Any]:
    """Parse each Rust blob once, from scratch, on one core; nothing else is in the time."""
    parser = Parser(Language(tree_sitter_rust.language()))
    seconds, n_bytes, n_blobs = 0.0, 0, 0
    for content in contents(repo, rust_blobs(repo)):
        if len(content) <= _MAX_BYTES:
            start = time.perf_counter()
            parser.parse(content)
            seconds += time.perf_counter() - start
            n_bytes += len(content)
            n_blobs += 1
    return {"seconds": seconds, "n_blobs": n_blobs, "n_bytes": n_bytes}


def git(repo: Path) -> dict[str, Any]:
    """List the history with its changes, and read each Rust blob once."""
    start = time.perf_counter()
    n_bytes = sum(len(content) for content in contents(repo, rust_blobs(repo)))
    return {"seconds": time.perf_counter() - start, "n_bytes": n_bytes}


def pydriller(repo: Path, n_commits: int) -> dict[str, Any]:
    """Parse both sides of each changed Rust file, for commits drawn from the whole history."""
    from pydriller import Git

    out = subprocess.check_output(["git", "-C", str(repo), "rev-list", "HEAD"], text=True)
    every = out.split()
    drawn = sorted(random.Random(_SEED).sample(every, min(n_commits, len(every))))
    parser = Parser(Language(tree_sitter_rust.language()))
    n_files = n_failed = 0
    history = Git(str(repo))
    start = time.perf_counter()
    for oid in drawn:
        try:
            for file in history.get_commit(oid).modified_files:
                if file.filename.endswith(".rs"):
                    n_files += 1
                    for side in (file.source_code_before, file.source_code):
                        if side:
                            parser.parse(side.encode())
        except Exception:  # It stumbles over some commits, whatever the reason.
            n_failed += 1
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds * len(every) / len(drawn),
        "n_drawn": len(drawn),
        "n_failed": n_failed,
        "n_files": n_files,
        "commits_a_second": len(drawn) / seconds,
    }


def tokenizers(index: Path, tokenizer: str) -> dict[str, Any]:
    """Encode the distinct texts that an export of the index encodes, on all cores."""
    from rsidx.exporters.rendering.encoder import load

    alone = load(tokenizer)
    seconds, n_texts, n_chars = 0.0, 0, 0
    n_parts = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, str(number)) for number in range(n_parts)]
        with ProcessPoolExecutor(n_parts, mp_context=get_context("spawn")) as pool:
            parts = [pool.submit(gather, index, tokenizer, file, files) for file in files]
            for part in parts:
                part.result()
        for texts in _distinct(files):
            start = time.perf_counter()
            alone.encode_batch_fast(texts, add_special_tokens=False)
            seconds += time.perf_counter() - start
            n_texts += len(texts)
            n_chars += sum(map(len, texts))
    return {"seconds": seconds, "n_texts": n_texts, "n_chars": n_chars}


def gather(index: Path, tokenizer: str, file: Path, files: Sequence[Path]) -> None:
    """Write the texts that an export encodes to a file, for one stretch of as many as files."""
    from rsidx.exporters.config import ExportConfig
    from rsidx.exporters.pipeline import commit
    from rsidx.exporters.pipeline.phases import Phases
    from rsidx.exporters.rendering.encoder import Encoder
    from rsidx.store import queries
    from rsidx.store.database import Database, resolve_url
    from rsidx.store.reader import Reader

    plain = Encoder._encoded
    config = ExportConfig(tokenizer=tokenizer)
    database = Database(resolve_url(str(index)), create=False)
    with database.reading() as connection, file.open("w", encoding="utf-8") as lines:

        def encoded(self: Encoder, texts: Sequence[str]) -> Any:
            lines.writelines(json.dumps(text) + "\n" for text in texts)
            return plain(self, texts)

        Encoder._encoded = encoded  # type: ignore[method-assign]
        repository = queries.repository_id(connection, None)
        assert repository is not None
        reader = Reader(connection, repository)
        wanted = [row for row in reader.commits() if len(row.parents) < 2 and not row.is_bot]
        size, number = -(-len(wanted) // len(files)), files.index(file)
        mine = wanted[number * size : (number + 1) * size]
        maker = commit.CommitPipeline(reader, config, commit.writing_tools(config)[2])
        for first in range(0, len(mine), 24):
            for _ in maker.results(mine[first : first + 24], Phases()):
                pass


def _distinct(files: Sequence[Path]) -> Iterator[list[str]]:
    """Yield each text of some files once, many at a time."""
    seen: set[bytes] = set()
    texts: list[str] = []
    for file in files:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                digest = hashlib.blake2b(line.encode(), digest_size=16).digest()
                if digest not in seen:
                    seen.add(digest)
                    texts.append(json.loads(line))
                if len(texts) == _TEXTS_AT_ONCE:
                    yield texts
                    texts = []
    yield texts


def imports() -> dict[str, Any]:
    """Import the libraries that a hook's worker uses, in a process of its own."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-P", "-c", f"import {', '.join(LIBRARIES)}"], check=True)
    return {"seconds": time.perf_counter() - start}


def main() -> int:
    """Run one rival and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "rival", choices=["tree-sitter", "git", "pydriller", "tokenizers", "imports"]
    )
    parser.add_argument("place", type=Path, nargs="?", default=Path())
    parser.add_argument("--tokenizer", default="")
    parser.add_argument("-n", type=int, default=300)
    options = parser.parse_args()
    rivals = {
        "tree-sitter": lambda: tree_sitter(options.place),
        "git": lambda: git(options.place),
        "pydriller": lambda: pydriller(options.place, options.n),
        "tokenizers": lambda: tokenizers(options.place, options.tokenizer),
        "imports": imports,
    }
    print(json.dumps(rivals[options.rival]()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
