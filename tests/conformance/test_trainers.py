"""The output in the libraries that trainers use."""

import importlib.util

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export

needed = ("datasets", "transformers")
missing = [name for name in needed if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.usefixtures("wordy"),
    pytest.mark.conformance,
    pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}: make conformance"),
    # These libraries warn of themselves.
    pytest.mark.filterwarnings("default"),
]


@pytest.fixture
def out(repo, index, tokenizer_file, tmp_path):
    for n in range(20):
        repo.commit(f"commit {n}", {"src/lib.rs": f"pub fn f() -> u32 {{\n    {n}\n}}\n"})
    index.sync()
    export(index.database, tmp_path / "out", ExportConfig(tokenizer=str(tokenizer_file)))
    return tmp_path / "out"


def test_datasets_reads_the_files_and_the_card(out, tmp_path):
    from datasets import load_dataset  # noqa: PLC0415  (it reads the environment on import)

    cache = str(tmp_path / "cache")
    files = {"train": str(out / "train.jsonl"), "validation": str(out / "val.jsonl")}
    data = load_dataset("json", data_files=files, cache_dir=cache)
    assert set(data["train"].column_names) == {"input_ids", "attention_mask", "labels"}
    assert (data["train"].num_rows, data["validation"].num_rows) == (16, 2)
    by_card = load_dataset(str(out), cache_dir=cache)
    assert {name: split.num_rows for name, split in by_card.items()} == {
        "train": 16, "validation": 2, "test": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("file_format", "loader"), [("jsonl.gz", "json"), ("jsonl.zst", "json"), ("parquet", "parquet")]
)
def test_datasets_reads_every_format(out, index, tokenizer_file, tmp_path, file_format, loader):
    from datasets import load_dataset  # noqa: PLC0415

    config = ExportConfig(tokenizer=str(tokenizer_file), format=file_format)
    export(index.database, tmp_path / "other", config)
    cache = str(tmp_path / "cache")
    file = str(tmp_path / "other" / f"train.{file_format}")
    data = load_dataset(loader, data_files={"train": file}, cache_dir=cache)
    plain = load_dataset("json", data_files={"train": str(out / "train.jsonl")}, cache_dir=cache)
    assert data["train"].to_list() == plain["train"].to_list()
    assert load_dataset(str(tmp_path / "other"), cache_dir=cache)["train"].num_rows == 16


def test_auto_tokenizer_opens_the_folder_and_knows_every_id(out, read_jsonl):
    from transformers import AutoTokenizer  # noqa: PLC0415

    tokenizer = AutoTokenizer.from_pretrained(str(out / "tokenizer"))
    assert tokenizer.eos_token == "<|endoftext|>"
    assert tokenizer.pad_token == "<fim_pad>"
    row = read_jsonl(out / "train.jsonl")[-1]
    assert max(row["input_ids"]) < len(tokenizer)
    text = tokenizer.decode(row["input_ids"])
    assert text.startswith("<repo_name>repo<file_sep>src/lib.rs<|modify|>")
    assert tokenizer.convert_tokens_to_ids("<|new_code|>") in row["input_ids"]
    target = [label for label in row["labels"] if label >= 0]
    assert tokenizer.decode(target) == "pub fn f() -> u32 {\n    15\n}\n<|endoftext|>"
