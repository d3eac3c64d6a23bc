"""Measure what it costs to read a history again after an upgrade that changes the extractor.

    python benchmarks/refresh.py REPO

Backfills a clone, raises the extractor's version as an upgrade does, and commits: the hook's worker
reads everything again. The worker is killed once, and another commit is made while it works.
"""

import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

_UPGRADED = """
import sys
import rsidx.indexer.rust.model as model
model.EXTRACTOR_VERSION += 1
from rsidx.__main__ import main
sys.exit(main())
"""
_NEW = ("-c", _UPGRADED)
_OLD = ("-m", "rsidx")


def run(how: tuple[str, ...], *arguments: str, kill_after_s: float | None = None) -> str:
    """Run rsidx and return wall seconds, CPU seconds and the process's peak memory, in words."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *how, *arguments], stdout=subprocess.DEVNULL)
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        process.kill()
    _, _, usage = os.wait4(process.pid, 0)
    return _words(time.perf_counter() - start, usage)


def _words(wall_s: float, usage: resource.struct_rusage) -> str:
    cpu_s = usage.ru_utime + usage.ru_stime
    return f"{wall_s:.1f} s, {cpu_s:.1f} s of CPU, {usage.ru_maxrss / 1024:.0f} MB"


def stale(file: Path) -> tuple[int, int, int]:
    """Return how many blobs the oldest version read, how many blobs there are, and commits."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=60)) as connection:
        of_version = "SELECT count(*) FROM blob WHERE extractor_version = ?"
        version = connection.execute("SELECT min(extractor_version) FROM blob").fetchone()[0]
        n_old = connection.execute(of_version, (version,)).fetchone()[0]
        n_all = connection.execute("SELECT count(*) FROM blob").fetchone()[0]
        n_commits = connection.execute('SELECT count(*) FROM "commit"').fetchone()[0]
    return n_old, n_all, n_commits


def main() -> None:
    """Run all of it and print a line a step."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "-q", sys.argv[1], str(clone)], check=True)
        place = ("-C", str(clone))
        file = clone / ".git/rsidx/index.db"
        print("backfill:", run(_OLD, "backfill", *place), stale(file)[1:])
        size = file.stat().st_size
        commit(clone, "after the upgrade")
        print("worker, killed:", run(_NEW, "hooks", "run", *place, kill_after_s=20))
        print("  left:", stale(file))
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, *_NEW, "hooks", "run", *place])
        time.sleep(10)
        made = time.perf_counter()
        commit(clone, "meanwhile")
        (clone / ".git/rsidx/wake").touch()
        before, most = stale(file)[2], size
        while stale(file)[2] == before:
            time.sleep(0.2)
        print(f"a commit meanwhile: indexed after {time.perf_counter() - made:.1f} s")
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            most = max(most, file.stat().st_size)
            time.sleep(0.2)
        print("worker:", _words(time.perf_counter() - start, ended[2]))
        status = [sys.executable, *_NEW, "status", "--json", *place]
        left = json.loads(subprocess.run(status, check=True, capture_output=True).stdout)
        print("left:", left["n_stale_blobs"], "behind:", left["behind"])
        print(f"index: {size:,} bytes, at most {most:,}, then {file.stat().st_size:,}")
        commit(clone, "later")
        print("the next commit's worker:", run(_NEW, "hooks", "run", *place))


def commit(clone: Path, text: str) -> None:
    """Commit a file, without the hook."""
    name = ("-c", "user.name=N", "-c", "user.email=n@example.org")
    (clone / "new.rs").write_text(f"// {text}\nfn new() {{}}\n")
    for command in (("add", "new.rs"), (*name, "commit", "-qm", text)):
        subprocess.run(["git", "-C", str(clone), *command], check=True)


if __name__ == "__main__":
    main()
