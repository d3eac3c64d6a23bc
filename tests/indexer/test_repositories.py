"""Repositories that are not as usual: cut off, lacking objects, or in other ways odd."""

import os
import subprocess
import sys

import pytest

from rsidx.errors import RepositoryError
from rsidx.indexer import extract
from rsidx.indexer import sync as sync_module
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.sync import fetch_promised, fetch_trees, history_scope, update
from rsidx.store import queries
from rsidx.store.dump import dump


def grow(repo, n, start=0):
    for k in range(start, start + n):
        files = {"src/lib.rs": f"fn f{k}() {{}}\n", f"src/m{k % 3}.rs": f"fn m{k}() {{}}\n"}
        repo.commit(f"commit {k}", files)


def dumped(index):
    with index.database.reading() as connection:
        return list(dump(connection))


def states(index):
    with index.database.reading() as connection:
        return {n.oid.hex(): n.state for n in queries.commit_nodes(connection, 1)}


def clone(repo, tmp_path, *options):
    path = tmp_path / "clone"
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("config", "uploadpack.allowAnySHA1InWant", "true")
    repo.git("clone", "-q", *options, f"file://{repo.path}", str(path))
    other = type(repo)(path)
    other.time = repo.time
    return other


@pytest.mark.parametrize("steps", [("--deepen=2", "--unshallow"), ("--unshallow",)])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_shallow_clone_that_is_deepened_is_repaired(repo, make_index, tmp_path, steps, jobs):
    grow(repo, 3)
    # A clock that goes back: what comes after the cut depends on what is before it.
    repo.time -= 10_000
    grow(repo, 4, 3)
    repo.git("checkout", "-q", "-b", "side", "HEAD~3")
    repo.commit("side", {"src/side.rs": "fn side() {}\n"})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-edit", "side")
    shallow = clone(repo, tmp_path, "--depth=2")
    index = make_index(shallow, "a.db")
    index.sync()
    assert "boundary" in states(index).values()
    for number, step in enumerate(steps):
        shallow.git("fetch", "-q", step)
        # The hook comes first: what was cut off has its changes then, on its parent's tree.
        update(index.repository, index.database, jobs=1, max_bytes=1000)
        index.sync(jobs=jobs)
        fresh = make_index(shallow, f"fresh{number}.db")
        fresh.sync()
        assert dumped(index) == dumped(fresh)
    assert set(states(index).values()) == {"ok"}
    assert len(states(index)) == 9


def test_the_hook_repairs_what_was_cut_off_without_reading_older_history(repo, make_index,
                                                                         tmp_path):  # fmt: skip
    grow(repo, 6)
    shallow = clone(repo, tmp_path, "--depth=2")
    index = make_index(shallow, "a.db")
    index.sync()
    shallow.git("fetch", "-q", "--deepen=2")
    update(index.repository, index.database, jobs=1, max_bytes=1000)
    assert list(states(index).values()) == ["ok", "ok"]
    full = make_index(repo, "full.db")
    full.sync("HEAD")
    with index.database.reading() as one, full.database.reading() as other:
        first = queries.counts(one)
        assert first.n_changes == 4
        assert queries.bases_with_parent(one, 1) == []
        assert queries.counts(other).n_commits == 6


def test_a_partial_clone_is_promised_fetched_only_if_asked_and_then_whole(repo, make_index,
                                                                         tmp_path):  # fmt: skip
    grow(repo, 6)
    partial = clone(repo, tmp_path, "--filter=blob:none", "--no-checkout")
    index = make_index(partial, "a.db")
    # The three states: nothing there, some there because git fetched them, all there.
    assert index.sync().blobs_by_state == {"promised": 12}
    partial.git("cat-file", "-p", "HEAD:src/lib.rs", GIT_NO_LAZY_FETCH="0")
    before = partial.git("count-objects", "-v")
    assert index.sync(jobs=2).n_read_again == 1
    assert partial.git("count-objects", "-v") == before
    assert fetch_promised(index.repository, index.database, jobs=1, max_bytes=1000) == 11
    assert fetch_promised(index.repository, index.database, jobs=1, max_bytes=1000) == 0
    full = make_index(repo, "full.db")
    full.sync()
    ours, theirs = (
        [line for line in dumped(one) if not line.startswith("ref ")] for one in (index, full)
    )
    assert ours == theirs


@pytest.mark.parametrize("depth", [0, 1])
def test_a_clone_without_trees_is_fetched_with_them_if_asked(repo, make_index, tmp_path, depth):
    grow(repo, 6)
    treeless = clone(repo, tmp_path, f"--filter=tree:{depth}", "--no-checkout")
    index = make_index(treeless, "a.db")
    assert index.sync().n_unreadable == 6
    scope = history_scope(index.repository, (), all_refs=False, since=None)
    for n_read in (12, 0):
        fetch_trees(index.repository, index.database, scope)
        assert index.sync().n_unreadable == 0
        fetched = fetch_promised(index.repository, index.database, jobs=1, max_bytes=1000)
        assert fetched == n_read
    full = make_index(repo, "full.db")
    full.sync()
    ours, theirs = (
        [line for line in dumped(one) if not line.startswith("ref ")] for one in (index, full)
    )
    assert ours == theirs


