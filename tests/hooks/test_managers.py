"""Beside the programs that write hooks themselves: their own files, made by them where they run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rsidx.hooks import install as hooks
from rsidx.indexer.git import discover
from tests.hooks.test_hooks import in_files, install, settle

pytestmark = in_files
BIN = str(Path(sys.executable).parent)


def run(repo, *command):
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=repo.path, env={**os.environ, "PATH": path}, capture_output=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def found(name):
    return shutil.which(name, path=f"{BIN}{os.pathsep}{os.environ['PATH']}")


def pre_commit(repo):
    if not found("pre-commit"):
        pytest.skip("pre-commit is not installed")
    (repo.path / ".pre-commit-config.yaml").write_text("repos:\n")
    run(repo, "pre-commit", "install", "-t", "pre-commit", "-t", "post-commit")


def lefthook(repo):
    if not found("lefthook"):
        pytest.skip("lefthook is not installed")
    text = "pre-commit:\n  commands:\n    theirs:\n      run: 'true'\n"
    (repo.path / "lefthook.yml").write_text(text + text.replace("pre-commit", "post-applypatch"))
    run(repo, "lefthook", "install")


def husky(repo):
    """Its layout: a folder of its own with stubs, which call a file of the user's."""
    stubs = repo.path / ".husky" / "_"
    stubs.mkdir(parents=True)
    for name in hooks.HOOKS:
        (stubs / name).write_text('#!/usr/bin/env sh\n. "$(dirname "$0")/h"')
        (stubs / name).chmod(0o755)
    (stubs / "h").write_text(
        'theirs=$(dirname "$(dirname "$0")")/$(basename "$0")\n'
        '[ ! -f "$theirs" ] || sh -e "$theirs" "$@"\n'
    )
    repo.git("config", "core.hooksPath", ".husky/_")


def overcommit(repo):
    if not found("overcommit"):
        pytest.skip("overcommit is not installed")
    text = "gemfile: false\nverify_signatures: false\n"
    (repo.path / ".overcommit.yml").write_text(text)
    run(repo, "overcommit", "--install")


def put(repo, manager):
    """Do with a snippet what the message says."""
    place = repo.path / manager.file
    if manager.name == "husky":
        for name in ("post-commit", "post-merge", "post-rewrite"):
            (place / name).write_text(manager.snippet)
    else:
        place.write_text(place.read_text() + manager.snippet)
    if manager.apply and manager.name != "overcommit":
        run(repo, *manager.apply.split())


def files(repo):
    folder = discover(repo.path).hooks_folder()
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("manager", [pre_commit, lefthook, husky, overcommit])
def test_a_manager_is_told_what_to_do_and_then_the_hook_fires(repo, wait, manager, monkeypatch):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    manager(repo)
    before = files(repo)
    with pytest.raises(hooks.ManagedError) as caught:
        install(repo)
    assert caught.value.manager.name == manager.__name__.replace("_", "-")
    assert caught.value.manager.file in str(caught.value)
    assert files(repo) == before
    put(repo, caught.value.manager)
    state = install(repo)
    assert (state.name, state.how) == ("installed", caught.value.manager.name)
    after = files(repo)
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(repo.path.parent / "cache"))
    oid = repo.commit("two", {"a.rs": "fn b() {}\n"})
    settle(repo, wait, oid)
    for n in range(2):
        repo.commit(f"topic {n}", {"t.rs": f"fn t{n}() {{}}\n"})
    repo.git("rebase", "-q", "--force-rebase", "HEAD~2")
    settle(repo, wait, *repo.git("rev-list", "HEAD~2..HEAD").split())
    # Nothing of it is ours but the program that they call.
    hooks.uninstall(discover(repo.path))
    assert files(repo) == after
    assert not (repo.path / ".git/rsidx/hook").exists()
    repo.commit("three", {"a.rs": "fn c() {}\n"})


def test_hooks_that_a_manager_leaves_alone_are_ours(repo, wait):
    if not found("pre-commit"):
        pytest.skip("pre-commit is not installed")
    (repo.path / ".pre-commit-config.yaml").write_text("repos: []\n")
    run(repo, "pre-commit", "install")
    theirs = (repo.path / ".git/hooks/pre-commit").read_bytes()
    assert install(repo).how == "files"
    oid = repo.commit("one", {"a.rs": "fn a() {}\n"}, PATH=f"{BIN}:{os.environ['PATH']}")
    settle(repo, wait, oid)
    hooks.uninstall(discover(repo.path))
    assert (repo.path / ".git/hooks/pre-commit").read_bytes() == theirs
