"""Edits that are not committed: of a patch or on disk, and nothing of the repository changes."""

import pytest

from rsidx.errors import RepositoryError
from rsidx.indexer.edited import files_edited_on_disk, patched_files
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.git.history import list_tree
from tests.repositories import Repo

MAX_BYTES = 100_000
FILES = {
    "src/lib.rs": "".join(f"pub fn f{n}() {{}}\n" for n in range(9)),
    "src/other.rs": "pub fn other() {}\n",
    "README.md": "Read me.\n",
}


@pytest.fixture
def edited(repo):
    """A commit, and on disk edits of it: of one file, one moved, one new, one that is no Rust."""
    repo.commit("the first commit", FILES)
    repo.git("mv", "src/lib.rs", "src/moved.rs")
    repo.git("rm", "-q", "src/other.rs")
    repo.git("reset", "-q")
    repo.write({
        "src/moved.rs": FILES["src/lib.rs"].replace("f3", "renamed"),
        "src/new.rs": "struct New;\n",
        "README.md": "Read it.\n",
    })  # fmt: skip
    return repo


def patch_of(repo):
    repo.git("add", "-A")
    patch = repo.git("diff", "--cached", "-M", "HEAD") + "\n"
    repo.git("reset", "-q")
    return patch.encode()


def state_of(repo):
    """Return what is in the git folder, logs of what was asked aside."""
    files = (path for path in (repo.path / ".git").rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files}


def told(edits):
    return {(one.path, one.old_path, one.record.oid.hex() if one.record else None) for one in edits}


def expected(repo):
    oid = {name: repo.git("hash-object", name) for name in ("src/moved.rs", "src/new.rs")}
    return {
        (b"src/moved.rs", b"src/lib.rs", oid["src/moved.rs"]),
        (b"src/new.rs", None, oid["src/new.rs"]),
        (b"src/other.rs", None, None),
    }


@pytest.mark.parametrize("settings", [{}, {"core.splitIndex": "true"}, {"core.autocrlf": "true"}])
def test_a_patch_is_applied_beside_the_repository(edited, settings):
    for name, value in settings.items():
        edited.git("config", name, value)
    repository = discover(edited.path)
    patch, wanted = patch_of(edited), expected(edited)
    edited.git("stash", "-q", "-u")
    before = state_of(edited)
    edits = patched_files(repository, bytes.fromhex(edited.head()), patch, max_bytes=MAX_BYTES)
    assert told(edits) == wanted
    assert state_of(edited) == before
    assert edited.git("status", "--porcelain") == ""


def test_what_differs_on_disk_is_told_with_its_old_name(edited):
    repository = discover(edited.path)
    head = bytes.fromhex(edited.head())
    tree = dict(list_tree(repository, head))
    before = state_of(edited)
    edits = files_edited_on_disk(repository, head, tree, max_bytes=MAX_BYTES)
    assert told(edits) == expected(edited)
    assert state_of(edited) == before


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_a_bare_repository_can_be_patched(tmp_path, object_format):
    repo = Repo(tmp_path / "repo", f"--object-format={object_format}")
    repo.commit("the first commit", FILES)
    repo.write({"src/other.rs": "pub fn other(n: u32) {}\n"})
    patch = repo.git("diff").encode() + b"\n"
    repo.git("clone", "-q", "--bare", str(repo.path), str(tmp_path / "bare.git"))
    repository = discover(tmp_path / "bare.git")
    head = bytes.fromhex(repo.head())
    [edit] = patched_files(repository, head, patch, max_bytes=MAX_BYTES)
    assert edit.record.oid.hex() == repo.git("hash-object", "src/other.rs")
    assert patched_files(repository, head, b" \n", max_bytes=MAX_BYTES) == ()


@pytest.mark.parametrize(
    ("patch", "says"),
    [
        (b"--- a/src/other.rs\n+++ b/src/other.rs\n@@ -1 +1 @@\n-none\n+some\n", "patch failed"),
        (b"no patch at all\n", "[Nn]o valid patches"),
        (b"--- a/../x.rs\n+++ b/../x.rs\n@@ -0,0 +1 @@\n+some\n", "invalid path|does not exist"),
        (b"--- a/src/none.rs\n+++ b/src/none.rs\n@@ -1 +1 @@\n-none\n+some\n", "does not exist"),
    ],
)
def test_a_patch_that_does_not_apply_is_refused(edited, patch, says):
    repository = discover(edited.path)
    head = bytes.fromhex(edited.head())
    with pytest.raises(RepositoryError, match=f"the edits do not apply to .*({says})"):
        patched_files(repository, head, patch, max_bytes=MAX_BYTES)


def test_a_file_over_the_limit_has_no_chunks(edited):
    repository = discover(edited.path)
    head = bytes.fromhex(edited.head())
    edits = patched_files(repository, head, patch_of(edited), max_bytes=20)
    states = {one.path: one.record.state for one in edits if one.record}
    assert states == {b"src/moved.rs": "too_large", b"src/new.rs": "parsed"}
