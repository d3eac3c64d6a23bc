"""Which repository git is asked about, and which of its stand-ins for objects are ignored."""

import os
import subprocess
from pathlib import Path

import pytest

from rsidx.indexer.git import history
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.git.launcher import LOCAL_ENVIRONMENT
from rsidx.store.dump import dump

LOCAL = subprocess.run(
    ["git", "rev-parse", "--local-env-vars"], check=True, capture_output=True, text=True
).stdout.split()


def place_in(other, variable):
    """Return what a variable is set to, so that git would act on another repository."""
    folder = other.path / ".git"
    values = {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": folder / "objects",
        "GIT_ATTR_SOURCE": "nothing",
        "GIT_COMMON_DIR": folder,
        "GIT_CONFIG": folder / "config",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_PARAMETERS": f"'core.worktree'='{other.path}'",
        "GIT_DIR": folder,
        "GIT_GRAFT_FILE": folder / "grafts",
        "GIT_IMPLICIT_WORK_TREE": "0",
        "GIT_INDEX_FILE": folder / "index",
        "GIT_INTERNAL_SUPER_PREFIX": "sub/",
        "GIT_NAMESPACE": "space",
        "GIT_NO_REPLACE_OBJECTS": "",
        "GIT_OBJECT_DIRECTORY": folder / "objects",
        "GIT_PREFIX": "src/",
        "GIT_QUARANTINE_PATH": folder,
        "GIT_REFERENCE_BACKEND": f"files://{folder}",
        "GIT_REPLACE_REF_BASE": "refs/heads/",
        "GIT_SHALLOW_FILE": folder / "grafts",
        "GIT_WORK_TREE": other.path,
    }
    return str(values[variable])


@pytest.fixture
def other(make_repo, repo):
    repo.commit("one", {"src/a.rs": "fn a() {}\n"})
    repo.commit("two", {"src/a.rs": "fn b() {}\n"})
    other = make_repo("other")
    other.commit("their one", {"theirs.rs": "fn c() {}\n"})
    (other.path / ".git/grafts").write_text(repo.git("rev-parse", "HEAD") + "\n")
    return other


def seen(path, **how):
    repository = discover(path, **how)
    return (
        repository,
        repository.name,
        history.read_refs(repository),
        history.list_commits(repository, ["HEAD"]),
        history.shallow_boundary(repository),
        repository.run("ls-files"),
        repository.hooks_folder(),
    )


EXTRA = {"GIT_ATTR_SOURCE", "GIT_NAMESPACE", "GIT_QUARANTINE_PATH", "GIT_REFERENCE_BACKEND"}


@pytest.mark.parametrize("variable", sorted({*LOCAL, *EXTRA}))
def test_a_named_folder_decides_over_every_variable_of_gits(repo, other, monkeypatch, variable):
    expected = seen(repo.path)
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.hooksPath")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(other.path))
    monkeypatch.setenv(variable, place_in(other, variable))
    assert seen(repo.path, is_named=True) == expected


def test_without_a_named_folder_gits_variables_decide_as_they_do_for_git(
    other, monkeypatch, tmp_path
):
    monkeypatch.chdir(other.path)
    objects = tmp_path / "objects"
    (other.path / ".git/objects").rename(objects)
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.path))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(objects))
    repository = discover(Path())
    assert repository.git_dir == other.path / ".git"
    assert repository.worktree == other.path
    assert len(history.list_commits(repository, ["HEAD"])) == 1


def test_settings_of_the_users_own_outlive_a_named_folder(repo, other, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_COUNT", "2")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "safe.directory")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "*")
    monkeypatch.setenv("GIT_CONFIG_KEY_1", "remote.origin.url")
    monkeypatch.setenv("GIT_CONFIG_VALUE_1", str(other.path))
    repository = discover(repo.path, is_named=True)
    assert repository.name == "repo"
    assert repository.run("config", "safe.directory") == b"*\n"
    assert os.environ["GIT_CONFIG_COUNT"] == "1"


def graft(repo, text):
    file = repo.path / ".git/info/grafts"
    file.parent.mkdir()
    file.write_text(text)


def test_replaced_and_grafted_parents_are_ignored_alike(repo):
    repo.commit("one", {"src/a.rs": "fn a() {}\n"})
    repo.commit("two", {"src/a.rs": "fn b() {}\n"})
    first, second = repo.git("rev-list", "HEAD").split()[::-1]
    third = repo.commit("three", {"src/a.rs": "fn c() {}\n"})
    expected = seen(repo.path)
    repo.git("replace", "--graft", second)
    assert seen(repo.path) == expected
    repo.git("replace", "-d", second)
    graft(repo, f"{third} {first}\n")
    assert seen(repo.path) == expected


def test_what_an_earlier_version_read_under_a_graft_is_mended(repo, make_index, monkeypatch):
    for n in range(4):
        repo.commit(f"Return {n}", {"src/lib.rs": f"pub fn f() -> u8 {{ {n} }}\n"})
    graft(repo, repo.git("rev-parse", "HEAD~1") + "\n")
    mended, fresh = make_index(repo), make_index(repo, "fresh.db")
    with monkeypatch.context() as earlier:
        earlier.delitem(LOCAL_ENVIRONMENT, "GIT_GRAFT_FILE")
        earlier.delenv("GIT_GRAFT_FILE", raising=False)
        assert mended.sync().n_commits == 2
    cache = mended.database.cache_file
    cache.touch()
    mended.sync()
    assert not cache.exists()
    fresh.sync()
    dumps = []
    for index in (mended, fresh):
        with index.database.reading() as connection:
            dumps.append(list(dump(connection)))
    assert dumps[0] == dumps[1]


@pytest.mark.parametrize(
    ("folder", "worktree"), [("", ""), ("src", ""), (".git", None), (".git/objects", None)]
)
def test_a_folder_s_worktree_is_the_one_that_it_is_in(repo, folder, worktree):
    repo.commit("one", {"src/a.rs": "fn a() {}\n"})
    found = discover(repo.path / folder)
    assert found.worktree == (None if worktree is None else repo.path)
    assert (found.git_dir, found.common_dir) == (repo.path / ".git", repo.path / ".git")


def test_a_bare_repository_has_no_worktree(make_repo):
    found = discover(make_repo("bare", "--bare").path)
    assert (found.worktree, found.git_dir.name, found.object_format) == (None, "bare", "sha1")
