"""Many at once: committers in several worktrees, a backfill and an export.

`RSIDX_TEST_COMMITS=50 pytest -s tests/hooks/test_concurrency.py` is the long run, 50 commits each;
it also prints what the hook costs a commit.
"""

import os
import statistics
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from rsidx.indexer.git.discovery import discover
from rsidx.store.database import Database, resolve_url
from rsidx.store.dump import dump
from tests.hooks.installed import indexed, install

N_COMMITS = int(os.environ.get("RSIDX_TEST_COMMITS", "1"))
IS_LONG = N_COMMITS >= 20
N_COMMITTERS, N_WORKTREES = (8, 4) if IS_LONG else (5, 3)


def stream(n):
    """A history for `git fast-import`, on a branch that no hook has seen."""
    lines = []
    for number in range(n):
        body = "".join(f"pub fn f{k}() -> u32 {{ {number * k} }}\n\n" for k in range(40))
        lines.append(
            f"commit refs/heads/main\ncommitter C <c@example.com> {1_600_000_000 + number * 60} "
            f"+0000\ndata 18\ncommit number {number:04d}\nM 644 inline src/m{number % 9}.rs\n"
            f"data {len(body)}\n{body}\n"
        )
    return "".join(lines).encode()


class Committer(threading.Thread):
    """Commits in a worktree that it shares with another, every other time without the hook."""

    def __init__(self, repo, number, locks):
        super().__init__()
        self.repo = repo
        self.number = number
        self.lock = locks[number % N_WORKTREES]
        self.seconds = {"0": [], "1": []}
        self.oids = []
        self.failure = None

    def run(self):
        try:
            for n in range(N_COMMITS):
                self.commit(n)
        except BaseException as error:
            self.failure = error

    def commit(self, n):
        name = f"src/c{self.number}.rs"
        for switch in ("1", "0") if n % 2 else ("0", "1"):
            # Git itself lets one at a time into a worktree's index.
            with self.lock:
                self.repo.write({name: f"pub fn c{self.number}_{n}_{switch}() {{}}\n"})
                self.repo.git("add", name)
                start = time.monotonic()
                self.repo.git("commit", "-q", "-m", f"{self.number} {n} {switch}", RSIDX=switch)
                self.seconds[switch].append(time.monotonic() - start)
                self.oids.append(self.repo.git("rev-parse", "HEAD"))


def rsidx(*arguments):
    command = [sys.executable, "-P", "-m", "rsidx", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_nothing_is_lost_shown_or_delayed(repo, wait, tmp_path, tokenizer_file):
    repo.git("fast-import", "--quiet", stdin=stream(400 if IS_LONG else 60))
    repo.git("reset", "-q", "--hard", "main")
    install(repo)
    trees = []
    for n in range(N_WORKTREES):
        path = tmp_path / f"worktree{n}"
        repo.git("worktree", "add", "-q", str(path), "-b", f"branch{n}")
        trees.append(type(repo)(path))
    # The export needs something to be there.
    assert rsidx("backfill", "-C", repo.path).returncode == 0
    locks = [threading.Lock() for _ in range(N_WORKTREES)]
    committers = [Committer(trees[n % N_WORKTREES], n, locks) for n in range(N_COMMITTERS)]
    done = threading.Event()
    others = []

    def again_and_again(*arguments):
        while not done.is_set():
            others.append(rsidx(*arguments))

    tools = [
        threading.Thread(target=again_and_again, args=arguments)
        for arguments in (
            ("backfill", "-C", repo.path, "--all", "--jobs", "2"),
            ("export", tmp_path / "out", "-C", repo.path, "--tokenizer", tokenizer_file,
             "--keep", "messages"),
        )
    ]  # fmt: skip
    for thread in (*tools, *committers):
        thread.start()
    for committer in committers:
        committer.join()
    done.set()
    for thread in tools:
        thread.join()
    failures = [committer.failure for committer in committers if committer.failure]
    assert failures == []
    for result in others:
        assert result.returncode == 0, result.stderr
        assert "locked" not in result.stderr
    made = {oid for committer in committers for oid in committer.oids}
    assert len(made) == N_COMMITTERS * N_COMMITS * 2
    last = repo.commit("last", {"src/last.rs": "fn last() {}\n"})
    wait(lambda: {last, *made} <= indexed(repo))
    log = (repo.path / ".git/rsidx/index.db.log").read_text()
    assert "locked" not in log
    assert " ERROR " not in log
    own = repo.path / ".git/rsidx/index.db"
    assert rsidx("backfill", "-C", repo.path, "--all", "--db", tmp_path / "new.db").returncode == 0
    assert rsidx("backfill", "-C", repo.path, "--all").returncode == 0
    assert dumped(own) == dumped(tmp_path / "new.db")
    medians = {
        switch: 1000 * statistics.median(s for c in committers for s in c.seconds[switch])
        for switch in "01"
    }
    print(
        f"\n{len(made)} commits, {len(others)} other runs: median commit without the hook "
        f"{medians['0']:.1f} ms, with it {medians['1']:.1f} ms"
    )
    assert discover(repo.path).worktree is not None


def dumped(file):
    database = Database(resolve_url(str(file)), create=False)
    with closing(database), database.reading() as connection:
        return list(dump(connection))
