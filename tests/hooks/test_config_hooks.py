"""The hook in git's settings, from git 2.54 on.

`RSIDX_TEST_GIT=FOLDER` names the folder of such a git where the machine's own is older.
"""

import os
import subprocess

import pytest

from rsidx.hooks import install as hooks
from rsidx.hooks.doctor import examine
from rsidx.hooks.script import block, with_block
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.git.launcher import git_version
from tests.hooks.installed import install, settle
from tests.hooks.test_watch import watching

NEWER = os.environ.get("RSIDX_TEST_GIT")


@pytest.fixture(autouse=True)
def _newer_git(monkeypatch):
    if NEWER:
        monkeypatch.setenv("PATH", f"{NEWER}{os.pathsep}{os.environ['PATH']}")
    git_version.cache_clear()
    if git_version() < hooks.CONFIG_HOOKS_SINCE:
        pytest.skip("git is older than 2.54; RSIDX_TEST_GIT may name a newer one")
    yield
    git_version.cache_clear()


def settings(repo):
    return (repo.path / ".git/config").read_bytes()


def test_it_is_a_setting_that_runs_in_every_worktree_and_goes_without_a_trace(repo, wait, tmp_path):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    theirs = repo.path / ".git/hooks/post-commit"
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_text("#!/bin/sh\necho theirs >>.git/ran\n")
    theirs.chmod(0o755)
    repo.git("config", "core.hooksPath", str(theirs.parent))
    before, hook = settings(repo), theirs.read_bytes()
    state = install(repo)
    assert (state.name, state.how) == ("installed", "config")
    once = settings(repo)
    install(repo)
    assert settings(repo) == once
    assert theirs.read_bytes() == hook
    oid = repo.commit("two", {"a.rs": "fn b() {}\n"})
    settle(repo, wait, oid)
    assert (repo.path / ".git/ran").read_text() == "theirs\n"
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    linked = type(repo)(tmp_path / "linked")
    linked.time = repo.time + 1000
    settle(repo, wait, linked.commit("side", {"s.rs": "fn s() {}\n"}))
    for n in range(2):
        repo.commit(f"topic {n}", {"t.rs": f"fn t{n}() {{}}\n"})
    repo.git("rebase", "-q", "--force-rebase", "HEAD~2")
    settle(repo, wait, *repo.git("rev-list", "HEAD~2..HEAD").split())
    assert all(one.is_well for one in examine(discover(repo.path), db(repo))), "doctor"
    assert hooks.uninstall(discover(repo.path)) == list(hooks.HOOKS)
    assert settings(repo) == before


def db(repo):
    return str(discover(repo.path).common_dir / "rsidx" / "index.db")


def test_the_block_of_an_older_git_s_days_is_taken_out(repo):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    folder = repo.path / ".git/hooks"
    folder.mkdir(exist_ok=True)
    for name in hooks.HOOKS:
        (folder / name).write_text(with_block("#!/bin/sh\n", block("/old/python")))
    install(repo)
    assert [path.name for path in folder.iterdir() if path.suffix != ".sample"] == []


def test_a_push_wakes_a_bare_repository(repo, make_repo, wait):
    bare = make_repo("bare.git", "--bare")
    install(bare)
    oid = repo.commit("two", {"a.rs": "fn b() {}\n"})
    repo.git("push", "-q", str(bare.path), "main")
    settle(bare, wait, oid)


def test_doctor_sees_a_hook_that_is_turned_off(repo):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    install(repo)
    repo.git("config", "hook.rsidx.enabled", "false")
    bad = [one for one in examine(discover(repo.path), db(repo)) if not one.is_well]
    assert ["turn the hook off" in one.text for one in bad] == [True]


def test_a_commit_says_nothing(repo):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    install(repo)
    done = subprocess.run(
        ["git", "-C", str(repo.path), "-c", "user.name=x", "-c", "user.email=x@y",
         "commit", "-q", "--allow-empty", "-m", "three"],
        capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout == done.stderr == b""


def test_the_watcher_sees_refs_in_a_reftable(make_repo, wait):
    repo = make_repo("tables", "--ref-format=reftable")
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    with watching(repo, "--poll", "600"):
        settle(repo, wait, repo.git("rev-parse", "HEAD"))
        settle(repo, wait, repo.commit("two", {"a.rs": "fn b() {}\n"}))
