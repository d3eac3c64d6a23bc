"""Conversations in transformers: its tokens are those that rsidx counted and put loss on."""

import pytest

import rsidx
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from tests.chats import TEMPLATES, write_chat
from tests.conftest import read_lines

pytestmark = [
    pytest.mark.usefixtures("wordy"),
    pytest.mark.conformance,
    # The library warns of itself.
    pytest.mark.filterwarnings("default"),
]


@pytest.fixture
def out(repo, index, tokenizer_file, tmp_path, request):
    """An export of messages, with the tokenizer of a family."""
    for n in range(20):
        repo.commit(f"commit {n}", {"src/lib.rs": f"pub fn f() -> u32 {{\n    {n}\n}}\n"})
    index.sync()
    folder = write_chat(tmp_path / "chat", tokenizer_file, request.param)
    config = ExportConfig(str(folder), columns="messages", split="1,0,0", embargo="0")
    export(index.database, tmp_path / "out", config)
    return tmp_path / "out"


@pytest.mark.parametrize("out", TEMPLATES, indirect=True)
def test_ids_are_those_of_apply_chat_template_and_loss_begins_where_the_prompt_ends(
    out, repo, index
):
    transformers = pytest.importorskip("transformers", reason="the conformance extra is missing")
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(out / "tokenizer"))
    rows = {row["id"]: row["messages"] for row in read_lines(out / "train.jsonl")}
    with rsidx.open(repo.path, db=str(index.file)) as opened:
        examples = [one for one in opened.examples("HEAD", rsidx.DataSet(out).config)
                    if one.id in rows]  # fmt: skip
    assert len(examples) == len(rows) >= 19
    for example in examples:
        messages = rows[example.id]

        def ids(messages, **options):
            found = tokenizer.apply_chat_template(messages, return_dict=False, **options)
            return list(found)

        assert ids(messages) == example.input_ids
        prompt = ids(messages[:1], add_generation_prompt=True)
        assert example.input_ids[: len(prompt)] == prompt
        assert example.labels == [-100] * len(prompt) + example.input_ids[len(prompt) :]


@pytest.mark.parametrize("out", ["chatml"], indirect=True)
def test_datasets_and_mlcroissant_read_the_messages(out, tmp_path):
    datasets = pytest.importorskip("datasets", reason="the conformance extra is missing")
    rows = read_lines(out / "train.jsonl")
    read = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))["train"].to_list()
    assert read == rows
    mlcroissant = pytest.importorskip("mlcroissant", reason="the conformance extra is missing")
    described = mlcroissant.Dataset(jsonld=str(out / "croissant.json"))
    assert described.metadata.issues.errors == set()
    records = list(described.records("train"))
    assert [record["train/id"].decode() for record in records] == [row["id"] for row in rows]
