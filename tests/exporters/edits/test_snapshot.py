"""Snapshots: the tree at any commit, whatever way was taken there."""

import random
from collections import Counter

from rsidx.exporters.edits.snapshot import Snapshot, depth_first
from rsidx.indexer.git import history
from rsidx.store import queries
from rsidx.store.reader import Reader


def test_it_is_gits_own_tree_at_every_commit_in_any_order(repo, index):
    rng = random.Random(7)
    repo.commit("base", {f"m{n}.rs": f"fn m{n}() {{}}\n" * 5 for n in range(4)})
    for n in range(40):
        step = rng.randrange(6)
        if step == 0:
            repo.git("checkout", "-q", "-b", f"b{n}")
        elif step == 1:
            branches = repo.git("branch", "--format=%(refname:short)").split()
            repo.git("checkout", "-q", rng.choice(branches))
        elif step == 2:
            branches = repo.git("branch", "--format=%(refname:short)").split()
            other = rng.choice(branches)
            repo.git("merge", "-q", "-X", "ours", "-m", "merge", other, check=False)
            repo.git("add", "-A")
            repo.git("commit", "-q", "--allow-empty", "-m", "merged")
        elif step == 3:
            repo.write({"swap.rs": f"fn s{n}() {{}}\n" * 9})
            repo.git("add", "-A")
            repo.commit("add")
            repo.git("mv", "-f", "swap.rs", "swapped.rs")
            repo.commit("rename")
        else:
            repo.commit(f"c{n}", {f"m{rng.randrange(4)}.rs": f"fn c{n}() {{}}\n" * 5})
    index.sync(all_refs=True)
    with index.database.reading() as connection:
        reader = Reader(connection, queries.repository_id(connection, None))
        commits = reader.commits()
        snapshot = Snapshot(reader)
        for commit in rng.choices(commits, k=150):
            snapshot.move_to(commit)
            assert listed(reader, snapshot) == dict(history.list_tree(index.repository, commit.oid))
            snapshot.move_before(commit)
            expected = history.list_tree(index.repository, commit.parents[0]) if (
                commit.parents
            ) else ()  # fmt: skip
            assert listed(reader, snapshot) == dict(expected)


def listed(reader, snapshot):
    return {reader.path(p): reader.blob(b).oid for p, b in snapshot.files.items()}


def test_a_commit_whose_parent_is_not_indexed_stands_on_its_base(repo, index):
    for n in range(6):
        repo.commit(f"c{n}", {f"m{n % 3}.rs": f"fn c{n}() {{}}\n"})
    index.sync(since="@1700000270")
    with index.database.reading() as connection:
        reader = Reader(connection, queries.repository_id(connection, None))
        commits = reader.commits()
        snapshot = Snapshot(reader)
        for commit in (*commits, *reversed(commits)):
            snapshot.move_before(commit)
            tree = history.list_tree(index.repository, commit.parents[0])
            assert listed(reader, snapshot) == dict(tree)
            snapshot.move_to(commit)
            assert listed(reader, snapshot) == dict(history.list_tree(index.repository, commit.oid))


def test_depth_first_each_change_is_applied_and_undone_once_at_most(repo, index):
    repo.commit("base", {"base.rs": "fn base() {}\n"})
    repo.git("branch", "side")
    for n in range(20):
        for branch in ("main", "side"):
            repo.git("checkout", "-q", branch)
            repo.commit(f"{branch} {n}", {f"{branch}.rs": f"fn {branch}() {{ {n} }}\n"})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "-m", "merge", "side")
    index.sync(all_refs=True)
    with index.database.reading() as connection:
        reader = CountingReader(Reader(connection, queries.repository_id(connection, None)))
        commits = {commit.oid: commit for commit in reader.commits()}
        wanted = [commit for commit in commits.values() if len(commit.parents) < 2]
        ordered = depth_first(reversed(wanted), commits)
        assert sorted(commit.oid for commit in ordered) == sorted(c.oid for c in wanted)
        snapshot = Snapshot(reader)
        for commit in ordered:
            snapshot.move_to(commit)
        assert max(reader.n_reads.values()) == 2


class CountingReader:
    """A reader that counts how often each commit's changes are asked for."""

    def __init__(self, reader):
        self._reader = reader
        self.n_reads = Counter()

    def changes(self, commit_id):
        self.n_reads[commit_id] += 1
        return self._reader.changes(commit_id)

    def __getattr__(self, name):
        return getattr(self._reader, name)
