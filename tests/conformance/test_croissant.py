"""The Croissant metadata, read by the library that defines it."""

import json

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export

pytestmark = [
    pytest.mark.conformance,
    pytest.mark.usefixtures("wordy"),
    pytest.mark.filterwarnings("default"),
]


def test_mlcroissant_checks_it_and_reads_the_rows(
    repo, index, tokenizer_file, tmp_path, read_jsonl
):
    mlcroissant = pytest.importorskip("mlcroissant", reason="the conformance extra is missing")
    for n in range(24):
        repo.commit(f"commit number {n}", {"src/lib.rs": f"fn f{n}() {{ g({n}); }}\n"})
    index.sync()
    export(index.database, tmp_path / "out", ExportConfig(tokenizer=str(tokenizer_file)))
    described = mlcroissant.Dataset(jsonld=str(tmp_path / "out" / "croissant.json"))
    assert described.metadata.issues.errors == set()
    read = [
        [int(token) for token in record["train/input_ids"]] for record in described.records("train")
    ]
    assert read == [row["input_ids"] for row in read_jsonl(tmp_path / "out" / "train.jsonl")]
    raw = json.loads((tmp_path / "out" / "croissant.json").read_text())
    assert len(raw["distribution"]) == 6
