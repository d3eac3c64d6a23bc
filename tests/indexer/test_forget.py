"""What is forgotten is nowhere in the index's files, and stays away."""

import pytest

from rsidx.__main__ import main
from rsidx.errors import IndexStoreError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from rsidx.indexer import forget as module
from rsidx.indexer.forget import forget, forgotten, remember
from rsidx.indexer.gc import collect
from rsidx.indexer.sync import update
from rsidx.store import queries
from rsidx.store.dump import dump

pytestmark = pytest.mark.usefixtures("writable")
SECRET = "hunter2_do_not_tell"


def fillers(n):
    """So many items that a dictionary is trained on them."""
    return "".join(f"pub fn filler_{k}(x: u32) -> u32 {{\n    x + {k}\n}}\n\n" for k in range(n))


@pytest.fixture(scope="module")
def begun(make_history):
    """A history with a secret, and an index of it with a dictionary; each test has a copy."""
    repo, index = history = make_history()
    repo.commit("one", {"src/lib.rs": fillers(600), "src/secret/key.rs": "fn open() {}\n"})
    body = f'const {SECRET.upper()}: &str = "{SECRET}";\n' * 20
    repo.commit("two: " + SECRET, {"src/secret/key.rs": body})
    repo.commit("three", {"src/secret/key.rs": "fn open() -> u8 { 1 }\n"})
    index.sync()
    return history


@pytest.fixture
def copied(begun, history_for):
    return history_for(begun)


@pytest.fixture
def repo(copied):
    return copied.repo


@pytest.fixture
def filled(copied):
    return copied.index


def text_of(index):
    with index.database.reading() as connection:
        return "\n".join(dump(connection))


def everywhere(index):
    """Every byte of the files beside the index, and every text in it."""
    raw = b"".join(p.read_bytes() for p in index.file.parent.iterdir() if p.is_file())
    return raw + text_of(index).encode()


def dictionaries(index):
    with index.database.reading() as connection:
        return {row[0] for row in connection.exec_driver_sql("SELECT content FROM dictionary")}


@pytest.mark.slow
@pytest.mark.parametrize("target", ["path", "folder", "blob", "commit"])
def test_it_is_gone_from_every_file_and_does_not_come_back(filled, repo, target, tokenizer_file):
    assert SECRET in text_of(filled)
    trained = dictionaries(filled)
    assert trained
    name = {
        "path": "src/secret/key.rs",
        "folder": "src/secret/",
        "blob": repo.git("rev-parse", "HEAD~1:src/secret/key.rs"),
        "commit": repo.git("rev-parse", "HEAD~1"),
    }[target]
    config = ExportConfig(tokenizer=str(tokenizer_file), keep=("messages",), split="1,0,0")
    export(filled.database, filled.file.parent.parent / "out", config)
    assert filled.database.cache_file.exists()
    removed = forget(filled.repository, filled.database, [name])
    assert not filled.database.cache_file.exists()
    # A message is the commit's: it goes only with it.
    repo.commit("again", {"src/secret/key.rs": "fn open() -> u8 { 2 }\n"})
    filled.sync()
    if target != "commit":
        forget(filled.repository, filled.database, [repo.git("rev-parse", "HEAD~2")])
    assert SECRET.encode() not in everywhere(filled)
    assert SECRET.upper().encode() not in everywhere(filled)
    assert not trained & dictionaries(filled)
    assert "filler_17" in text_of(filled)
    assert removed.n_blobs == {"path": 3, "folder": 3, "blob": 1, "commit": 1}[target]
    with filled.database.reading() as connection:
        states = queries.counts(connection).blobs_by_state
    expected = 4 if target in ("path", "folder") else 1
    assert states["forgotten"] == expected


