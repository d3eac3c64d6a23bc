"""Measure backfill and export on whole histories, and check every blob and every row.

    python benchmarks/measure.py REPO [REPO...] --tokenizer FILE [--work FOLDER] [--jobs N]

Prints the table of `docs/measurements.md`. Each command runs as a process of its own, timed from
outside, with the most memory that it or one of its workers had.
"""

import argparse
import filecmp
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sqlalchemy import select

from rsidx.exporters.splits.split import SPLITS
from rsidx.indexer.git import history
from rsidx.indexer.git.blobs import blob_reader
from rsidx.indexer.git.discovery import discover
from rsidx.store import queries, schema
from rsidx.store.database import Database, resolve_url
from rsidx.store.reader import Reader
from rsidx.store.records import PARSED


def timed(*command: str, may_fail: bool = False) -> tuple[float, float, float, str]:
    """Run a command; return wall seconds, CPU seconds, peak memory in MB, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if status and not may_fail:
        raise SystemExit(f"{' '.join(command)}: status {status}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, usage.ru_maxrss / 1024, out


def apart(check: Any, *arguments: Any) -> Any:
    """Run a check in a process of its own: what is started from here must start small."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        return executor.submit(check, *arguments).result()


def check_blobs(repo: Path, file: Path) -> tuple[int, int]:
    """Return how many parsed blobs there are, and how many are not their chunks concatenated."""
    repository = discover(repo)
    database = Database(resolve_url(str(file)), create=False)
    n_blobs = n_bad = 0
    with database.reading() as connection, blob_reader(repository, max_bytes=1 << 40) as git:
        reader = Reader(connection, queries.repository_id(connection, None) or 0)
        table = schema.blob.c
        for blob_id, oid, state in connection.execute(select(table.id, table.oid, table.state)):
            if state in PARSED:
                n_blobs += 1
                n_bad += reader.blob_text(blob_id) != git.read(oid)[1]
    database.close()
    return n_blobs, n_bad


def check_newest(repo: Path, file: Path) -> tuple[int, int]:
    """Return how many Rust files HEAD has, and how many the parser finds an error in."""
    repository = discover(repo)
    head = history.resolve(repository, "HEAD")
    tree = [
        oid
        for path, oid in history.list_tree(repository, bytes.fromhex(head))
        if path.endswith(b".rs")
    ]
    database = Database(resolve_url(str(file)), create=False)
    with database.reading() as connection:
        reader = Reader(connection, queries.repository_id(connection, None) or 0)
        ids = reader.blob_ids(set(tree))
        n_errors = sum(reader.blob(ids[oid]).state != "parsed" for oid in tree)
    database.close()
    return len(tree), n_errors


def same_bytes(first: Path, second: Path) -> bool:
    """Tell whether two exports are the same but for the manifest's times."""
    names = sorted(p.relative_to(first) for p in first.rglob("*") if p.is_file())
    others = sorted(p.relative_to(second) for p in second.rglob("*") if p.is_file())
    return names == others and all(
        filecmp.cmp(first / name, second / name, shallow=False)
        for name in names
        if name.name != "manifest.json"
    )


def n_edits_found(out: Path, dropped: dict[str, int]) -> int:
    """Return how many edits an export found before its filters: with a row, or dropped."""
    n_kept = 0
    for split in SPLITS:
        with (out / f"{split}.meta.jsonl").open("rb") as lines:
            n_kept += sum(json.loads(line)["part"][0] == 1 for line in lines)
    return n_kept + sum(n for reason, n in dropped.items() if reason.startswith("edits_"))


