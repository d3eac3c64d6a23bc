"""What no ref reaches leaves the index, and nothing else does."""

import resource
import subprocess
import sys

import pytest

from rsidx.__main__ import main
from rsidx.indexer.gc import collect
from rsidx.indexer.sync import update
from rsidx.store import queries
from rsidx.store.dump import dump


def dumped(index):
    with index.database.reading() as connection:
        return list(dump(connection))


def grow(repo, n_commits, start=0):
    repo.commits(
        (f"commit {n}", {f"src/m{n % 3}.rs": f"pub fn f{n}() -> u32 {{ {n} }}\n"})
        for n in range(start, start + n_commits)
    )


def test_amended_commits_and_deleted_branches_leave_with_all_that_only_they_had(repo, make_index):
    index = make_index(repo)
    grow(repo, 4)
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("secret", {"src/side.rs": "pub fn only_on_the_side() {}\n"})
    index.sync(all_refs=True)
    repo.git("checkout", "-q", "main")
    repo.git("branch", "-D", "side")
    repo.write({"src/m0.rs": "pub fn amended() {}\n"})
    repo.git("commit", "-qa", "--amend", "-m", "amended")
    update(index.repository, index.database, jobs=1, max_bytes=1000)
    pruned = collect(index.repository, index.database, max_bytes=1000)
    assert (pruned.n_commits, pruned.n_blobs, pruned.n_chunks) == (2, 2, 2)
    fresh = make_index(repo, "fresh.db")
    fresh.sync(all_refs=True)
    assert dumped(index) == dumped(fresh)
    assert b"only_on_the_side" not in index.file.read_bytes()
    again = collect(index.repository, index.database, max_bytes=1000)
    assert (again.n_commits, again.n_blobs, again.n_chunks) == (0, 0, 0)


def test_commits_that_come_back_are_taken_in_again(repo, index):
    grow(repo, 6)
    index.sync()
    tip = repo.git("rev-parse", "HEAD")
    repo.git("reset", "-q", "--hard", "HEAD~3")
    assert collect(index.repository, index.database, max_bytes=1000).n_commits == 3
    repo.git("reset", "-q", "--hard", tip)
    assert update(index.repository, index.database, jobs=1, max_bytes=1000).n_commits == 3


def test_what_came_since_the_last_update_is_not_forgotten(repo, index):
    grow(repo, 2)
    index.sync()
    repo.git("reset", "-q", "--hard", "HEAD~1")
    repo.commit("came since", {"src/x.rs": "fn x() {}\n"})
    came = bytes.fromhex(repo.git("rev-parse", "HEAD"))
    collect(index.repository, index.database, max_bytes=1000)
    repo.git("checkout", "-q", "--orphan", "other")
    repo.commit("another root", {"src/y.rs": "fn y() {}\n"})
    update(index.repository, index.database, jobs=1, max_bytes=1000)
    with index.database.reading() as connection:
        assert came in queries.generations(connection, 1, [came])


def test_what_a_shallow_clone_lacks_stays(repo, make_index, tmp_path):
    grow(repo, 6)
    index = make_index(repo)
    index.sync()
    repo.git("clone", "-q", "--depth=2", f"file://{repo.path}", str(tmp_path / "shallow"))
    shallow = make_index(type(repo)(tmp_path / "shallow"), "index.db")
    assert collect(shallow.repository, shallow.database, max_bytes=1000).n_commits == 0


@pytest.mark.parametrize("other", ["commits", "none"])
def test_another_repository_in_the_index_keeps_what_is_its_own(make_repo, make_index, other):
    one, two = make_repo("one"), make_repo("two")
    grow(one, 3)
    grow(two, 3 if other == "commits" else 1)
    first, second = make_index(one), make_index(two)
    first.sync()
    second.sync()
    one.git("reset", "-q", "--hard", "HEAD~2")
    pruned = collect(first.repository, first.database, max_bytes=1000)
    assert pruned.n_commits == 2
    assert pruned.n_blobs == (0 if other == "commits" else 2)


def test_a_root_that_went_with_its_branch_is_no_other_repository(repo, index):
    grow(repo, 2)
    for n in range(8):
        repo.git("checkout", "-q", "--orphan", f"orphan{n}")
        repo.commit(f"root {n}", {"r.rs": f"fn r{n}() {{}}\n"})
    index.sync(all_refs=True)
    repo.git("checkout", "-q", "main")
    for n in range(8):
        repo.git("branch", "-D", f"orphan{n}")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "-q", "--prune=now")
    repo.commit("one more", {"src/x.rs": "fn x() {}\n"})
    assert update(index.repository, index.database, jobs=1, max_bytes=1000).n_commits == 1


def test_an_amended_first_commit_is_no_other_repository(repo, monkeypatch, capfd):
    monkeypatch.chdir(repo.path)
    grow(repo, 1)
    assert main(["backfill"]) == 0
    repo.git("commit", "-q", "--amend", "-m", "the first commit in other words")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "-q", "--prune=now")
    assert main(["backfill"]) == 0
    assert capfd.readouterr().err == ""


def test_the_command_says_what_went(repo, monkeypatch, capfd):
    monkeypatch.chdir(repo.path)
    grow(repo, 3)
    assert main(["backfill"]) == 0
    repo.git("reset", "-q", "--hard", "HEAD~1")
    capfd.readouterr()
    assert main(["gc"]) == 0
    assert capfd.readouterr().out.startswith("1 commit, 1 file version and 1 chunk deleted")


def test_a_dry_run_says_what_would_go_and_changes_nothing(repo, make_index, monkeypatch, capfd):
    monkeypatch.chdir(repo.path)
    grow(repo, 3)
    assert main(["backfill"]) == 0
    repo.git("reset", "-q", "--hard", "HEAD~1")
    repo.commit("not taken in", {"src/x.rs": "fn x() {}\n"})
    index = make_index(repo, repo.path / ".git/rsidx/index.db")
    before = dumped(index)
    capfd.readouterr()
    assert main(["gc", "--dry-run"]) == 0
    said = capfd.readouterr().out
    assert said == "1 commit, 1 file version and 1 chunk would be deleted\n"
    assert dumped(index) == before
    assert main(["gc"]) == 0
    assert capfd.readouterr().out.startswith("1 commit, 1 file version and 1 chunk deleted")


def limited(command, cwd, n_bytes):
    """Run rsidx where no file can grow beyond a size, as on a full disk."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))

    program = [sys.executable, "-P", "-m", "rsidx", *command]
    return subprocess.run(
        program, cwd=cwd, capture_output=True, text=True, check=False, preexec_fn=limit
    )


@pytest.mark.slow
def test_on_a_full_disk_it_is_one_line_that_names_the_index(repo, monkeypatch, make_index):
    monkeypatch.chdir(repo.path)
    grow(repo, 9)
    assert main(["backfill"]) == 0
    # Now the file is as small as it can be.
    assert main(["gc"]) == 0
    index = make_index(repo, repo.path / ".git/rsidx/index.db")
    size = index.file.stat().st_size
    for n_bytes in range(0, size, size // 3):
        done = limited(["gc"], repo.path, n_bytes)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        assert "index.db" in done.stderr
        assert index.database.damage() is None
    assert main(["gc"]) == 0
