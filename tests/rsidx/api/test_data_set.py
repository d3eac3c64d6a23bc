"""Examples and data sets as a program reads them: the bytes of the command, in every format."""

import json
import multiprocessing
import sys
from collections import Counter

import pytest

import rsidx
from rsidx.__main__ import main
from rsidx.exporters.pipeline import workers
from tests.repositories import Repo

FUNCTION = "pub fn {name}(x: u32) -> u32 {{\n    let y = x + {n};\n    y * {n}\n}}\n\n"


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A repository of 30 commits, and its index."""
    return history(tmp_path_factory, 30)


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """More commits than one process makes."""
    return history(tmp_path_factory, 60)


def history(tmp_path_factory, n_commits):
    repo = Repo(tmp_path_factory.mktemp("history") / "repo")
    manifest = {"Cargo.toml": '[package]\nname = "x"\nlicense = "MIT"\n'}
    changes = []
    for n in range(n_commits):
        path = f"src/m{n % 7}.rs"
        code = "".join(FUNCTION.format(name=f"f{i}", n=n + i) for i in range(3))
        changes.append((f"Give module {n % 7} its version {n}", {path: code, **manifest}))
    repo.commits(changes)
    with rsidx.open(repo.path) as index:
        index.backfill(jobs=1)
    return repo


@pytest.fixture
def several():
    """The test wants processes, as many as there are cores; others are quicker in one."""


@pytest.fixture(autouse=True)
def one_process(request, monkeypatch):
    if "several" not in request.fixturenames:
        monkeypatch.setattr(workers, "_ALONE_COMMITS", 1000)


@pytest.fixture
def config(tokenizer_file):
    return rsidx.ExportConfig(str(tokenizer_file))


def files(folder):
    found = {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }
    manifest = json.loads(found.pop("manifest.json"))
    # These alone say when it was made.
    del manifest["phases_s"], manifest["sha256"]
    return found, manifest


OPTIONS = {
    "edit": (("--kind", "edit"), {}),
    "file": (("--level", "file", "--format", "jsonl.gz"), {"level": "file", "format": "jsonl.gz"}),
    "sequence": (("--kind", "sequence", "--pad"), {"kind": "sequence", "pad": True}),
    "texts": (("--columns", "text"), {"columns": "text"}),
    "both": (("--columns", "both", "--pack", "4096"), {"columns": "both", "pack": 4096}),
    "kept": (("--keep", "bots", "--keep", "near_duplicates", "--no-edit", "0.2", "--seed", "3"),
             {"keep": ["bots", "near_duplicates"], "no_edit": 0.2, "seed": 3}),
}  # fmt: skip


@pytest.mark.parametrize(("flags", "values"), OPTIONS.values(), ids=OPTIONS)
def test_an_export_is_byte_for_byte_that_of_the_command(
    filled, tokenizer_file, tmp_path, flags, values
):
    command = ["export", tmp_path / "command", "-C", filled.path, "--tokenizer", tokenizer_file]
    assert main([str(word) for word in (*command, *flags)]) == 0
    with rsidx.open(filled.path) as index:
        data = index.export(tmp_path / "api", rsidx.ExportConfig(str(tokenizer_file), **values))
    assert files(tmp_path / "api") == files(tmp_path / "command")
    assert data.manifest == json.loads((tmp_path / "api/manifest.json").read_text())
    assert sum(1 for split in data.SPLITS for _ in data.rows(split)) >= 25


@pytest.mark.slow
@pytest.mark.usefixtures("several")
def test_processes_make_what_one_makes(long, config, tmp_path):
    command = ["export", tmp_path / "command", "-C", long.path, "--tokenizer", config.tokenizer]
    assert main([str(word) for word in command]) == 0
    with rsidx.open(long.path) as index:
        index.file.with_name("index.db.cache").unlink()
        index.export(tmp_path / "api", config)
        index.file.with_name("index.db.cache").unlink()
        index.export(tmp_path / "one", config, jobs=1)
    assert files(tmp_path / "api") == files(tmp_path / "command") == files(tmp_path / "one")


def test_an_export_of_a_copied_index_is_that_of_the_command(filled, config, tmp_path):
    copy = tmp_path / "copy.db"
    with rsidx.open(filled.path) as index:
        index.backup(copy)
    command = ["export", tmp_path / "command", "--db", copy, "--tokenizer", config.tokenizer]
    assert main([str(word) for word in command]) == 0
    with rsidx.open(copy) as index:
        index.export(tmp_path / "api", config)
    assert files(tmp_path / "api") == files(tmp_path / "command")


def test_what_was_left_out_is_listed_with_its_reason(filled, config, tmp_path):
    with rsidx.open(filled.path) as index:
        data = index.export(tmp_path / "out", config)
        left_out = Counter(line["reason"] for line in data.dropped())
    counted = {k: n for k, n in data.manifest["dropped"].items() if k.startswith(("com", "edi"))}
    assert left_out == counted
    assert left_out.total() > 0
    (tmp_path / "out/dropped.jsonl").unlink()
    assert list(data.dropped()) == []


def test_what_an_export_would_do_is_told_and_not_done(filled, config, tmp_path):
    with rsidx.open(filled.path) as index:
        found = index.preview(tmp_path / "out", config)
        assert (found["replaced_files"], sum(found["commits"].values())) == ([], 30)
        assert not (tmp_path / "out").exists()
        index.export(tmp_path / "out", config)
        (tmp_path / "out/README.md").write_text("mine")
        with pytest.raises(rsidx.ExportError, match="was changed since it was exported"):
            index.export(tmp_path / "out", config)
        index.export(tmp_path / "out", config, replace_edited=True)


KINDS = [
    {}, {"level": "file"}, {"kind": "sequence"}, {"labels": "all"}, {"text": True},
    {"earlier": ("commit", "history")}, {"markers": "native"},
]  # fmt: skip


@pytest.mark.parametrize("values", KINDS, ids=str)
def test_examples_are_the_rows_of_an_export_that_leaves_none_out(filled, config, tmp_path, values):
    keep = ("duplicates", "near_duplicates", "related")
    asked = rsidx.ExportConfig(config.tokenizer, split="1,0,0", embargo="0", keep=keep, **values)
    with rsidx.open(filled.path) as index:
        made = list(index.examples("HEAD", asked))
        data = index.export(tmp_path / "out", asked)
        again = list(index.examples("main", asked))
    rows = list(data.rows("train"))
    assert len(rows) >= 30
    shown = [(one.id, one.input_ids, one.labels, one.meta) for one in made]
    assert shown == [(row.id, row.input_ids, row.labels, row.meta) for row in rows]
    assert again == made
    order = {commit.oid: n for n, commit in enumerate(index_commits(filled))}
    places = [order[one.meta["commit"]] for one in made]
    assert places == sorted(places)


def index_commits(repo):
    with rsidx.open(repo.path) as index:
        return list(index.commits())


@pytest.mark.parametrize("values", [{}, {"level": "file"}], ids=str)
def test_prompt_and_completion_of_an_example_are_those_of_a_data_set(
    filled, config, tmp_path, values
):
    keep = ("duplicates", "near_duplicates", "related")
    asked = rsidx.ExportConfig(
        config.tokenizer, split="1,0,0", embargo="0", keep=keep, columns="text", **values
    )
    with rsidx.open(filled.path) as index:
        made = {one.id: (one.prompt, one.completion) for one in index.examples("HEAD", asked)}
        rows = list(index.export(tmp_path / "out", asked).rows("train"))
    assert {row.id: (row.prompt, row.completion) for row in rows} == made
    assert all((row.input_ids, row.labels) == ([], []) for row in rows)


def test_a_sequence_has_no_prompt(filled, config):
    asked = rsidx.ExportConfig(config.tokenizer, kind="sequence")
    with rsidx.open(filled.path) as index:
        one = next(index.examples("HEAD", asked))
    assert one.prompt == ""
    assert "pub fn f0" in one.completion


def test_examples_leave_an_export_and_a_writer_alone(filled, config, tmp_path):
    with rsidx.open(filled.path) as index:
        examples = index.examples("HEAD", config)
        first = next(examples)
        data = index.export(tmp_path / "out", config)
        assert index.update().n_commits == 0
        assert next(data.rows("train")).id == first.id
        examples.close()
        assert index.gc().n_commits == 0


def test_examples_of_a_part_of_the_history_are_of_that_part(filled, config):
    with rsidx.open(filled.path) as index:
        early = {one.meta["commit"] for one in index.examples("HEAD~20", config)}
        assert len(early) == 10
        with pytest.raises(rsidx.ExportError, match="opened for repo, not for other"):
            next(index.examples("HEAD", rsidx.ExportConfig(config.tokenizer, name="other")))


@pytest.mark.slow
@pytest.mark.usefixtures("several")
def test_processes_are_started_without_the_program_of_the_user(long, config, tmp_path):
    """This very test would run in them: pytest's main module has no guard that they pass."""
    before = sys.modules["__main__"]
    with rsidx.open(long.path, db=str(tmp_path / "index.db")) as index:
        index.backfill(jobs=2)
        index.export(tmp_path / "out", config, jobs=2)
    assert sys.modules["__main__"] is before
    assert not multiprocessing.active_children()


