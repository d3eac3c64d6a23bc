"""Rows as text, and packed rows."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.packing import Packer
from rsidx.exporters.dataset.reader import load_row
from rsidx.exporters.export import export

pytestmark = pytest.mark.usefixtures("wordy")


@pytest.fixture(scope="module")
def history(make_history):
    repo, index = history = make_history()

    def body(n):
        control = ' "<|endoftext|>"' if n == 5 else ""
        return f"pub struct S{n};\n\npub fn f{n}(s: S{n}) -> u32 {{\n    g({n}{control})\n}}\n"

    repo.commits((f"commit number {n}", {"src/lib.rs": body(n) * (1 + n % 3)}) for n in range(24))
    index.sync()
    return history


@pytest.fixture
def index(history, history_for):
    return history_for(history).index


@pytest.fixture
def run(index, tokenizer_file, tmp_path):
    def make(**options):
        out = tmp_path / "out"
        manifest = export(
            index.database, out, ExportConfig(tokenizer=str(tokenizer_file), **options)
        )
        return manifest, out

    return make


@pytest.fixture
def problems(index):
    return index.problems


def test_prompt_and_completion_are_the_rows_spelled_out(run, read_jsonl, problems):
    manifest, out = run(columns="both")
    tokenizer = Tokenizer.from_file(str(out / "tokenizer" / "tokenizer.json"))
    n_left_out = manifest["dropped"]["text_rows_with_control_tokens"]
    assert n_left_out > 0
    texts = {row["prompt"] + row["completion"] for row in read_jsonl(out / "train.text.jsonl")}
    n_rows = 0
    for row in read_jsonl(out / "train.jsonl"):
        spelled = tokenizer.decode(row["input_ids"][:-1], skip_special_tokens=False)
        n_rows += spelled in texts
    assert n_rows == len(read_jsonl(out / "train.text.jsonl"))
    assert n_rows >= len(read_jsonl(out / "train.jsonl")) - n_left_out
    for row in read_jsonl(out / "train.text.jsonl"):
        assert list(row) == ["id", "prompt", "completion"]
        assert not row["completion"].endswith("<|endoftext|>")
        again = tokenizer.encode(row["prompt"] + row["completion"] + "<|endoftext|>").ids
        assert again.count(tokenizer.token_to_id("<|endoftext|>")) == 1
    assert "config_name: text" in (out / "README.md").read_text()
    assert problems(out) == []


def test_a_row_as_text_has_the_id_of_its_meta_line(run, read_jsonl, problems):
    manifest, out = run(columns="both", text=True, split="1,0,0")
    metas = {meta["id"]: meta for meta in read_jsonl(out / "train.meta.jsonl")}
    texts = read_jsonl(out / "train.text.jsonl")
    n_left_out = manifest["dropped"]["text_rows_with_control_tokens"]
    assert len(texts) == len(metas) - n_left_out
    assert n_left_out > 0
    for row in texts:
        assert row["completion"] == metas[row["id"]]["text"]["new"]
    lines = (out / "train.text.jsonl").read_text().splitlines()
    lines[2], lines[3] = lines[3], lines[2]
    (out / "train.text.jsonl").write_text("\n".join(lines) + "\n")
    assert any("no meta line behind the last has its id" in text for text in problems(out))


def test_verify_finds_a_row_as_text_that_is_not_that_of_its_meta_line(run, read_jsonl, problems):
    _, out = run(columns="text")
    texts = read_jsonl(out / "train.jsonl")
    texts[3]["id"] = texts[2]["id"]
    (out / "train.jsonl").write_text("".join(json.dumps(text) + "\n" for text in texts))
    assert "its id is not that of its meta line" in problems(out)


def test_rows_as_text_alone_are_those_of_both_and_verify_looks_at_them(run, read_jsonl, problems):
    _, out = run(columns="both")
    texts = read_jsonl(out / "train.text.jsonl")
    manifest, out = run(columns="text")
    assert read_jsonl(out / "train.jsonl") == texts
    assert manifest["counts"]["examples"]["train"] == len(texts)
    assert len(read_jsonl(out / "train.meta.jsonl")) == len(texts)
    assert manifest["dropped"]["text_rows_with_control_tokens"] > 0
    assert problems(out) == []
    row = load_row(out, "train", "3")
    assert [token.text for token in row.tokens] == list(texts[2].values())[1:]
    assert "`id`, `prompt` and `completion`" in (out / "README.md").read_text()
    texts[2]["completion"] = "pub struct Another;\n"
    (out / "train.jsonl").write_text("".join(json.dumps(text) + "\n" for text in texts))
    assert any(text.startswith("the new code is not what") for text in problems(out))


@pytest.mark.parametrize("options", [{"pad": True}, {"pack": 4096}, {"format": "parquet"}])
def test_text_alone_has_no_ids_to_pad_or_pack(run, options):
    with pytest.raises(ExportError, match="--columns both has ids"):
        run(columns="text", **options)


def test_packed_rows_are_the_rows_and_the_verifier_says_so(run, problems, read_jsonl):
    manifest, out = run(pack=512, max_tokens=256)
    packed = read_jsonl(out / "train.packed.jsonl")
    assert manifest["counts"]["packed_rows"]["train"] == len(packed)
    assert len(packed) < manifest["counts"]["examples"]["train"]
    assert all(len(row["input_ids"]) <= 512 for row in packed)
    assert problems(out) == []
    assert "config_name: packed" in (out / "README.md").read_text()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda row: row["input_ids"].__setitem__(3, 0), "documents are not rows"),
        (lambda row: row["labels"].__setitem__(-1, -100), "documents are not rows"),
        (lambda row: row["position_ids"].__setitem__(3, 9), "positions do not count"),
        (lambda row: row["input_ids"].append(0), "lists differ"),
    ],
)
def test_damage_to_packed_rows_is_found(run, problems, damage, says):
    _, out = run(pack=512, max_tokens=256)
    file = out / "train.packed.jsonl"
    lines = file.read_text().splitlines()
    row = json.loads(lines[0])
    damage(row)
    file.write_text("\n".join([json.dumps(row), *lines[1:]]) + "\n")
    assert any(says in text for text in problems(out))


def test_a_packed_row_must_have_room_for_every_example(run):
    with pytest.raises(ExportError, match="larger --pack"):
        run(pack=512, max_tokens=1024)


@given(st.lists(st.integers(1, 64), max_size=200), st.integers(1, 12))
def test_no_document_is_cut_lost_or_doubled(lengths, most_open):
    packer = Packer(64, most_open)
    documents = [[number] * n for number, n in enumerate(lengths)]
    packed = [row for ids in documents for row in packer.add(ids, ids)]
    packed += packer.rest()
    found = []
    for row in packed:
        assert 0 < len(row.input_ids) <= 64
        starts = [i for i, position in enumerate(row.position_ids) if position == 0]
        for start, end in zip(starts, [*starts[1:], len(row.input_ids)], strict=True):
            found.append(row.input_ids[start:end])
            assert row.labels[start] == -100
            assert row.labels[start + 1 : end] == row.input_ids[start + 1 : end]
    assert sorted(found) == documents


def test_best_fit_wastes_little():
    rng = random.Random(1)
    lengths = [min(2048, 60 + int(rng.expovariate(1 / 700))) for _ in range(4000)]
    packer = Packer(4096)
    rows = [row for n in lengths for row in packer.add([0] * n, [0] * n)]
    rows += packer.rest()
    assert sum(lengths) / (4096 * len(rows)) > 0.97
