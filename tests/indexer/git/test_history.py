"""Reading history: every form of commit, change and damage that git has."""

import os
import shutil

import pytest

from rsidx.errors import RepositoryError
from rsidx.indexer.git import history
from rsidx.indexer.git.discovery import discover


def records(repo, *revisions):
    repository = discover(repo.path)
    lines = history.list_commits(repository, revisions or ("HEAD",))
    return list(history.read_commits(repository, lines))


def kinds(record):
    return [(c.kind, c.path.decode(), c.old_path and c.old_path.decode()) for c in record.changes]


def test_add_modify_rename_and_delete_with_their_blobs(repo):
    repo.commit("one", {"a.rs": "fn a() {}\n" * 20, "Cargo.toml": "[package]\n", "x.txt": "x"})
    repo.commit("two", {"a.rs": "fn a() {}\n" * 21})
    repo.git("mv", "a.rs", "b.rs")
    repo.commit("three")
    repo.commit("four", {"b.rs": None})
    found = records(repo)
    assert [kinds(record) for record in found] == [
        [("A", "Cargo.toml", None), ("A", "a.rs", None)],
        [("M", "a.rs", None)],
        [("R", "b.rs", "a.rs")],
        [("D", "b.rs", None)],
    ]
    assert found[0].changes[1].old_blob is None
    assert found[1].changes[0].new_blob.hex() == repo.git("rev-parse", "HEAD~2:a.rs")
    assert found[3].changes[0].new_blob is None


def test_a_file_that_becomes_rust_or_stops_being_it_is_an_addition_or_a_deletion(repo):
    repo.commit("one", {"a.txt": "fn a() {}\n" * 20})
    repo.git("mv", "a.txt", "a.rs")
    repo.commit("two")
    repo.git("mv", "a.rs", "a.bak")
    repo.commit("three")
    assert [kinds(record) for record in records(repo)] == [
        [], [("A", "a.rs", None)], [("D", "a.rs", None)],
    ]  # fmt: skip


def test_a_merge_shows_what_it_changed_on_its_first_parent(repo):
    repo.commit("base", {"a.rs": "fn a() {}\n"})
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("side", {"b.rs": "fn b() {}\n"})
    repo.git("checkout", "-q", "main")
    repo.commit("main", {"c.rs": "fn c() {}\n"})
    repo.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    merge = records(repo)[-1]
    assert len(merge.parents) == 2
    assert kinds(merge) == [("A", "b.rs", None)]


def test_every_parent_comes_before_its_children_and_no_commit_is_simplified_away(repo):
    repo.commit("base", {"a.rs": "fn a() {}\n"})
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("same", {"a.rs": "fn b() {}\n"})
    repo.git("checkout", "-q", "main")
    repo.commit("same again", {"a.rs": "fn b() {}\n"})
    repo.commit("no change")
    repo.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    seen = set()
    for record in records(repo):
        assert set(record.parents) <= seen
        seen.add(record.oid)
    assert len(seen) == 5


def test_links_submodules_and_other_files_are_passed_over(repo):
    inner = repo.commit("one", {"real.rs": "fn a() {}\n"})
    (repo.path / "link.rs").symlink_to("real.rs")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{inner},sub.rs")
    repo.git("add", "link.rs")
    repo.git("commit", "-q", "-m", "two")
    assert kinds(records(repo)[-1]) == []
    assert [p for p, _ in history.list_tree(discover(repo.path), records(repo)[-1].oid)] == [
        b"real.rs"
    ]


def test_a_file_that_becomes_a_link_is_deleted(repo):
    repo.commit("one", {"a.rs": "fn a() {}\n", "b.rs": "fn b() {}\n"})
    (repo.path / "a.rs").unlink()
    (repo.path / "a.rs").symlink_to("b.rs")
    repo.commit("two")
    assert kinds(records(repo)[-1]) == [("D", "a.rs", None)]


def test_paths_and_messages_in_any_bytes_come_through(repo):
    name = b'caf\xe9 "q"\n.rs'.decode("utf-8", "surrogateescape")
    repo.commit("one", {name: "fn a() {}\n"})
    message = repo.path / "message"
    message.write_bytes("Größe\n\n:100644 not an entry\n".encode("latin-1"))
    repo.git("-c", "i18n.commitEncoding=latin1", "commit", "-q", "--allow-empty", "-F", "message")
    found = records(repo)
    assert found[0].changes[0].path == b'caf\xe9 "q"\n.rs'
    assert found[1].message == "Größe\n\n:100644 not an entry"


def test_an_empty_message_and_an_empty_commit_are_commits(repo):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    repo.git("commit", "-q", "--allow-empty", "--allow-empty-message", "-m", "")
    repo.commit("three")
    assert [record.message for record in records(repo)] == ["one", "", "three"]


