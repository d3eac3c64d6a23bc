import pytest

from rsidx.indexer.git import history
from rsidx.indexer.git.blobs import blob_reader
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.git.trees import TreeReader


@pytest.fixture
def files(repo):
    """Return a function that lists the files of a revision."""
    with blob_reader(discover(repo.path), max_bytes=1) as reader:
        trees = TreeReader(reader)
        yield lambda revision: trees.files(bytes.fromhex(repo.git("rev-parse", revision)))


def tree(repo, *entries):
    """Write a tree, also one that git itself would not write; return its id."""
    content = b"".join(
        b"%s %s\0%s" % (mode, name, bytes.fromhex(oid)) for mode, name, oid in entries
    )
    return repo.git("hash-object", "-w", "--literally", "-t", "tree", "--stdin", stdin=content)


def test_the_files_are_those_that_git_lists_in_its_order(repo, files):
    for n in range(4):
        repo.commit(f"number {n}", {
            "a.rs": f"{n}", "a/b.rs": f"{n}", "a-b.rs": "", "a/c/d.rs": "", f"b/{n}.rs": "",
            "b/Cargo.toml": "", "b/notes.md": "", "ä/ü.rs": "", ".gitattributes": f"# {n}\n",
        })  # fmt: skip
    (repo.path / "a/run.rs").write_text("")
    (repo.path / "a/run.rs").chmod(0o755)
    (repo.path / "a/link.rs").symlink_to("run.rs")
    repo.commit("modes")
    for n in range(5):
        found = files(f"HEAD~{n}")
        oid = bytes.fromhex(repo.git("rev-parse", f"HEAD~{n}"))
        assert found == history.list_tree(discover(repo.path), oid)
        assert len(found) > 7


def test_a_folder_that_stays_is_read_once(repo, monkeypatch):
    repo.commit("one", {"a/b/c.rs": "", "d/e.rs": "1"})
    repo.commit("two", {"d/e.rs": "2"})
    with blob_reader(discover(repo.path), max_bytes=1) as reader:
        asked = []
        plain = reader.read_tree
        monkeypatch.setattr(reader, "read_tree", lambda oid: asked.append(oid) or plain(oid))
        trees = TreeReader(reader)
        for revision in ("HEAD~1", "HEAD"):
            trees.files(bytes.fromhex(repo.git("rev-parse", revision)))
    # Of the first commit all four, of the second what it changed.
    assert len(asked) == 6


def test_what_cannot_be_read_is_not_there(repo, files):
    repo.commit("one", {"a.rs": "", "b/c.rs": "", "d/e.rs": ""})
    folder = repo.git("rev-parse", "HEAD:b")
    (repo.path / ".git/objects" / folder[:2] / folder[2:]).unlink()
    assert [path for path, _ in files("HEAD")] == [b"a.rs", b"d/e.rs"]
    with blob_reader(discover(repo.path), max_bytes=1) as reader:
        assert TreeReader(reader).files(b"\1" * 20) == ()


def test_a_tree_that_git_would_not_write_ends_nothing(repo, files):
    repo.commit("one", {"a.rs": ""})
    blob = repo.git("rev-parse", "HEAD:a.rs")
    for mode in (b"10x644", b"100988", b"", b"-1"):
        broken = tree(repo, (mode, b"b.rs", blob))
        odd = tree(repo, (b"100664", b"a.rs", blob), (b"40000", b"broken", broken))
        assert [path for path, _ in files(odd)] == [b"a.rs"]


def test_folders_may_be_as_deep_as_they_like(repo, files):
    path = "x/" * 1200 + "a.rs"
    stream = f"commit refs/heads/main\ncommitter C <c@d> 1 +0000\ndata 0\nM 644 inline {path}\n"
    repo.git("fast-import", "--quiet", stdin=f"{stream}data 0\n".encode())
    assert [found.decode() for found, _ in files("main")] == [path]
