"""Measure rsidx side by side with what it is compared with, in one run.

    python benchmarks/speed.py REPO [REPO...] --tokenizer FILE --out FOLDER [--jobs N] [--quick]

Writes `speed.json`, `speed.md` and the plots to FOLDER, beside what a run before found of others.
Every REPO is cloned first, without a copy of its objects. Short things are measured three times
in turn, and their medians stand in the table; whole histories once. Needs `.[benchmarks]`, and
ctags for one of the rows.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).parent
RSIDX = (sys.executable, "-P", "-m", "rsidx")
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
IDENTITY = ("-c", "user.name=x", "-c", "user.email=x@example.com")
_TIMES = 3
_STEPS = 4
"""Into so many parts a history is divided for the plot."""


class Peak(threading.Thread):
    """Watches the memory of a process and of all that it starts: the most at one time, in MB.

    Pages that processes share count once (proportional set size).
    """

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self._process = process
        self.mb = 0.0

    def run(self) -> None:
        """Watch until the process ends."""
        while self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE:
            total = 0
            try:
                for one in (self._process, *self._process.children(recursive=True)):
                    total += one.memory_full_info().pss
            except psutil.Error:
                pass
            self.mb = max(self.mb, total / 1e6)
            time.sleep(0.1)


def run(*command: str) -> dict[str, float]:
    """Run a command; return its wall seconds and its most memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, **QUIET)  # type: ignore[call-overload]
    peak = Peak(psutil.Process(process.pid))
    peak.start()
    status = process.wait()
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(command)}: status {status}")
    peak.join()
    return {"seconds": seconds, "mb": peak.mb}


def rival(*arguments: str) -> dict[str, Any]:
    """Run a rival and return what it says."""
    command = (sys.executable, "-P", str(HERE / "rivals.py"), *arguments)
    found: dict[str, Any] = json.loads(subprocess.check_output(command, stderr=subprocess.DEVNULL))
    return found


def git(folder: Path, *arguments: str, **variables: str) -> str:
    """Run git and return what it printed."""
    command = ["git", "-C", str(folder), *IDENTITY, *arguments]
    return subprocess.check_output(
        command, text=True, stderr=subprocess.STDOUT, env={**os.environ, **variables}
    )


def median(measure: Callable[[], float]) -> float:
    """Return the median of a few measurements."""
    return statistics.median(measure() for _ in range(_TIMES))


def pack_bytes(repo: Path) -> int:
    """Return the size of a repository's packs."""
    objects = Path(git(repo, "rev-parse", "--path-format=absolute", "--git-common-dir").strip())
    packs = [*(objects / "objects" / "pack").glob("*.pack")]
    return sum(pack.stat().st_size for pack in packs)


def backfill(clone: Path, index: Path, jobs: int, *revisions: str) -> dict[str, Any]:
    """Take in a history from nothing."""
    for file in index.parent.glob(f"{index.name}*"):
        file.unlink()
    found: dict[str, Any] = run(
        *RSIDX, "backfill", "-C", str(clone), "--db", str(index), "--jobs", str(jobs), *revisions
    )
    return {**found, "bytes": index.stat().st_size}


def exports(clone: Path, index: Path, work: Path, tokenizer: str, jobs: int) -> dict[str, Any]:
    """Export twice, with one more commit in between."""
    out = work / "out"
    command = (
        *RSIDX, "export", str(out), "-C", str(clone), "--db", str(index),
        "--tokenizer", tokenizer, "--jobs", str(jobs),
    )  # fmt: skip
    first = run(*command)
    sync_one(clone, index, 0)
    again = run(*command)
    shutil.rmtree(out)
    cache = index.with_name(f"{index.name}.cache")
    return {"first": first, "again": again, "cache_bytes": cache.stat().st_size}