def test_what_gc_dropped_and_a_branch_brings_back_stays_out(filled, repo):
    commit = repo.git("rev-parse", "HEAD~1")
    forget(filled.repository, filled.database, ["src/secret", commit])
    repo.git("reset", "-q", "--hard", "HEAD~2")
    collect(filled.repository, filled.database, max_bytes=100_000)
    with filled.database.reading() as connection:
        assert queries.counts(connection).n_commits == 1
    repo.git("reset", "-q", "--hard", "ORIG_HEAD")
    filled.sync()
    with filled.database.reading() as connection:
        assert queries.counts(connection).n_commits == 3
    repo.git("checkout", "-q", "-b", "side", "main~2")
    repo.commit("a new version", {"src/secret/key.rs": "fn other() {}\n"})
    update(filled.repository, filled.database, jobs=1, max_bytes=100_000)
    assert SECRET not in text_of(filled)
    assert "fn other" not in text_of(filled)


def test_undo_reads_it_again_and_is_what_it_was(filled, repo):
    before = text_of(filled)
    commit = repo.git("rev-parse", "HEAD~1")
    forget(filled.repository, filled.database, ["src/secret", commit])
    assert forgotten(filled.database) == [("path", "src/secret"), ("commit", commit)]
    assert remember(filled.repository, filled.database, ["src/secret"]) == 2
    filled.sync()
    assert SECRET not in text_of(filled)
    assert remember(filled.repository, filled.database, [commit[:9]]) == 1
    filled.sync()
    assert forgotten(filled.database) == []
    assert text_of(filled) == before


def test_a_chunk_that_another_file_has_stays_and_is_counted(filled, repo):
    repo.commit("copy", {"b.rs": "fn open() -> u8 { 1 }\n"})
    filled.sync()
    removed = forget(filled.repository, filled.database, ["src/secret/key.rs"])
    assert removed.n_chunks_elsewhere == 0
    assert "fn open() -> u8" not in text_of(filled)  # The blob is the same.
    repo.commit("copy", {"c.rs": "fn common() {}\n\nfn b() {}\n", "d.rs": "fn common() {}\n"})
    filled.sync()
    removed = forget(filled.repository, filled.database, ["d.rs"])
    assert removed.n_chunks_elsewhere == 1
    assert "fn common()" in text_of(filled)


def test_the_old_blob_of_a_rename_is_the_old_path_s(filled, repo):
    (repo.path / "public.rs").write_text(fillers(5))
    repo.commit("add")
    repo.git("mv", "public.rs", "private.rs")
    repo.commit("move", {"private.rs": fillers(5) + "fn more() {}\n"})
    filled.sync()
    assert forget(filled.repository, filled.database, ["private.rs"]).n_blobs == 1
    assert "filler_4" in text_of(filled)


def test_what_names_nothing_is_refused_and_nothing_is_changed(filled):
    before = text_of(filled)
    for name in ("src/sec", "0000000", "abc"):
        with pytest.raises(IndexStoreError, match="no path"):
            forget(filled.repository, filled.database, ["src/lib.rs", name])
    assert text_of(filled) == before


def test_it_waits_for_no_export_but_says_so(filled):
    with filled.database.long_read(), pytest.raises(IndexStoreError, match="an export is reading"):
        forget(filled.repository, filled.database, ["src/lib.rs"])
    forget(filled.repository, filled.database, ["src/lib.rs"])


def test_the_cache_goes_before_what_is_forgotten_is_committed(filled, monkeypatch):
    seen = []
    monkeypatch.setattr(
        module, "remove_cache", lambda _file: seen.append(SECRET.upper() in text_of(filled))
    )
    forget(filled.repository, filled.database, ["src/secret"])
    assert seen == [True]


@pytest.mark.parametrize("targets", [["src/secret"], ["--undo", "src/lib.rs"]])
def test_a_dry_run_says_what_would_go_and_changes_nothing(
    filled, repo, monkeypatch, capfd, targets
):
    monkeypatch.chdir(repo.path)
    forget(filled.repository, filled.database, ["src/lib.rs"])
    with filled.database.reading() as connection:
        before = list(dump(connection))
    assert main(["forget", "--db", str(filled.file), "--dry-run", *targets]) == 0
    said = capfd.readouterr().out
    assert "would" in said
    with filled.database.reading() as connection:
        assert list(dump(connection)) == before
    assert main(["forget", "--db", str(filled.file), *targets]) == 0
    assert capfd.readouterr().out.splitlines()[0] == (
        said.splitlines()[0].replace("would read", "reads").replace("would be ", "")
    )
