"""The same rows in every format."""

import importlib.util
import json
import sys

import pytest

from rsidx.errors import ExportError
from rsidx.exporters.config import Config
from rsidx.exporters.export import export
from rsidx.exporters.verify import Checked, verify
from rsidx.exporters.writer import FORMATS, read_rows
from rsidx.indexer.gitview import GitView
from rsidx.indexer.objects import blob_reader

needs_pyarrow = pytest.mark.skipif(
    importlib.util.find_spec("pyarrow") is None, reason="needs pyarrow: pip install .[parquet]"
)
EVERY = [pytest.param(name, marks=needs_pyarrow) if name == "parquet" else name for name in FORMATS]


@pytest.fixture
def exported(repo, index, tokenizer_file, tmp_path):
    for n in range(12):
        repo.commit(f"number {n} of them", {"src/lib.rs": f"pub fn f() {{\n    call({n});\n}}\n"})
    index.sync()

    def do(name, file_format):
        config = Config(tokenizer=str(tokenizer_file), format=file_format, split="0.5,0.25,0.25")
        export(index.database, tmp_path / name, config)
        return tmp_path / name

    return do


@pytest.mark.parametrize("name", EVERY)
def test_the_rows_are_the_same_the_bytes_stay_and_verify_reads_them(exported, index, name):
    lines = (exported("a", "jsonl") / "train.jsonl").read_text("utf-8").splitlines()
    plain = [json.loads(line) for line in lines]
    out, again = exported("b", name), exported("c", name)
    assert list(read_rows(out, "train", name)) == plain
    assert len(plain) == 6
    for split in ("train", "val", "test"):
        one, other = out / f"{split}.{name}", again / f"{split}.{name}"
        assert one.read_bytes() == other.read_bytes()
    assert f"path: train.{name}" in (out / "README.md").read_text("utf-8")
    with blob_reader(index.repository, max_bytes=1 << 20) as reader:
        checked = Checked()
        assert list(verify(out, GitView(index.repository, reader), checked)) == []
        assert checked.n_rows == 12


@pytest.mark.parametrize("name", EVERY)
def test_rows_that_are_damaged_are_a_clear_error(exported, index, name):
    out = exported("out", name)
    file = out / f"train.{name}"
    file.write_bytes(file.read_bytes()[:-40])
    with (
        blob_reader(index.repository, max_bytes=1 << 20) as reader,
        pytest.raises(ExportError, match="cannot be read"),
    ):
        list(verify(out, GitView(index.repository, reader), Checked()))


def test_parquet_without_pyarrow_says_what_to_install(exported, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ExportError, match=r"rsidx\[parquet\]"):
        exported("out", "parquet")
    assert not (tmp_path / "out").exists()
