"""Measure a corpus of whole histories with one worker and with several, and compare the bytes.

    python benchmarks/corpus.py REPO REPO... --tokenizer FILE [--work FOLDER] [--workers 1,2]

Prints the tables of `docs/corpus.md`. Each run is a process of its own in a new folder, timed from
outside, with its CPU time and the most memory that all its processes had at once (needs psutil).
With `--kills N` a run more is killed at N random moments, and ended.

`path s` is the CPU time of the longest path through the processes: the main one's, and in each
stage that of the worker that had most to do. It is the wall time on cores that are free, if memory
and disk hold nobody up, and it can be measured where they are not.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import psutil

_RUN = """
import sys
from rsidx import Corpus
begun = set()
def tell(stage, *_):
    if stage not in begun:
        begun.add(stage)
        print(stage, flush=True)
if __name__ == "__main__":
    Corpus(sys.argv[1]).run(progress=tell)
"""
_CONFIG = """
[corpus]
repositories = "repositories.txt"
out = "out"
work = "work"
workers = {workers}
[export]
tokenizer = "{tokenizer}"
{since}
"""


class Tree(threading.Thread):
    """Watches a process and all that it starts: CPU seconds, and the most memory at once in MB.

    Of a process that ends, what it used in its last tenth of a second is not seen. The process
    names its stage on a line of its output whenever another one begins.
    """

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process(process.pid)
        self._output = process.stdout
        self._stage = ""
        self._cpu: dict[int, float] = {}
        self._stages: dict[int, set[str]] = defaultdict(set)
        self.mb = 0.0

    @property
    def cpu(self) -> float:
        """The CPU time of all processes."""
        return sum(self._cpu.values())

    @property
    def path(self) -> float:
        """The CPU time of the longest path through the processes."""
        workers: dict[str, list[float]] = defaultdict(list)
        alone = 0.0
        for pid, cpu in self._cpu.items():
            if pid == self._process.pid or len(self._stages[pid]) > 1:
                alone += cpu
            else:
                workers[min(self._stages[pid])].append(cpu)
        print(f"alone {alone:.1f}", dict(workers), file=sys.stderr)
        return alone + sum(map(max, workers.values()))

    def run(self) -> None:
        """Watch until the process ends."""
        reader = threading.Thread(target=self._read, daemon=True)
        reader.start()
        while self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE:
            total = 0
            with suppress(psutil.Error):
                for one in (self._process, *self._process.children(recursive=True)):
                    times = one.cpu_times()
                    self._cpu[one.pid] = times.user + times.system
                    self._stages[one.pid].add(self._stage)
                    total += one.memory_full_info().pss
            self.mb = max(self.mb, total / 1e6)
            time.sleep(0.1)

    def _read(self) -> None:
        for line in self._output or ():
            self._stage = line.decode().strip()


def configured(folder: Path, given: argparse.Namespace, workers: int) -> Path:
    """Write the configuration of a run into a new folder; return its file."""
    folder.mkdir(parents=True)
    lines = "".join(f"{repo.absolute()}\n" for repo in given.repos)
    (folder / "repositories.txt").write_text(lines)
    file = folder / "corpus.toml"
    since = f'since = "{given.since}"' if given.since else ""
    tokenizer = given.tokenizer.absolute()
    file.write_text(_CONFIG.format(workers=workers, tokenizer=tokenizer, since=since))
    return file


def started(file: Path) -> "subprocess.Popen[bytes]":
    """Start a run in a session of its own."""
    command = [sys.executable, "-c", _RUN, str(file)]
    return subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE)


def measured(file: Path) -> tuple[float, Tree]:
    """Run a corpus; return wall seconds, and what its processes used."""
    start = time.perf_counter()
    process = started(file)
    tree = Tree(process)
    tree.start()
    status = process.wait()
    wall = time.perf_counter() - start
    if status:
        raise SystemExit(f"{file}: status {status}")
    tree.join()
    return wall, tree


def digest(out: Path) -> str:
    """Return a digest of a data set without its manifest, whose times differ."""
    found = hashlib.sha256()
    for file in sorted(out.rglob("*")):
        if file.is_file() and file.name != "manifest.json":
            found.update(file.relative_to(out).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:12]


def n_bytes(folder: Path) -> int:
    """Return the size of a folder's files."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def killed(file: Path, n_kills: int, seconds: float) -> None:
    """Kill a run at random moments, and let it end."""
    rng = random.Random(1)
    for _ in range(n_kills):
        process = started(file)
        with suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0.05, 1) * seconds)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if started(file).wait():
        raise SystemExit("the run that was killed did not end well")


def main() -> None:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repos", nargs="+", type=Path)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--since", help="a date, as of rsidx export")
    given = parser.parse_args()
    folder = given.work or Path(tempfile.mkdtemp(prefix="rsidx-corpus-"))
    digests = set()
    wall = 0.0
    print(
        "| workers | wall s | CPU s | path s | memory MB | work MB | data set MB | rows | bytes |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---|")
    for workers in map(int, given.workers.split(",")):
        at = folder / f"workers-{workers}"
        file = configured(at, given, workers)
        wall, tree = measured(file)
        manifest = json.loads((at / "out/manifest.json").read_text())
        rows = sum(manifest["counts"]["examples"].values())
        digests.add(digest(at / "out"))
        sizes = n_bytes(at / "work") / 1e6, n_bytes(at / "out") / 1e6
        print(
            f"| {workers} | {wall:.1f} | {tree.cpu:.1f} | {tree.path:.1f} | {tree.mb:.0f} "
            f"| {sizes[0]:.0f} | {sizes[1]:.0f} | {rows:,} | {digest(at / 'out')} |",
            flush=True,
        )
        print(f"stages, wall s: {manifest['phases_s']}", file=sys.stderr, flush=True)
        if not given.work:
            shutil.rmtree(at)
    if given.kills:
        at = folder / "killed"
        killed(configured(at, given, workers), given.kills, wall)
        digests.add(digest(at / "out"))
        print(f"killed {given.kills} times: {digest(at / 'out')}")
    print("the same bytes" if len(digests) == 1 else "OTHER BYTES")


if __name__ == "__main__":
    main()
