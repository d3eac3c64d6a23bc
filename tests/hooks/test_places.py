"""Hooks in which git's variables name a repository: whose index is written then."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def hook(folder, *commands):
    """Write a post-commit hook that runs commands of rsidx."""
    lines = "".join(f'"{sys.executable}" -P -m rsidx {command} || exit\n' for command in commands)
    file = folder / "hooks" / "post-commit"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{lines}true >done\n")
    file.chmod(0o755)


@pytest.fixture
def mine(make_repo):
    mine = make_repo("mine")
    mine.commit("one", {"src/lib.rs": "pub fn in_mine() {}\n"})
    return mine


def test_a_hook_in_a_linked_worktree_acts_on_the_repository_that_it_names(repo, mine, tmp_path):
    repo.commit("one", {"src/lib.rs": "pub fn theirs() {}\n"})
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "linked")
    hook(
        repo.path / ".git",
        f"backfill -C '{mine.path}'",
        f"symbols in_mine -C '{mine.path}'",
        f"hooks install -C '{mine.path}'",
    )
    linked = type(repo)(tmp_path / "linked")
    linked.commit("two", {"src/lib.rs": "pub fn theirs_too() {}\n"})
    assert (linked.path / "done").exists()
    assert (mine.path / ".git/rsidx/index.db").exists()
    assert (mine.path / ".git/rsidx/hook").exists()
    assert not (repo.path / ".git/rsidx").exists()


@pytest.mark.parametrize("how", ["linked", "apart"])
def test_a_hook_that_wakes_the_index_wakes_that_of_its_repository(repo, tmp_path, wait, how):
    folder = repo.path / ".git"
    repo.commit("one", {"src/lib.rs": "pub fn f() {}\n"})
    at = tmp_path / how
    if how == "linked":
        repo.git("worktree", "add", "-q", str(at), "-b", "linked")
        git = ["-C", str(at)]
    else:
        # As some keep their dotfiles: nothing in the worktree says where the repository is.
        at.mkdir()
        folder = (repo.path / ".git").rename(tmp_path / "apart.git")
        git = [f"--git-dir={folder}", f"--work-tree={at}"]
    hook(folder, "hooks wake post-commit")
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    commit = ["git", *git, *who, "commit", "-q", "--allow-empty", "-m", "two"]
    subprocess.run(commit, check=True, cwd=at)
    log = folder / "rsidx/index.db.log"
    wait(lambda: log.exists() and "sync: 1 commits" in log.read_text())


def test_a_hook_is_of_its_own_repository_whichever_a_variable_names(repo, mine, wait, monkeypatch):
    repo.commit("one", {"src/lib.rs": "pub fn theirs() {}\n"})
    hook(repo.path / ".git", "hooks run")
    monkeypatch.setenv("RSIDX_REPO", str(mine.path))
    repo.commit("two", {"src/lib.rs": "pub fn theirs_too() {}\n"})
    assert (repo.path / "done").exists()
    assert (repo.path / ".git/rsidx/index.db").exists()
    assert not (mine.path / ".git/rsidx").exists()
    hook(repo.path / ".git", "hooks wake post-commit")
    repo.commit("three", {"src/lib.rs": "pub fn theirs_again() {}\n"})
    log = repo.path / ".git/rsidx/index.db.log"
    wait(lambda: log.read_text().count("sync: 1 commits") == 2)
    assert not (mine.path / ".git/rsidx").exists()