FORMATS = ["jsonl", "jsonl.gz", "jsonl.zst", "parquet", "ds", "bin", "mds"]
EXTRAS = {"parquet": "pyarrow", "ds": "datatrove", "bin": "megatron.core", "mds": "streaming"}


@pytest.mark.parametrize("name", FORMATS)
def test_rows_are_read_back_from_every_format(filled, config, tmp_path, name):
    if name in EXTRAS:
        pytest.importorskip(EXTRAS[name])
    options = {"labels": "all"} if name == "bin" else {}
    with rsidx.open(filled.path) as index:
        plain = index.export(tmp_path / "plain", rsidx.ExportConfig(config.tokenizer, **options))
        asked = rsidx.ExportConfig(config.tokenizer, format=name, **options)
        data = index.export(tmp_path / "out", asked)
    for split in data.SPLITS:
        assert list(data.rows(split)) == list(plain.rows(split))
    assert data.verify(filled.path).ok
    assert data.show().tokens == plain.show().tokens


def test_a_data_set_is_verified_and_a_changed_one_is_not(filled, config, tmp_path):
    with rsidx.open(filled.path) as index:
        data = index.export(tmp_path / "out", config)
        found = data.verify(filled.path)
        assert (found.ok, found.problems, found.n_problems) == (True, (), 0)
        n_rows = sum(data.manifest["counts"]["examples"].values())
        assert (found.n_rows, found.n_redacted) == (n_rows, 0)
        assert index.verify(data) == found
    metas = data.folder / "train.meta.jsonl"
    metas.write_text(metas.read_text().replace("src/m1.rs", "src/m2.rs"))
    found = data.verify(str(filled.path))
    assert not found.ok
    assert (found.problems[0].file, found.problems[0].row) == ("train.meta.jsonl", None)
    assert found.problems[0].text == "its checksum does not hold"
    assert len(found.problems) == found.n_problems > 2
    few = data.verify(filled.path, max_problems=2)
    assert (few.ok, few.problems, few.n_problems) == (False, found.problems[:2], found.n_problems)


