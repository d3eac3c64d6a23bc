"""Faults come out of the public API as one line of an error of rsidx, never as a library's."""

import os
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest

import rsidx
from rsidx.errors import (
    ExportError,
    IndexStoreError,
    RepositoryError,
    RsidxError,
    TokenizerError,
)
from tests.repositories import Repo

HISTORY = {"src/lib.rs": "pub fn a() -> u32 {\n    1\n}\n", "Cargo.toml": '[package]\nname="x"\n'}
NO_TEXT = "\ud800"


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A repository with an index, of which each test has a copy."""
    repo = Repo(tmp_path_factory.mktemp("begun") / "repo")
    repo.commit("Begin with a function", HISTORY)
    with rsidx.open(repo.path) as index:
        index.backfill()
    return repo


@pytest.fixture(scope="module")
def begun_data(begun, config, tmp_path_factory):
    with rsidx.open(begun.path) as index:
        data = index.export(tmp_path_factory.mktemp("data") / "out", config)
        index.file.with_name("index.db.cache").unlink()
    return data


@pytest.fixture
def filled(repo, begun):
    repo.fill_from(begun)
    return repo


@pytest.fixture
def index(filled):
    with rsidx.open(filled.path) as opened:
        yield opened


@pytest.fixture(scope="module")
def config(tokenizer_file):
    return rsidx.ExportConfig(str(tokenizer_file), split="1,0,0")


@pytest.fixture
def data(begun_data, tmp_path):
    return rsidx.DataSet(shutil.copytree(begun_data.folder, tmp_path / "out"))


def fault(call, kind=RsidxError):
    """Return the text of the error that a call raises, or a loop over what it returns."""

    def use():
        found = call()
        if hasattr(found, "__next__"):
            list(found)

    with pytest.raises(kind) as caught:
        use()
    text = str(caught.value)
    assert text
    assert "\n" not in text
    return text


NOWHERE = {
    "no file": ("nowhere", RepositoryError, "neither a repository nor an index at nowhere"),
    "no folder": ("/nowhere/at/all", RepositoryError, "neither a repository nor an index"),
    "empty text": ("", RepositoryError, "is not in a git repository"),
    "a NUL": ("a\0b", RsidxError, "is no path"),
    "half a character": (f"a{NO_TEXT}", RsidxError, ""),
    "too long": ("x" * 5000, RsidxError, ""),
    "no database there": ("sqlite:///nowhere.db", IndexStoreError, "there is no index at"),
    "no database at all": ("sqlite://", IndexStoreError, ""),
    "in memory": ("sqlite:///:memory:", IndexStoreError, ""),
    "another database": ("mysql://u:pa55word@h/x", IndexStoreError, "neither SQLite nor Postgre"),
    "another driver": ("postgresql+nothing://h/x", IndexStoreError, ""),
    "a spoilt address": ("postgresql://h:port/x", IndexStoreError, "neither a path nor a database"),
    "no address": ("://", IndexStoreError, "neither a path nor a database URL"),
    "no server": ("postgresql://u:pa55word@127.0.0.1:1/x", IndexStoreError, ""),
}  # fmt: skip


@pytest.mark.parametrize(("place", "kind", "says"), NOWHERE.values(), ids=NOWHERE)
def test_opening_what_is_not_there_fails_at_once(tmp_path, monkeypatch, place, kind, says):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    text = fault(lambda: rsidx.open(place), kind)
    assert says in text
    assert "pa55word" not in text
    assert sorted(tmp_path.iterdir()) == before


def test_opening_what_is_something_else_fails_at_once(tmp_path, filled):
    empty, text, other = tmp_path / "empty", tmp_path / "text", tmp_path / "other.db"
    empty.touch()
    text.write_text("no database, but a text that is long enough to have been one\n" * 99)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    assert "is empty, and no index" in fault(lambda: rsidx.open(empty), IndexStoreError)
    assert "file is not a database" in fault(lambda: rsidx.open(text), IndexStoreError)
    assert "not an index of rsidx" in fault(lambda: rsidx.open(other), IndexStoreError)
    os.mkfifo(tmp_path / "pipe")
    assert "neither a repository" in fault(lambda: rsidx.open(tmp_path / "pipe"), RepositoryError)
    assert "is not in a git repository" in fault(lambda: rsidx.open(tmp_path), RepositoryError)
    for file in (empty, text, other):
        fault(lambda file=file: rsidx.open(filled.path, db=str(file)), IndexStoreError)
    assert (empty.read_bytes(), text.stat().st_size) == (b"", len(text.read_text()))
    assert "names a repository's index" in fault(lambda: rsidx.open(other, db=str(text)))


def test_a_torn_copy_and_a_newer_index_are_refused_at_once(tmp_path, filled):
    torn = tmp_path / "torn.db"
    torn.write_bytes((filled.path / ".git/rsidx/index.db").read_bytes()[:-8192])
    fault(lambda: rsidx.open(torn), IndexStoreError)
    file = filled.path / ".git/rsidx/index.db"
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    assert "newer rsidx" in fault(lambda: rsidx.open(filled.path), rsidx.NewerIndexError)


def test_a_repository_whose_index_is_still_to_be_made_says_so(repo, config, tmp_path):
    repo.commit("Begin with a function", HISTORY)
    with rsidx.open(repo.path) as index:
        for call in (index.commits, index.commit, index.status, index.n_bytes, index.forgotten,
                     lambda: index.backup(tmp_path / "copy"), index.gc,
                     lambda: index.examples("HEAD", config), lambda: index.at().symbols("a"),
                     lambda: index.export(tmp_path / "out", config),
                     lambda: index.train_tokenizer(tmp_path / "tok")):  # fmt: skip
            text = fault(call, IndexStoreError)
            assert "there is no index at" in text
            assert "run `rsidx backfill` first" in text
    assert not (repo.path / ".git/rsidx").exists()
    assert not (tmp_path / "out").exists()


REVISIONS = ["nowhere", "", "HEAD^^^^", "a\0b", NO_TEXT, "--all", "x" * 100_000, "HEAD:src"]


@pytest.mark.parametrize("revision", REVISIONS, ids=ascii)
def test_a_revision_that_names_nothing_is_a_fault(index, config, revision):
    revision = revision[:5000]
    for call in (
        lambda: index.commits(revision), lambda: index.commit(revision),
        lambda: index.at(revision), lambda: index.backfill([revision]),
        lambda: index.examples(revision, config),
    ):  # fmt: skip
        fault(call)


@pytest.mark.parametrize("name", ["nothing", "", "a::b", "a\0b", NO_TEXT, "*"], ids=ascii)
def test_a_name_that_is_nothing_is_found_nowhere(index, data, name):
    code = index.at()
    if name == NO_TEXT:
        fault(lambda: code.symbols(name))
    else:
        assert code.symbols(name) == []
    fault(lambda: code.references(name))
    fault(lambda: code.context("src/lib.rs", name or "x"))
    fault(lambda: code.context(name))
    fault(lambda: code.prompt("src/lib.rs", name or "x", "Say something", like=data))
    fault(lambda: index.apply(f"src/{name}", "a", "fn a() {}\n"))
    fault(lambda: index.apply("src/lib.rs", name, "fn a() {}\n"))
    fault(lambda: index.forget([name]))


def test_code_is_named_in_one_way(index, data):
    several = "and one of them only"
    new = "fn a() {}\n"
    assert several in fault(lambda: index.apply("src/lib.rs", "a", new, line=1))
    assert several in fault(lambda: index.apply("src/lib.rs", "", new, after="a", in_="b"))
    assert several in fault(lambda: index.apply("src/lib.rs", "", new))
    assert several in fault(lambda: index.at().prompt("src/lib.rs", "a", "Say", like=data, line=1))
    # A prompt may be for a whole file.
    assert several not in fault(lambda: index.at().prompt("src/lib.rs", "", "Say", like=data))


def test_what_is_not_in_the_worktree_is_not_written(index, tmp_path):
    for path in (
        "../outside.rs",
        str(tmp_path / "outside.rs"),
        ".git/config",
        "src",
        "/etc/passwd",
    ):
        fault(lambda path=path: index.apply(path, "a", "fn a() {}\n", write=True))
    fault(lambda: index.at().context("src/lib.rs", context_with=["all"]), ExportError)


@pytest.mark.slow
def test_a_place_that_cannot_be_written_is_a_fault(index, config, tmp_path, filled):
    file = tmp_path / "file"
    file.write_text("mine")
    for out in (file, file / "below", "a\0b", filled.path, filled.path / ".git/x", "x" * 300, "/"):
        fault(lambda out=out: index.export(out, config))
    for out in (file, "a\0b", filled.path, filled.path / ".git/x", "/"):
        fault(lambda out=out: index.preview(out, config))
    for out in (file, file / "below", "a\0b", tmp_path, "/nowhere/at/all", "x" * 300):
        fault(lambda out=out: index.backup(out))
    for out in (file, file / "below", "a\0b", filled.path, "x" * 300):
        fault(lambda out=out: index.train_tokenizer(out))
    assert file.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_a_folder_that_may_not_be_read_is_a_fault(index, config, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o000)
    fault(lambda: index.export(locked / "out", config))
    fault(lambda: rsidx.open(locked / "x"))
    fault(lambda: rsidx.DataSet(locked / "x"))


BAD_TOKENIZERS = {
    "nothing": None, "empty": b"", "no JSON": b"{", "no tokenizer": b"{}", "a list": b"[]",
    "binary": b"\0\xff" * 99, "a word level": b"""{"version": "1.0", "added_tokens": [{"id": 0,
    "content": "</s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
    "special": true}], "model": {"type": "WordLevel", "vocab": {"</s>": 0, "fn": 1},
    "unk_token": "[UNK]"}}""",
}  # fmt: skip


@pytest.mark.parametrize("content", BAD_TOKENIZERS.values(), ids=BAD_TOKENIZERS)
def test_a_tokenizer_that_cannot_be_used_is_a_fault(index, tmp_path, content):
    file = tmp_path / "bad.json"
    if content is not None:
        file.write_bytes(content)
    config = rsidx.ExportConfig(str(file))
    fault(lambda: index.examples("HEAD", config), TokenizerError)
    fault(lambda: index.export(tmp_path / "out", config), TokenizerError)
    fault(lambda: index.measure_tokenizer(file), TokenizerError)
    fault(lambda: rsidx.measure_tokenizer(file), TokenizerError)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("source", ["", "a\0b", "nowhere", "x" * 5000, NO_TEXT, "/"], ids=ascii)
def test_a_tokenizer_that_is_not_there_is_a_fault(index, monkeypatch, source):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    fault(lambda: rsidx.measure_tokenizer(source), TokenizerError)
    fault(lambda: index.measure_tokenizer(source), TokenizerError)


@pytest.mark.parametrize(
    "values",
    [{"split": "1,2,3"}, {"split": "x"}, {"split": ""}, {"split": "2020-13-01,2021-01-01"},
     {"split": "abcd,ef01"}, {"split": "nan,nan,nan"}, {"embargo": "x"}, {"embargo": "-1"},
     {"boundaries": "/nowhere"}, {"boundaries": "a\0b"}, {"revisions": ("nowhere",)},
     {"dialect": "qwen"}, {"kind": "fim"}, {"name": "another"}],
    ids=str,
)  # fmt: skip
def test_what_an_export_cannot_do_is_refused_before_anything_is_written(
    index, tokenizer_file, tmp_path, values
):
    cache = index.file.with_name("index.db.cache")
    config = rsidx.ExportConfig(str(tokenizer_file), **values)
    fault(lambda: index.export(tmp_path / "new" / "out", config))
    fault(lambda: index.preview(tmp_path / "new" / "out", config))
    assert not (tmp_path / "new").exists()
    assert not cache.exists()


def test_an_embargo_of_any_length_is_none_too_long(index, tokenizer_file, tmp_path):
    for embargo in ("9" * 400, f"{'9' * 400}d"):
        config = rsidx.ExportConfig(str(tokenizer_file), embargo=embargo)
        assert index.preview(tmp_path / "out", config)["dropped"] == {}


def test_a_licence_that_nobody_knows_is_refused(tokenizer_file):
    text = fault(lambda: rsidx.ExportConfig(str(tokenizer_file), licenses=("MITT",)), ExportError)
    assert "did you mean MIT?" in text


def test_boundaries_that_are_none_are_refused(index, tokenizer_file, tmp_path):
    for number, content in enumerate(("[]", "{}", '{"splits": []}', '{"splits": {"val": 1}}', "x",
                                      '{"splits": {}, "tips": []}', "[" * 99_999)):  # fmt: skip
        file = tmp_path / f"{number}.json"
        file.write_text(content)
        config = rsidx.ExportConfig(str(tokenizer_file), boundaries=str(file))
        fault(lambda config=config: index.export(tmp_path / "out", config), ExportError)


def damage(out, file, change):
    path = out / file
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change(path.read_bytes()))


DAMAGES = {
    "no manifest": ("manifest.json", None),
    "half a manifest": ("manifest.json", lambda old: old[: len(old) // 2]),
    "a list": ("manifest.json", lambda _: b"[]"),
    "no configuration": ("manifest.json", lambda _: b"{}"),
    "no format": ("manifest.json", lambda _: b'{"config": {}}'),
    "a number as format": ("manifest.json", lambda _: b'{"config": {"format": 1}}'),
    "deep": ("manifest.json", lambda _: b"[" * 99_999),
    "no text": ("manifest.json", lambda _: b"\xff"),
    "another format": ("manifest.json", lambda old: old.replace(b'"jsonl"', b'"x/../y"')),
    "no rows": ("train.jsonl", None),
    "a row fewer": ("train.jsonl", lambda _: b""),
    "a row that is no JSON": ("train.jsonl", lambda old: old[:-9] + b"\n"),
    "a row that is a list": ("train.jsonl", lambda _: b"[]\n"),
    "a row without ids": ("train.jsonl", lambda _: b"{}\n"),
    "no meta": ("train.meta.jsonl", None),
    "a meta that is no JSON": ("train.meta.jsonl", lambda _: b"x\n"),
    "a meta that is a number": ("train.meta.jsonl", lambda _: b"1\n"),
    "an empty meta": ("train.meta.jsonl", lambda _: b"{}\n"),
}


@pytest.mark.parametrize(("file", "change"), DAMAGES.values(), ids=DAMAGES)
def test_a_data_set_that_is_damaged_is_a_fault(data, filled, file, change):
    damage(data.folder, file, change)

    def read():
        found = rsidx.DataSet(data.folder)
        list(found.rows("train"))

    fault(read, ExportError)

    def show():
        rsidx.DataSet(data.folder).show()

    fault(show)

    def verify():
        return rsidx.DataSet(data.folder).verify(filled.path)

    # Either it cannot be verified, or it does not hold.
    with suppress(RsidxError):
        assert verify().problems


def test_a_data_set_that_lacks_a_file_is_a_fault_of_each_that_needs_it(data, filled, index):
    for name in ("tokenizer", "SHA256SUMS"):
        path = data.folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        fault(lambda: data.verify(filled.path))
    fault(data.show, TokenizerError)
    fault(lambda: index.at().prompt("src/lib.rs", "a", "Say it", like=data), TokenizerError)


def test_a_row_or_split_that_is_not_there_is_a_fault(data):
    assert "no split: train, val, test" in fault(lambda: data.rows("dev"), ExportError)
    for row in (0, -1, 999, "", "zzzz", "999999999", "\0"):
        fault(lambda row=row: data.show(row), ExportError)
    fault(lambda: data.show(1, "dev"), ExportError)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["nowhere", "a\0b", "", "x" * 5000, NO_TEXT], ids=ascii)
def test_a_folder_that_is_no_data_set_is_a_fault(data, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fault(lambda: rsidx.DataSet(place))
    fault(lambda: data.verify(place or tmp_path))
    fault(lambda: data.report(f"nowhere/{place}/page.html"))


def test_git_that_is_missing_is_a_fault(filled, monkeypatch, tmp_path, data):
    with rsidx.open(filled.path) as index:
        monkeypatch.setenv("PATH", str(tmp_path))
        for call in (lambda: rsidx.open(filled.path), index.update, index.backfill, index.status,
                     index.at, index.commit, lambda: data.verify(filled.path),
                     index.hooks.state, index.hooks.install):  # fmt: skip
            assert "git is not installed, or not on the PATH" in fault(call, RepositoryError)


def test_a_repository_that_goes_away_is_a_fault(filled, index):
    shutil.rmtree(filled.path / ".git" / "objects")
    for call in (index.update, index.backfill, index.status, index.at, index.gc):
        fault(call)


def test_an_index_that_is_damaged_while_it_is_open_is_a_fault(filled, config, tmp_path):
    rsidx.open(
        filled.path
    ).close()  # A copy is read as a whole when it is opened for the first time.
    with rsidx.open(filled.path) as index:
        with index.file.open("r+b") as file:
            file.seek(8192)
            file.write(b"\xff" * (index.file.stat().st_size - 8192))
        for call in (
            index.commits, index.status, index.update, index.forgotten,
            lambda: index.examples("HEAD", config), lambda: index.backup(tmp_path / "copy"),
            lambda: index.export(tmp_path / "out", config),
        ):  # fmt: skip
            fault(call, RsidxError)


def test_an_index_that_another_writes_to_is_in_use_and_a_fault_says_so(filled):
    with rsidx.open(filled.path) as reading, rsidx.open(filled.path) as index:
        commits = reading.commits()
        next(commits)
        assert "an export is reading" in fault(index.gc, rsidx.IndexInUseError)
        commits.close()
        assert index.gc().n_commits == 0


def test_a_full_disk_is_a_fault(index, config, monkeypatch, tmp_path):
    def full(*_, **__):
        raise OSError(28, "No space left on device", str(tmp_path / "out"))

    monkeypatch.setattr("rsidx.exporters.dataset.output.RowWriter", full)
    text = fault(lambda: index.export(tmp_path / "out", config))
    assert text.endswith("No space left on device")


def test_the_errors_are_a_small_family():
    public = [getattr(rsidx, name) for name in rsidx.__all__]
    kinds = [kind for kind in public if isinstance(kind, type) and issubclass(kind, Exception)]
    assert all(issubclass(kind, rsidx.RsidxError) for kind in kinds)
    assert len(kinds) == 13
    tree = Path(rsidx.errors.__file__).read_text("utf-8").split('"""')[1]
    for kind in kinds:
        assert kind.__name__ in tree
