"""The hook beside what stands in its place already, and its removal."""

import sys

import pytest

from rsidx.errors import RepositoryError
from rsidx.hooks import install as hooks
from rsidx.hooks.doctor import examine
from rsidx.indexer.git.discovery import discover
from tests.hooks.installed import in_files, indexed, install, settle

ORIGINALS = {
    "shell": b"#!/bin/sh\necho theirs >> ran\nexit 3\n",
    "bash, no last newline": b"#!/usr/bin/env bash\necho theirs >> ran",
    "crlf and odd bytes": b"#!/bin/sh\n# caf\xe9\r\necho theirs >> ran\n",
    "python": f"#!{sys.executable}\nopen('ran', 'a').write('theirs\\n')\n".encode(),
}


@pytest.mark.parametrize("original", ORIGINALS.values(), ids=ORIGINALS)
def test_it_runs_beside_an_existing_hook_and_leaves_it_byte_for_byte(repo, wait, original):
    path = repo.path / ".git/hooks/post-commit"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(original)
    path.chmod(0o750)
    repository = discover(repo.path)
    install(repo)
    install(repo)
    assert hooks.state(repository).name == "installed"
    oid = repo.commit("one", {"a.rs": "fn a() {}\n"})
    assert (repo.path / "ran").read_text() == "theirs\n"
    settle(repo, wait, oid)
    hooks.uninstall(repository)
    assert path.read_bytes() == original
    assert path.stat().st_mode & 0o777 == 0o750
    assert [p.name for p in path.parent.iterdir() if not p.name.endswith(".sample")] == [
        "post-commit"
    ]
    assert hooks.uninstall(repository) == []


@in_files
def test_what_was_added_to_a_hook_since_is_kept(repo):
    path = repo.path / ".git/hooks/post-commit"
    path.parent.mkdir(exist_ok=True)
    original = ORIGINALS["python"]
    path.write_bytes(original)
    path.chmod(0o755)
    install(repo)
    aside = path.with_name("post-commit.before-rsidx")
    assert aside.read_bytes() == original
    path.write_text(path.read_text().replace("exec ", "echo mine >>ran\nexec "))
    hooks.uninstall(discover(repo.path))
    # What is left is the hook as it was edited, which calls the one that was moved aside.
    assert aside.read_bytes() == original
    assert "rsidx >>>" not in path.read_text()
    repo.commit("one")
    assert (repo.path / "ran").read_text() == "mine\ntheirs\n"


@in_files
def test_a_file_that_only_has_the_name_of_one_moved_aside_replaces_no_hook(repo):
    path = repo.path / ".git/hooks/post-commit"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(ORIGINALS["shell"])
    aside = path.with_name("post-commit.before-rsidx")
    aside.write_text("something else\n")
    install(repo)
    hooks.uninstall(discover(repo.path))
    assert path.read_bytes() == ORIGINALS["shell"]
    assert aside.read_text() == "something else\n"


def test_a_hook_of_our_own_making_is_removed_whole(hooked):
    repository = discover(hooked.path)
    assert hooks.uninstall(repository) == list(hooks.HOOKS)
    assert not any((hooked.path / ".git/hooks" / name).exists() for name in hooks.HOOKS)
    assert not (hooked.path / ".git/rsidx/hook").exists()
    assert hooks.state(repository).name == "absent"


@in_files
def test_a_hooks_folder_outside_the_repository_is_not_touched(repo, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    repo.git("config", "core.hooksPath", str(shared))
    with pytest.raises(RepositoryError, match="rsidx hooks snippet"):
        install(repo)
    assert list(shared.iterdir()) == []


@in_files
def test_a_hooks_folder_inside_the_repository_that_git_ignores_is_used(repo):
    repo.git("config", "core.hooksPath", "githooks")
    repo.write({".gitignore": "/githooks/\n"})
    assert str(repo.path / "githooks") in install(repo).text
    assert {path.name for path in (repo.path / "githooks").iterdir()} == set(hooks.HOOKS)


@in_files
@pytest.mark.parametrize("is_tracked", [True, False])
def test_a_hooks_folder_that_is_shared_through_git_is_not_touched(repo, is_tracked):
    theirs = "#!/bin/sh\necho theirs >>ran\n"
    repo.git("config", "core.hooksPath", ".githooks")
    repo.write({".githooks/post-commit": theirs})
    (repo.path / ".githooks/post-commit").chmod(0o755)
    if is_tracked:
        repo.commit("hooks")
    before = repo.git("status", "--porcelain")
    with pytest.raises(RepositoryError, match=r"is shared through git.*rsidx hooks snippet"):
        install(repo)
    assert repo.git("status", "--porcelain") == before
    assert hooks.state(discover(repo.path)).name == "absent"


@in_files
def test_the_snippet_for_shared_hooks_works_in_each_clone_that_wants_it(repo, wait):
    text = hooks.snippet()
    assert sys.prefix not in text
    assert str(repo.path) not in text
    for name in hooks.HOOKS:
        repo.write({f".githooks/{name}": f"#!/bin/sh\n{text}set -eu\necho theirs >>ran\n"})
        (repo.path / ".githooks" / name).chmod(0o755)
    repo.git("config", "core.hooksPath", ".githooks")
    oid = repo.commit("without the program", {".gitignore": "ran\n", "a.rs": "fn a() {}\n"})
    assert (repo.path / "ran").read_text() == "theirs\n"
    repository = discover(repo.path)
    assert hooks.state(repository).name == "absent"
    assert install(repo).name == "installed"
    settle(repo, wait, repo.commit("with it", {"a.rs": "fn b() {}\n"}))
    (repo.path / "ran").unlink()
    found = [
        one.verdict for one in examine(repository, str(repository.common_dir / "rsidx/index.db"))
    ]
    assert set(found) == {"ok"}
    assert not (repo.path / "ran").exists()
    assert hooks.uninstall(repository) == list(hooks.HOOKS)
    assert repo.git("status", "--porcelain") == ""
    assert hooks.state(repository).name == "absent"
    assert hooks.uninstall(repository) == []
    later = repo.commit("without it again", {"a.rs": "fn c() {}\n"})
    assert not {oid, later} & indexed(repo)


@in_files
def test_a_link_is_not_followed(repo, tmp_path):
    target = tmp_path / "target"
    target.write_text("#!/bin/sh\n")
    path = repo.path / ".git/hooks/post-commit"
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(target)
    with pytest.raises(RepositoryError, match="is a link"):
        install(repo)
    assert target.read_text() == "#!/bin/sh\n"


def test_a_password_does_not_get_into_a_hook(repo):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    with pytest.raises(RepositoryError, match="RSIDX_DB"):
        hooks.install(discover(repo.path), "postgresql://me:secret@127.0.0.1/x")
    assert not (repo.path / ".git/rsidx/hook").exists()
