"""The same rows in every format."""

import codecs
import hashlib
import importlib.util
import json
import sys

import pytest

from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.reader import read_rows
from rsidx.exporters.export import export
from rsidx.exporters.formats.registry import FORMATS
from rsidx.exporters.verify.dataset import verify
from rsidx.exporters.verify.rows import Checked
from rsidx.indexer.git.blobs import blob_reader
from rsidx.indexer.gitview import GitView

NEEDED = {"parquet": "pyarrow", "ds": "datatrove", "bin": "megatron", "mds": "streaming"}


def marks_of(name):
    if name not in NEEDED:
        return ()
    is_missing = importlib.util.find_spec(NEEDED[name]) is None
    # These libraries warn of themselves.
    return (
        pytest.mark.conformance,
        pytest.mark.skipif(is_missing, reason=f"needs {NEEDED[name]}, an extra of its own"),
        pytest.mark.filterwarnings("default"),
    )


EVERY = [pytest.param(name, marks=marks_of(name)) for name in FORMATS]


@pytest.fixture
def exported(repo, index, tokenizer_file, tmp_path):
    repo.commits(
        (f"number {n} of them", {"src/lib.rs": f"pub fn f() {{\n    call({n});\n}}\n"})
        for n in range(12)
    )
    index.sync()

    def do(name, file_format, labels=None, **options):
        config = ExportConfig(
            tokenizer=str(tokenizer_file),
            format=file_format,
            split="0.5,0.25,0.25",
            labels=labels or ("all" if "labels" in FORMATS[file_format].lacks else "target"),
            **options,
        )
        export(index.database, tmp_path / name, config)
        return tmp_path / name

    return do


@pytest.mark.parametrize("name", EVERY)
def test_the_rows_are_the_same_the_bytes_stay_and_verify_reads_them(exported, index, name):
    out, again = exported("b", name), exported("c", name)
    labels = json.loads((out / "manifest.json").read_text())["config"]["labels"]
    lines = (exported("a", "jsonl", labels) / "train.jsonl").read_text("utf-8").splitlines()
    plain = [json.loads(line) for line in lines]
    assert list(read_rows(out, "train", name)) == plain
    assert len(plain) == 6
    for split in ("train", "val", "test"):
        for one in out.rglob(f"{split}.*"):
            if one.is_file():
                assert one.read_bytes() == (again / one.relative_to(out)).read_bytes()
    is_loaded = f"path: train.{name}" in (out / "README.md").read_text("utf-8")
    assert is_loaded == (FORMATS[name].media_type is not None)
    described = json.loads((out / "croissant.json").read_text())["distribution"]
    assert {one["name"].split("/")[0] for one in described} >= {f"train.{name}"}
    for one in described:
        assert hashlib.sha256((out / one["name"]).read_bytes()).hexdigest() == one["sha256"]
    with blob_reader(index.repository, max_bytes=1 << 20) as reader:
        checked = Checked()
        assert list(verify(out, lambda _: GitView(index.repository, reader), checked)) == []
        assert checked.n_rows == 12


@pytest.mark.parametrize("name", EVERY)
def test_rows_that_are_damaged_are_a_clear_error(exported, index, name):
    out = exported("out", name)
    file = out / f"train.{name}"
    if file.is_dir():
        file = file / "shard.00000.mds"
    file.write_bytes(file.read_bytes()[:-40])
    with (
        blob_reader(index.repository, max_bytes=1 << 20) as reader,
        pytest.raises(ExportError, match="cannot be read"),
    ):
        list(verify(out, lambda _: GitView(index.repository, reader), Checked()))


def test_parquet_without_pyarrow_says_what_to_install(exported, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ExportError, match=r"rsidx\[parquet\]"):
        exported("out", "parquet")
    assert not (tmp_path / "out").exists()


def test_a_format_without_a_place_for_what_is_asked_for_is_refused(exported, tmp_path):
    with pytest.raises(ExportError, match="--labels all"):
        exported("out", "bin", "target")
    with pytest.raises(ExportError, match="no place for padding"):
        exported("out", "ds", pad=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [{"columns": "both"}, {"columns": "text"}])
def test_every_reader_finds_the_lines_that_there_are(
    repo, index, tokenizer_file, tmp_path, options, read_jsonl
):
    odd = "a\u2028b\x85c\u2029d"
    repo.commits(
        (f"write {odd} for {n}", {"src/lib.rs": f'pub fn f() {{\n    ({n}, "{odd}");\n}}\n'})
        for n in range(8)
    )
    index.sync()
    config = ExportConfig(tokenizer=str(tokenizer_file), split="1,0,0", text=True, **options)
    export(index.database, tmp_path / "out", config)
    files = sorted((tmp_path / "out").glob("train*.jsonl"))
    for file in files:
        with codecs.open(str(file), encoding="utf-8") as lines:
            assert len(list(lines)) == file.read_bytes().count(b"\n") == 8
    assert len(files) == (3 if options["columns"] == "both" else 2)
    # Read as JSON, the texts are what they were.
    for meta in read_jsonl(tmp_path / "out" / "train.meta.jsonl"):
        assert odd in meta["text"]["new"]
        assert odd in meta["text"]["message"]
