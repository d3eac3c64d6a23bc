"""100 commits with the hook on, while a second process commits in a linked worktree.

    python benchmarks/commits.py [--repo REPO] [-n 100]

Works on a clone of REPO, or on a repository of its own. Says how long `git commit` took with and
without the hook (medians, in turn), how many commits the index has at the end, and whether
anything was printed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

RSIDX = (sys.executable, "-P", "-m", "rsidx")
ENVIRONMENT = {
    **os.environ,
    "GIT_AUTHOR_NAME": "x",
    "GIT_AUTHOR_EMAIL": "x@example.com",
    "GIT_COMMITTER_NAME": "x",
    "GIT_COMMITTER_EMAIL": "x@example.com",
}


def git(folder: Path, *arguments: str, **variables: str) -> str:
    """Run git; return all that it printed, on either stream."""
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        check=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**ENVIRONMENT, **variables},
    )
    return done.stdout


def commit(folder: Path, number: int, printed: list[str], **variables: str) -> float:
    """Change a file and commit it; return the seconds that `git commit` took."""
    (folder / f"{folder.name}.rs").write_text(f"pub fn f() -> u32 {{\n    {number}\n}}\n")
    git(folder, "add", f"{folder.name}.rs")
    start = time.perf_counter()
    out = git(folder, "commit", "--quiet", "-m", f"{folder.name} {number}", **variables)
    seconds = time.perf_counter() - start
    if out:
        printed.append(out)
    return seconds


def main() -> int:
    """Run, and print what was found; exit with 1 where a commit is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repo", type=Path)
    parser.add_argument("-n", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rsidx-commits-", ignore_cleanup_errors=True) as name:
        return measure(Path(name), options.repo, options.n)


def measure(work: Path, source: Path | None, n_commits: int) -> int:
    """Commit in two worktrees at once and count what the index has."""
    main_tree, linked = work / "main", work / "linked"
    if source is None:
        git(work, "init", "--quiet", "-b", "main", str(main_tree))
        commit(main_tree, 0, [])
    else:
        git(work, "clone", "--quiet", str(source), str(main_tree))
    git(main_tree, "worktree", "add", "-q", str(linked), "-b", "linked-side")
    subprocess.run([*RSIDX, "backfill", "-C", str(main_tree)], check=True)
    subprocess.run([*RSIDX, "hooks", "install", "-C", str(main_tree)], check=True)
    printed: list[str] = []
    stop = threading.Event()

    def beside() -> None:
        number = 0
        while not stop.is_set():
            commit(linked, number, printed)
            number += 1
            time.sleep(0.05)

    thread = threading.Thread(target=beside)
    thread.start()
    with_hook, without = [], []
    for number in range(1, n_commits + 1):
        with_hook.append(commit(main_tree, number, printed))
        without.append(commit(main_tree, -number, printed, RSIDX="0"))
    stop.set()
    thread.join()
    start = time.perf_counter()
    while time.perf_counter() - start < 60:
        out = subprocess.check_output([*RSIDX, "status", "-C", str(main_tree), "--json"])
        status = json.loads(out)
        if not status["behind"]:
            break
        time.sleep(0.2)
    all_commits = git(main_tree, "rev-list", "--count", "HEAD", "linked-side").strip()
    lag = time.perf_counter() - start
    print(
        f"git commit, median of {n_commits}: {statistics.median(with_hook) * 1000:.1f} ms with "
        f"the hook, {statistics.median(without) * 1000:.1f} ms with RSIDX=0"
    )
    print(f"slowest: {max(with_hook) * 1000:.1f} ms and {max(without) * 1000:.1f} ms")
    print(
        f"commits in both worktrees: {all_commits}; in the index: "
        f"{status['counts']['n_commits']}; behind: {status['behind'] or 'nothing'}, "
        f"{lag:.1f} s after the last one"
    )
    print(f"printed by git or the hook: {''.join(printed) or 'nothing'}")
    return bool(status["behind"] or printed)


if __name__ == "__main__":
    sys.exit(main())
