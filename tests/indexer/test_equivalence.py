"""Whatever git does to a history, the index is the one rebuilt from nothing.

`RSIDX_TEST_SEQUENCES=1000 pytest tests/indexer/test_equivalence.py` is the long run.
"""

import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from rsidx.hooks.install import install
from rsidx.indexer.gc import collect
from rsidx.indexer.git import history
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.sync import history_scope, sync, update
from rsidx.store import queries
from rsidx.store.database import Database, resolve_url
from rsidx.store.dump import dump
from tests.patience import PATIENCE_S
from tests.repositories import Repo

PATHS = ("src/lib.rs", "src/a.rs", "b.rs", "Cargo.toml", ".gitattributes")
BRANCHES = ("main", "one", "two", "three")
WORK = st.integers(0, 5)
SEQUENCES = int(os.environ.get("RSIDX_TEST_SEQUENCES", "10"))


def content(path, n):
    if path.endswith(".toml"):
        return f'[package]\nname = "p{n}"\n'
    if path == ".gitattributes":
        return f"*.rs linguist-generated\nb{n}.rs -linguist-generated\n"
    items = "".join(f"pub fn f{k}() -> u32 {{\n    {k * n}\n}}\n\n" for k in range(3))
    return f"use crate::x{n};\n\n{items}struct S{n};\n"