def test_bots_are_marked(repo):
    repo.commit("one")
    repo.commit("two", GIT_AUTHOR_NAME="dependabot[bot]")
    assert [record.is_bot for record in records(repo)] == [False, True]


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_both_object_formats_are_read(make_repo, object_format):
    repo = make_repo("r", f"--object-format={object_format}")
    oid = repo.commit("one", {"a.rs": "fn a() {}\n"})
    [record] = records(repo)
    assert record.oid.hex() == oid
    assert discover(repo.path).object_format == object_format


def test_a_missing_tree_costs_one_commit_and_not_those_after_it(repo):
    repo.commit("one", {"d/a.rs": "fn a() {}\n"})
    broken = repo.commit("two", {"d/a.rs": "fn b() {}\n"})
    repo.commit("three", {"d/a.rs": "fn c() {}\n", "e.rs": ""})
    tree = repo.git("rev-parse", f"{broken}:d")
    (repo.path / ".git/objects" / tree[:2] / tree[2:]).unlink()
    found = records(repo)
    assert [r.message for r in found] == ["one", "two", "three"]
    assert [r.state for r in found] == ["ok", "unreadable", "unreadable"]


def test_a_missing_blob_turns_rename_detection_off_for_its_commit_alone(repo):
    repo.commit("one", {"a.rs": "fn a() {}\n" * 30, "z.rs": "fn z() {}\n" * 30})
    blob = repo.git("rev-parse", "HEAD:a.rs")
    repo.git("mv", "a.rs", "b.rs")
    repo.commit("two", {"b.rs": "fn a() {}\n" * 31})
    repo.git("mv", "z.rs", "y.rs")
    repo.commit("three")
    (repo.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    found = records(repo)
    assert [r.state for r in found] == ["ok"] * 3
    assert kinds(found[1]) == [("D", "a.rs", None), ("A", "b.rs", None)]
    assert kinds(found[2]) == [("R", "y.rs", "z.rs")]


def test_a_shallow_clone_names_its_boundary(repo, tmp_path):
    for n in range(4):
        repo.commit(str(n), {"a.rs": f"fn a{n}() {{}}\n"})
    repo.git("clone", "-q", "--depth", "2", f"file://{repo.path}", str(tmp_path / "shallow"))
    shallow = discover(tmp_path / "shallow")
    [boundary] = history.shallow_boundary(shallow)
    assert boundary.hex() == repo.git("rev-parse", "HEAD~1")


def test_refs_are_peeled_and_an_unborn_head_is_left_out(repo):
    assert history.read_refs(discover(repo.path)) == {}
    oid = bytes.fromhex(repo.commit("one", {"a.rs": ""}))
    repo.git("tag", "-a", "v1", "-m", "tag")
    repo.git("tag", "tree", "HEAD^{tree}")
    assert history.read_refs(discover(repo.path)) == {
        b"HEAD": oid, b"refs/heads/main": oid, b"refs/tags/v1": oid,
    }  # fmt: skip


def test_replace_refs_change_nothing(repo):
    first = repo.commit("one", {"a.rs": "fn a() {}\n"})
    second = repo.commit("two", {"a.rs": "fn b() {}\n"})
    repo.git("replace", second, first)
    assert [r.message for r in records(repo)] == ["one", "two"]


def test_a_revision_that_looks_like_an_option_is_refused_as_a_revision(repo):
    repo.commit("one")
    with pytest.raises(RepositoryError, match="names no commit"):
        history.resolve(discover(repo.path), "--all")


def test_outside_of_a_repository_is_a_clear_error(tmp_path):
    with pytest.raises(RepositoryError, match="not in a git repository"):
        discover(tmp_path)


def test_programs_named_in_the_configuration_are_not_run(repo, tmp_path):
    ran = tmp_path / "ran"
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\necho $0 >> {ran}\n")
    trap.chmod(0o755)
    repo.commit("one", {"a.rs": "fn a() {}\n", ".gitattributes": "*.rs diff=x filter=x"})
    repo.commit("two", {"a.rs": "fn b() {}\n"})
    for key in ("core.fsmonitor", "gpg.program", "core.sshCommand", "core.pager", "diff.external",
                "diff.x.textconv", "diff.x.command", "filter.x.smudge", "core.editor"):  # fmt: skip
        repo.git("config", key, str(trap))
    repo.git("config", "log.showSignature", "true")
    repository = discover(repo.path)
    records(repo)
    history.list_tree(repository, history.read_refs(repository)[b"HEAD"])
    history.worktree_heads(repository)
    assert not ran.exists(), ran.read_text()


def test_a_git_that_complains_at_length_is_not_stopped_by_it(repo, monkeypatch, tmp_path):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    real = shutil.which("git")
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(
        "#!/bin/sh\n"
        'case "$*" in *" log "*) head -c 300000 /dev/zero | tr "\\0" w >&2 ;; esac\n'
        f'exec {real} "$@"\n'
    )
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    assert [r.message for r in records(repo)] == ["one"]
