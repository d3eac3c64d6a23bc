"""The output in the libraries that trainers use."""

import importlib.util
import json

import pytest
from tokenizers import Tokenizer

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


@pytest.fixture
def added_then_changed(repo, index):
    """A history whose first commits only add files: in train no row has an old side."""
    repo.commits((f"add the number {n}", {f"src/m{n}.rs": f"pub fn f{n}() -> u8 {{ {n} }}\n"})
                 for n in range(16))  # fmt: skip
    repo.commits((f"change the number {n}", {f"src/m{n}.rs": f"pub fn f{n}() {{ g({n}) }}\n"})
                 for n in range(4))  # fmt: skip
    index.sync()


@pytest.mark.parametrize(
    "options",
    [
        {"text": True, "half_life": 30.0, "earlier": ("history",)},
        {"kind": "fim"},
        {"kind": "sequence"},
    ],
)
@pytest.mark.usefixtures("added_then_changed")
def test_datasets_reads_meta_lines_that_lack_a_value_in_all_of_train(
    index, tokenizer_file, tmp_path, read_jsonl, options
):
    from datasets import load_dataset  # noqa: PLC0415

    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.add_special_tokens(["<fim_prefix>", "<fim_middle>", "<fim_suffix>"])
    tokenizer.save(str(tmp_path / "fim.json"))
    config = ExportConfig(
        tokenizer=str(tmp_path / "fim.json"), split="0.75,0.1,0.15", embargo="0", **options
    )
    out = tmp_path / "out"
    export(index.database, out, config)
    lines = {name: read_jsonl(out / f"{name}.meta.jsonl") for name in ("train", "test")}
    assert all(line["old"] is None for line in lines["train"])
    assert options.get("kind") or all(line["old"] for line in lines["test"])
    data = load_dataset(str(out), "meta", cache_dir=str(tmp_path / "cache"))
    for split, expected in lines.items():
        for row, line in zip(data[split], expected, strict=True):
            # A list of the loader's has one type.
            row["roles"] = [[json.loads(text) for text in pair] for pair in row["roles"]]
            line["time"] = row["time"]
            assert _without_none(row) == _without_none(line)


def _without_none(value):
    """Return a value without the keys that have none: the loader gives each row the same keys."""
    if not isinstance(value, dict):
        return value
    return {key: _without_none(one) for key, one in value.items() if one is not None}


def test_datasets_opens_an_export_without_rows(repo, index, tokenizer_file, tmp_path):
    from datasets import load_dataset  # noqa: PLC0415

    repo.commit("write the first function", {"src/lib.rs": "pub fn f() -> u32 { 1 }\n"})
    index.sync()
    empty = tmp_path / "empty"
    for options in ({"columns": "both", "pack": 4096}, {"columns": "text"}, {"format": "parquet"}):
        config = ExportConfig(tokenizer=str(tokenizer_file), min_message=1000, **options)
        assert not sum(export(index.database, empty, config)["counts"]["examples"].values())
        names = ["default"] + (["meta"] if "columns" in options else [])
        names += ["text", "packed"] if "pack" in options else []
        for name in names:
            data = load_dataset(str(empty), name, streaming=True)
            assert list(data) == ["train", "validation", "test"]
            assert [list(split) for split in data.values()] == [[], [], []]


def test_auto_tokenizer_keeps_what_the_model_s_own_says(index, repo, tokenizer_file, tmp_path):
    from transformers import AutoTokenizer, PreTrainedTokenizerFast  # noqa: PLC0415

    repo.commit("write the first function", {"src/lib.rs": "pub fn f() -> u32 { 1 }\n"})
    index.sync()
    own = PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer_file), eos_token="<fim_pad>", unk_token="<|endoftext|>",
        bos_token="<file_sep>", pad_token="<repo_name>", model_max_length=8192,
    )  # fmt: skip
    own.chat_template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    own.save_pretrained(str(tmp_path / "own"))
    config = ExportConfig(tokenizer=str(tmp_path / "own"))
    export(index.database, tmp_path / "out", config)
    found = AutoTokenizer.from_pretrained(str(tmp_path / "out/tokenizer"))
    for name in ("eos_token", "unk_token", "bos_token", "pad_token", "model_max_length"):
        assert getattr(found, name) == getattr(own, name)
    chat = [{"role": "user", "content": "fn new"}]
    assert found.apply_chat_template(chat, tokenize=False) == "user: fn new\n"
    assert found("pub fn new() {}")["input_ids"] == own("pub fn new() {}")["input_ids"]


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