def measure(repo: Path, tokenizer: str, work: Path, jobs: int) -> dict[str, Any]:
    """Measure one history; returns rows of the table by name."""
    rsidx = (sys.executable, "-P", "-m", "rsidx")
    file = work / "index.db"
    common = ("-C", str(repo), "--db", str(file))
    wall, cpu, memory, _ = timed(*rsidx, "backfill", *common, "--jobs", str(jobs))
    status = json.loads(timed(*rsidx, "status", *common, "--json")[3])
    counts = status["counts"]
    again = timed(*rsidx, "backfill", *common)[0]
    n_blobs, n_bad = apart(check_blobs, repo, file)
    n_newest, n_errors = apart(check_newest, repo, file)
    options = ("--tokenizer", tokenizer, "--json")
    export = timed(*rsidx, "export", str(work / "a"), *common, *options)
    # Made anew, by one process: what was kept would prove nothing.
    file.with_name(f"{file.name}.cache").unlink()
    alone = timed(*rsidx, "export", str(work / "b"), *common, *options, "--jobs", "1")
    manifest = json.loads(export[3])
    n_found = n_edits_found(work / "b", manifest["dropped"])
    verified = timed(*rsidx, "verify", str(work / "a"), "-C", str(repo), "--json", may_fail=True)
    proof = json.loads(verified[3])
    packed = discover(repo).run("count-objects", "-v").decode()
    pack_kib = int(dict(line.split(": ") for line in packed.splitlines())["size-pack"])
    numbers = manifest["counts"]
    by_split = [
        f"{numbers['examples'][s]:,} / {numbers['tokens'][s]:,} / {numbers['learned_tokens'][s]:,}"
        for s in SPLITS
    ]
    return {
        "commits": f"{counts['n_commits']:,}",
        "blobs by state": ", ".join(f"{n:,} {s}" for s, n in counts["blobs_by_state"].items()),
        "chunks, in places": f"{counts['n_chunks']:,}, {counts['n_places']:,}",
        "symbols, imports, references": f"{counts['n_symbols']:,}, {counts['n_imports']:,}, "
        f"{counts['n_references']:,}",
        "backfill: wall, CPU, peak memory": f"{wall:.1f} s, {cpu:.1f} s, {memory:.0f} MB",
        "backfill again": f"{again:.2f} s",
        "database, of the pack with its index": f"{file.stat().st_size / 1e6:.1f} MB, "
        f"{file.stat().st_size / 1024 / pack_kib:.0%}",
        "export: wall, CPU, peak memory": f"{export[0]:.1f} s, {export[1]:.1f} s, "
        f"{export[2]:.0f} MB",
        "edits found, CPU for each by one process": f"{n_found:,}, "
        f"{alone[1] / n_found * 1e3:.2f} ms",
        **{f"{s}: examples / tokens / with loss": t for s, t in zip(SPLITS, by_split, strict=True)},
        "examples that are shown a definition they refer to": f"{numbers['context_coverage']:.1%}",
        "excerpts by rule": ", ".join(f"{n:,} {r}" for r, n in numbers["excerpts_by_rule"].items()),
        "left out": ", ".join(f"{n:,} {r}" for r, n in manifest["dropped"].items()),
        "phases": ", ".join(f"{name} {s:.1f} s" for name, s in manifest["phases_s"].items()),
        "files of HEAD with a syntax error": f"{n_errors} of {n_newest:,}",
        "blobs whose chunks are not the blob": f"{n_bad} of {n_blobs:,}",
        "rows and excerpts verified": f"{proof['n_rows']:,}, {proof['n_excerpts']:,} "
        f"({verified[0]:.1f} s)",
        "targets, places, times or labels that do not hold": f"{proof['n_problems']:,}",
        "two exports are the same bytes": "yes" if same_bytes(work / "a", work / "b") else "NO",
    }


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repos", nargs="+", type=Path)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--names", default="", help="column titles, by comma")
    options = parser.parse_args()
    columns = []
    for repo in options.repos:
        work = Path(tempfile.mkdtemp(prefix="rsidx-measure-"))
        try:
            columns.append(measure(repo, options.tokenizer, work, options.jobs))
        finally:
            shutil.rmtree(work)
    names = options.names.split(",") if options.names else [discover(r).name for r in options.repos]
    print(f"| | {' | '.join(names)} |")
    print("|---|" + "---|" * len(columns))
    for key in columns[0]:
        print(f"| {key} | {' | '.join(column[key] for column in columns)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