def sync_one(clone: Path, index: Path, number: int) -> float:
    """Commit a change of a Rust file and take it in; return the seconds that the latter took."""
    file = next(clone / name for name in git(clone, "ls-files", "*.rs").splitlines())
    with file.open("a", encoding="utf-8") as lines:
        lines.write(f"\npub fn measured_{number}_{time.time_ns()}() {{}}\n")
    git(clone, "commit", "-qam", f"measured {number}", RSIDX="0")
    return run(*RSIDX, "backfill", "-C", str(clone), "--db", str(index))["seconds"]


def hook(clone: Path) -> dict[str, float]:
    """Measure commits with the hook and without, and the worker until the index is fresh."""
    subprocess.run([*RSIDX, "backfill", "-C", str(clone)], check=True, **QUIET)  # type: ignore[call-overload]
    subprocess.run([*RSIDX, "hooks", "install", "-C", str(clone)], check=True, **QUIET)  # type: ignore[call-overload]
    file = next(clone / name for name in git(clone, "ls-files", "*.rs").splitlines())
    seconds: dict[str, list[float]] = {"with": [], "without": [], "fresh": [], "imports": []}
    for number in range(7 * _TIMES):
        for name, variables in (("with", {}), ("without", {"RSIDX": "0"})):
            with file.open("a", encoding="utf-8") as lines:
                lines.write(f"\npub fn hooked_{name}_{number}() {{}}\n")
            git(clone, "add", "-A")
            start = time.perf_counter()
            git(clone, "commit", "-qm", name, **variables)
            seconds[name].append(time.perf_counter() - start)
            if not variables:
                time.sleep(1)
    for number in range(2 * _TIMES):
        with file.open("a", encoding="utf-8") as lines:
            lines.write(f"\npub fn fresh_{number}() {{}}\n")
        git(clone, "commit", "-qam", "fresh", RSIDX="0")
        command = [*RSIDX, "hooks", "run", "-C", str(clone)]
        start = time.perf_counter()
        subprocess.run(command, check=True, **QUIET)  # type: ignore[call-overload]
        seconds["fresh"].append(time.perf_counter() - start)
        seconds["imports"].append(rival("imports")["seconds"])
    if shutil.which("ctags"):
        seconds["ctags"] = []
        for _ in range(_TIMES):
            command = ["ctags", "-R", "--languages=Rust", "-f", "-", "."]
            start = time.perf_counter()
            subprocess.run(command, cwd=clone, check=True, **QUIET)  # type: ignore[call-overload]
            seconds["ctags"].append(time.perf_counter() - start)
    tree = sum(
        (clone / name).stat().st_size for name in git(clone, "ls-files", "*.rs").split("\n") if name
    )
    found = {name: statistics.median(times) for name, times in seconds.items()}
    return {**found, "tree_bytes": tree}


def measure(repo: Path, tokenizer: str, work: Path, jobs: int, *, quick: bool) -> dict[str, Any]:
    """Measure one repository."""
    clone, index = work / "clone", work / "index.db"
    git(Path(), "clone", "-q", "--shared", str(repo), str(clone))
    commits = git(clone, "rev-list", "--reverse", "--topo-order", "HEAD").split()
    found: dict[str, Any] = {"n_commits": len(commits), "pack_bytes": pack_bytes(repo)}
    found["scaling"] = []
    for step in range(1, _STEPS):
        position = len(commits) * step // _STEPS
        one = backfill(clone, index, jobs, commits[position])
        found["scaling"].append({"n_commits": position, **one})
    found["tree-sitter"] = rival("tree-sitter", str(clone))
    found["git"] = rival("git", str(clone))
    found["backfill"] = backfill(clone, index, jobs)
    found["scaling"].append({"n_commits": len(commits), **found["backfill"]})
    found["sync_one_s"] = statistics.median(sync_one(clone, index, n) for n in range(_TIMES))
    if not quick:
        found["pydriller"] = rival("pydriller", str(clone))
        found["export"] = exports(clone, index, work, tokenizer, jobs)
        found["tokenizers"] = rival("tokenizers", str(index), "--tokenizer", tokenizer)
    found["hook"] = hook(clone)
    return found