class Histories(RuleBasedStateMachine):
    """A repository, what happens to it, and an index that looks at random moments."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="rsidx-equivalence-"))
        self.n = 0
        os.environ["RSIDX"] = "0"
        self.is_filled = False

    @initialize(indexed=st.booleans(), is_cut_off=st.booleans())
    def start(self, indexed, is_cut_off):
        # Whatever a hook starts has the end for writing open until it ends.
        self.ended, self.running = os.pipe()
        self.repo = self.repo_in(self.folder / "repo")
        self.commit("src/lib.rs")
        if is_cut_off:
            for path in (*PATHS, *PATHS):
                self.commit(path)
            url = f"file://{self.repo.path}"
            clone = self.folder / "clone"
            self.repo.git("clone", "-q", "--depth=3", url, str(clone))
            time_now, self.repo = self.repo.time, self.repo_in(clone)
            self.repo.time = time_now
        self.repository = discover(self.repo.path)
        # Where it is by itself: the index of no other repository, even if every commit went.
        file = self.repository.common_dir / "rsidx" / "index.db"
        self.database = Database(resolve_url(str(file)), create=True)
        if indexed:
            self.backfill_all()

    def repo_in(self, path):
        repo = Repo(path)
        repo.inherited = (self.running,)
        return repo

    def try_git(self, *args):
        """Run git; where it stops for a conflict, give up what it began."""
        done = self.repo.git(*args, "--quiet", check=False, status=True)
        if done:
            for command in ("merge", "rebase", "cherry-pick", "revert"):
                self.repo.git(command, "--abort", check=False)
            self.repo.git("reset", "-q", "--hard", check=False)
        return not done

    def branch_of(self, number):
        names = self.repo.git("for-each-ref", "--format=%(refname:short)", "refs/heads").split()
        return names[number % len(names)] if names else "HEAD"

    @rule(path=st.sampled_from(PATHS), look=st.booleans())
    def commit(self, path, look=False):
        self.n += 1
        self.repo.commit(f"commit {self.n}", {path: content(path, self.n)})
        if look:
            self.look()

    @rule()
    def commit_another_way_of_writing(self):
        self.n += 1
        self.repo.commit(f"commit {self.n}", {"src/lib.rs": content("src/lib.rs", 1) + "// x\n"})

    @rule(old=st.sampled_from(PATHS), new=st.sampled_from(("src/moved.rs", "src/a.rs")))
    def rename(self, old, new):
        if self.try_git("mv", "-f", old, new):
            self.repo.commit("rename")

    @rule(path=st.sampled_from(PATHS[1:]))
    def delete(self, path):
        if self.try_git("rm", path):
            self.repo.commit("delete")

    @rule()
    def amend(self):
        self.n += 1
        self.repo.write({"src/lib.rs": content("src/lib.rs", self.n)})
        self.repo.git("commit", "-qa", "--amend", "-m", f"amended {self.n}")

    @rule(name=st.sampled_from(BRANCHES), back=st.integers(0, 3))
    def branch(self, name, back):
        self.try_git("branch", "-f", name, f"HEAD~{back}")

    @rule(number=WORK, detached=st.booleans())
    def checkout(self, number, detached):
        self.try_git("checkout", *(["--detach"] if detached else []), self.branch_of(number))

    @rule(name=st.sampled_from(("orphan", "two")))
    def orphan(self, name):
        if self.try_git("checkout", "--orphan", name):
            self.commit("src/lib.rs")

    @rule(numbers=st.lists(WORK, min_size=1, max_size=3), mine=st.booleans())
    def merge(self, numbers, mine):
        names = [self.branch_of(number) for number in numbers]
        strategy = ["-X", "ours"] if mine and len(set(names)) == 1 else []
        self.try_git("merge", "--no-ff", "--no-edit", *strategy, *names)

    @rule(number=WORK, backend=st.sampled_from(("--merge", "--apply")))
    def rebase(self, number, backend):
        self.try_git("rebase", backend, self.branch_of(number))

    @rule(number=WORK)
    def cherry_pick(self, number):
        self.try_pick("cherry-pick", self.branch_of(number))

    @rule(back=st.integers(0, 3))
    def revert(self, back):
        self.try_pick("revert", "--no-edit", f"HEAD~{back}")

    def try_pick(self, *args):
        if self.repo.git(*args, check=False, status=True):
            self.repo.git(args[0], "--abort", check=False)
            self.repo.git("reset", "-q", "--hard")

    @rule(back=st.integers(1, 4))
    def reset(self, back):
        self.try_git("reset", "--hard", f"HEAD~{back}")

    @rule(number=WORK)
    def go_back_to_where_it_was(self, number):
        self.try_git("reset", "--hard", f"HEAD@{{{number}}}")

    @rule(number=WORK)
    def delete_branch(self, number):
        self.try_git("branch", "-D", self.branch_of(number))

    @rule(name=st.sampled_from(("v1", "v2")), annotated=st.booleans())
    def tag(self, name, annotated):
        self.try_git("tag", "-f", *(["-a", "-m", "tag"] if annotated else []), name)

    @rule()
    def stash(self):
        self.n += 1
        self.repo.write({"src/lib.rs": content("src/lib.rs", self.n)})
        self.repo.git("stash", check=False)

    @rule(number=WORK, look=st.booleans())
    def commit_in_another_worktree(self, number, look):
        linked = self.folder / f"linked{number % 2}"
        if not linked.exists() and not self.try_git("worktree", "add", "--detach", str(linked)):
            return
        other = self.repo_in(linked)
        other.time = self.repo.time
        self.n += 1
        other.commit(f"linked {self.n}", {"b.rs": content("b.rs", self.n)})
        self.repo.time = other.time
        if look:
            self.look()

    @rule(prune=st.booleans())
    def git_gc(self, prune):
        if prune:
            self.repo.git("reflog", "expire", "--expire=now", "--all")
        self.repo.git("gc", "-q", *(["--prune=now"] if prune else []))

    @rule()
    def look(self):
        update(self.repository, self.database, jobs=1, max_bytes=100_000)
        # An update takes what is new: the history before what it has is a backfill's.
        if self.is_filled:
            self.check_presence()

    @rule(by=st.integers(1, 4))
    def deepen(self, by):
        if (self.repository.common_dir / "shallow").exists():
            self.try_git("fetch", f"--deepen={by}")
            # What came before the boundary is a backfill's to take, not an update's.
            self.is_filled = False

    @rule(is_on=st.booleans())
    def hook(self, is_on):
        """From now on git's own hooks wake workers, which run beside everything else."""
        if is_on:
            install(self.repository, str(self.database.file))
        os.environ["RSIDX"] = "1" if is_on else "0"

    @rule(seconds=st.floats(0.05, 0.6), new=st.booleans())
    def kill_a_worker(self, seconds, new):
        if new:
            self.commit("src/a.rs")
        command = [sys.executable, "-P", "-m", "rsidx", "hooks", "run", "-C", str(self.repo.path)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            time.sleep(seconds)
            process.kill()

    def wait_for_workers(self):
        """Wait until no worker is at work nor on its way."""
        os.environ["RSIDX"] = "0"
        os.close(self.running)
        assert select.select([self.ended], [], [], PATIENCE_S)[0]
        os.close(self.ended)

    @rule()
    def backfill(self):
        self.take("HEAD")

    @rule()
    def backfill_all(self):
        self.take(all_refs=True)
        self.is_filled = True

    @rule()
    def collect(self):
        collect(self.repository, self.database, max_bytes=100_000)

    def take(self, *revisions, all_refs=False):
        scope = history_scope(self.repository, revisions, all_refs=all_refs, since=None)
        sync(self.repository, self.database, scope, jobs=1, max_bytes=100_000)

    def check_presence(self):
        """Every commit of every branch and worktree is there."""
        heads = [head.hex() for head in history.worktree_heads(self.repository)]
        oids = self.repo.git("rev-list", "HEAD", "--branches", *heads).split()
        with self.database.reading() as connection:
            found = queries.generations(connection, 1, map(bytes.fromhex, oids))
        assert len(found) == len(oids)

    def teardown(self):
        if not hasattr(self, "database"):
            return
        try:
            self.wait_for_workers()
            self.take(all_refs=True)
            heads = history.worktree_heads(self.repository)
            self.take(*(head.hex() for head in heads))
            collect(self.repository, self.database, max_bytes=100_000)
            fresh = Database(resolve_url(str(self.folder / "fresh.db")), create=True)
            mine, self.database = self.database, fresh
            self.take(*(head.hex() for head in heads))
            self.take(all_refs=True)
            with mine.reading() as one, fresh.reading() as other:
                assert list(dump(one)) == list(dump(other))
            mine.close()
        finally:
            self.database.close()
            shutil.rmtree(self.folder, ignore_errors=True)


TestHistories = pytest.mark.slow(Histories.TestCase)
TestHistories.settings = settings(
    max_examples=SEQUENCES,
    stateful_step_count=16,
    # A failing sequence of git commands takes long to make shorter: its steps are printed.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