def test_a_git_too_old_for_trees_is_named(repo, make_index, tmp_path, monkeypatch):
    grow(repo, 1)
    index = make_index(clone(repo, tmp_path, "--filter=tree:0", "--no-checkout"), "a.db")
    scope = history_scope(index.repository, (), all_refs=False, since=None)
    monkeypatch.setattr(sync_module, "git_version", lambda: (2, 35, 9))
    with pytest.raises(RepositoryError, match="--filter=blob:none"):
        fetch_trees(index.repository, index.database, scope)


def test_a_whole_clone_has_nothing_to_fetch(repo, index):
    grow(repo, 1)
    with pytest.raises(RepositoryError, match="no partial clone"):
        index.repository.fetch([b"\0" * 20])


def test_a_blob_that_is_missing_is_read_once_it_is_there(repo, make_index):
    grow(repo, 3)
    whole = make_index(repo, "whole.db")
    whole.sync()
    oid = repo.git("rev-parse", "HEAD:src/lib.rs")
    file = repo.path / ".git/objects" / oid[:2] / oid[2:]
    content = file.read_bytes()
    file.unlink()
    index = make_index(repo, "a.db")
    assert index.sync().blobs_by_state == {"missing": 1, "parsed": 5}
    assert index.sync().n_read_again == 0
    file.write_bytes(content)
    assert index.sync().n_read_again == 1
    assert dumped(index) == dumped(whole)


def test_a_commit_whose_tree_was_missing_is_compared_once_it_is_there(repo, make_index):
    grow(repo, 3)
    whole = make_index(repo, "whole.db")
    whole.sync()
    oid = repo.git("rev-parse", "HEAD~1^{tree}")
    file = repo.path / ".git/objects" / oid[:2] / oid[2:]
    content = file.read_bytes()
    file.unlink()
    index = make_index(repo, "a.db")
    assert index.sync().n_unreadable == 2
    file.write_bytes(content)
    index.sync()
    assert set(states(index).values()) == {"ok"}
    assert dumped(index) == dumped(whole)


@pytest.mark.slow
@pytest.mark.usefixtures("trap")
def test_what_kills_the_parser_in_this_process_is_found_by_the_next(repo, index):
    grow(repo, 1)
    repo.commit("poison", {"p.rs": "fn POISON() {}\n", "q.rs": "fn q() {}\n"})
    command = [sys.executable, "-m", "rsidx", "backfill", "-C", str(repo.path),
               "--db", str(index.file)]  # fmt: skip
    record_tips = index.file.with_name(f"{index.file.name}.parsing")
    assert subprocess.run(command, check=False, capture_output=True).returncode < 0
    assert record_tips.exists()
    subprocess.run(command, check=True, capture_output=True)
    assert not record_tips.exists()
    with index.database.reading() as connection:
        counts = queries.counts(connection)
    assert counts.blobs_by_state == {"parsed": 3, "poison": 1}
    assert counts.n_commits == 2


def test_an_error_costs_one_file_and_is_in_the_log(repo, index, monkeypatch, caplog):
    grow(repo, 1)
    repo.commit("bad", {"bad.rs": "fn BAD() {}\n"})
    plain = extract.parse

    def fail(source, before=None):
        if b"BAD" in source:
            raise RecursionError("too deep")
        return plain(source, before)

    monkeypatch.setattr(extract, "parse", fail)
    assert index.sync().blobs_by_state == {"parsed": 2, "poison": 1}
    assert "too deep" in caplog.text
    assert not index.file.with_name(f"{index.file.name}.parsing").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs another's file")
def test_somebody_else_s_repository_is_refused_in_one_sentence(repo, monkeypatch):
    grow(repo, 1)
    for path in (repo.path, repo.path / ".git"):
        os.chown(path, 12345, 12345)
    monkeypatch.delenv("SUDO_UID", raising=False)
    with pytest.raises(RepositoryError, match=r"^git refuses .*dubious ownership.*") as caught:
        discover(repo.path)
    assert "safe.directory" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_octopus_evil_and_unrelated_merges_have_their_first_parent_s_changes(repo, index):
    grow(repo, 2)
    for name in ("one", "two", "three"):
        repo.git("checkout", "-q", "-b", name, "main")
        repo.commit(name, {f"src/{name}.rs": f"fn {name}() {{}}\n"})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "one", "two", "three")
    # Evil: it changes what neither side did.
    repo.git("checkout", "-q", "-b", "late", "HEAD~1")
    repo.commit("late", {"src/late.rs": "fn late() {}\n"})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-edit", "--no-commit", "late")
    repo.commit("evil", {"src/evil.rs": "fn evil() {}\n"})
    repo.git("checkout", "-q", "--orphan", "other")
    repo.git("rm", "-q", "-rf", ".")
    repo.commit("unrelated", {"src/unrelated.rs": "fn unrelated() {}\n"})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-edit", "--allow-unrelated-histories", "other")
    index.sync()
    with index.database.reading() as connection:
        changes = connection.exec_driver_sql(
            'SELECT hex(c.oid), group_concat(CAST(p.path AS TEXT)) FROM "commit" c '
            "JOIN change x ON x.commit_id = c.id JOIN path p ON p.id = x.path_id "
            "GROUP BY c.oid"
        ).all()
    found = {oid.lower(): set(paths.split(",")) for oid, paths in changes}
    assert found[repo.git("rev-parse", "main")] == {"src/unrelated.rs"}
    assert found[repo.git("rev-parse", "main~1")] == {"src/evil.rs", "src/late.rs"}
    assert found[repo.git("rev-parse", "main~2")] == {
        f"src/{n}.rs" for n in ("one", "two", "three")
    }