def test_a_data_set_says_what_it_was_asked_for(filled, config, tmp_path):
    asked = rsidx.ExportConfig(config.tokenizer, max_tokens=512, context_tokens=128, keep=("bots",))
    with rsidx.open(filled.path) as index:
        data = index.export(tmp_path / "out", asked)
    assert data.manifest["config"]["max_tokens"] == 512
    assert data.config.tokenizer == str(tmp_path / "out" / "tokenizer")
    assert (data.config.max_tokens, data.config.keep, data.config.name) == (512, ("bots",), "repo")
    assert [one.reason for one in data.relations()] == [
        "named", "same_patch", "revert", "near_duplicate", "same_code", "near_addition",
    ]  # fmt: skip
    assert repr(data) == f"<DataSet in {tmp_path / 'out'}>"


@pytest.mark.slow
def test_a_page_is_written_beside_a_data_set(filled, config, tmp_path):
    pytest.importorskip("jinja2")
    with rsidx.open(filled.path) as index:
        data = index.export(tmp_path / "out", config)
    page = data.report(n_samples=3)
    assert page == tmp_path / "out.report.html"
    assert "Examples over time" in page.read_text()
    assert data.report(tmp_path / "other.html", n_samples=0) == tmp_path / "other.html"
    with pytest.raises(rsidx.ExportError, match="is inside the data set"):
        data.report(data.folder / "x.html")


def test_a_tokenizer_is_trained_and_measured(filled, config, tmp_path):
    with rsidx.open(filled.path) as index:
        n_tokens = index.train_tokenizer(tmp_path / "tok", size=3000)
        found = index.measure_tokenizer(tmp_path / "tok")
    assert (found.n_tokens, found.split_keywords) == (n_tokens, {})
    assert found.chars_per_token > 1
    alone = rsidx.measure_tokenizer(tmp_path / "tok")
    assert (alone.n_tokens, alone.chars_per_token) == (n_tokens, None)
    assert rsidx.measure_tokenizer(config.tokenizer).split_keywords