def rows(found: dict[str, Any]) -> dict[str, str]:
    """Return the lines of the table: what was measured, and what it is compared with."""
    backfill_s, hooked = found["backfill"]["seconds"], found["hook"]
    lines = {
        "commits": f"{found['n_commits']:,}",
        "Rust files' versions": f"{found['tree-sitter']['n_blobs']:,}, "
        f"{found['tree-sitter']['n_bytes'] / 1e6:,.0f} MB",
        "backfill": f"{backfill_s:.1f} s, {found['backfill']['mb']:.0f} MB",
        "tree-sitter alone, one core": _ratio(found["tree-sitter"]["seconds"], backfill_s),
        "git alone": _ratio(found["git"]["seconds"], backfill_s),
    }
    if "pydriller" in found:
        drawn = found["pydriller"]
        lines[f"PyDriller and tree-sitter ({drawn['n_drawn']} commits drawn)"] = (
            f"{drawn['commits_a_second']:.1f} commits/s; {_ratio(drawn['seconds'], backfill_s)}"
        )
    lines["index"] = (
        f"{found['backfill']['bytes'] / 1e6:.1f} MB, "
        f"{found['backfill']['bytes'] / found['pack_bytes']:.0%} of the pack"
    )
    if "export" in found:
        first, again = found["export"]["first"], found["export"]["again"]
        lines["export, first"] = f"{first['seconds']:.1f} s, {first['mb']:.0f} MB"
        alone_s = found["tokenizers"]["seconds"]
        lines["tokenizers alone, both cores"] = _ratio(alone_s, first["seconds"])
        lines["export, after one more commit"] = (
            f"{again['seconds']:.1f} s, {again['seconds'] / first['seconds']:.0%} of the first"
        )
    lines["git commit with the hook, and without"] = (
        f"{hooked['with'] * 1000:.1f} ms, {hooked['without'] * 1000:.1f} ms"
    )
    lines["hook, until the index is fresh"] = (
        f"{hooked['fresh']:.2f} s, {hooked['fresh'] / hooked['imports']:.2f} x the imports"
    )
    if "ctags" in hooked:
        lines["ctags over the tree"] = (
            f"{hooked['ctags']:.2f} s ({hooked['tree_bytes'] / 1e6:.1f} MB of Rust)"
        )
    return lines


def _ratio(theirs: float, ours: float) -> str:
    return f"{theirs:.1f} s; ours takes {ours / theirs:.2f} x that"


def main() -> int:
    """Measure all repositories, and write table, figures and plots."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repos", nargs="+", type=Path)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--names", default="", help="column titles, by comma")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--quick", action="store_true", help="leave PyDriller and exports out")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    names = options.names.split(",") if options.names else [repo.name for repo in options.repos]
    file = options.out / "speed.json"
    found: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    for name, repo in zip(names, options.repos, strict=True):
        with tempfile.TemporaryDirectory(prefix="rsidx-speed-") as work:
            found[name] = measure(
                repo.absolute(), options.tokenizer, Path(work), options.jobs, quick=options.quick
            )
        file.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    table = _table(found)
    (options.out / "speed.md").write_text(table, "utf-8")
    print(table, end="")
    subprocess.run([sys.executable, "-P", str(HERE / "plots.py"), str(options.out)], check=True)
    return 0


def _table(found: dict[str, Any]) -> str:
    columns = [rows(one) for one in found.values()]
    lines = [f"| | {' | '.join(found)} |", "|---|" + "---|" * len(columns)]
    keys: Sequence[str] = list(dict.fromkeys(key for column in columns for key in column))
    lines += [f"| {key} | {' | '.join(c.get(key, '') for c in columns)} |" for key in keys]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
