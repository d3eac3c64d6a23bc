"""Text and ids are the same data: who encodes a row's texts gets the row's ids."""

import json

import pytest
from tokenizers import Tokenizer, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export

pytestmark = pytest.mark.usefixtures("wordy")

LIB = """\
use std::fmt;

/// Größe.
struct S {{
    x: u32,
}}

fn helper(s: S) -> u32 {{
    s.x
}}


impl S {{
    fn f(&self) -> u32 {{

        let größe = "🎈{n}";
        helper(self)
    }}
}}
"""


def crossing(file, path):
    """Write a tokenizer like another one, but whose tokens cross from one line into the next."""
    tokenizer = Tokenizer.from_file(str(file))
    special = [one.content for one in tokenizer.get_added_tokens_decoder().values()]
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=special,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator([LIB.format(n=1)] * 9, trainer)
    assert tokenizer.encode("{\n    x").tokens == ["{", "ĊĠĠĠ", "Ġx"]
    tokenizer.save(str(path))
    return path


@pytest.fixture
def plain_one(plain_file, tmp_path):
    """Return a tokenizer without tokens for repositories."""
    return crossing(plain_file, tmp_path / "crossing.json")


@pytest.fixture
def crossing_of(tokenizer_of, tmp_path):
    """Return a function that gives a tokenizer of a family."""
    return lambda family: crossing(tokenizer_of(family), tmp_path / f"{family}.json")


@pytest.fixture
def exported(repo, index, tmp_path, read_jsonl):
    """Export a small history with its texts; return rows with their texts, and the tokenizer."""

    def make(tokenizer, **options):
        if not repo.git("rev-list", "--all"):
            repo.commits((f"commit {n}", {"src/lib.rs": LIB.format(n=n)}) for n in range(6))
            index.sync()
        out = tmp_path / "out"
        config = ExportConfig(str(tokenizer), split="1,0,0", embargo="0", **options)
        export(index.database, out, config)
        assert index.problems(out) == []
        tokenizer = Tokenizer.from_file(str(out / "tokenizer" / "tokenizer.json"))
        rows = read_jsonl(out / "train.jsonl")
        texts = read_jsonl(out / "train.text.jsonl") if "columns" in options else []
        return rows, texts, json.loads((out / "manifest.json").read_text()), tokenizer

    return make


def with_loss(row):
    return next(i for i, label in enumerate(row["labels"]) if label != -100)


def check_texts(rows, texts, tokenizer, bos=()):
    assert len(texts) == len(rows) > 4
    for row, text in zip(rows, texts, strict=True):
        first, ids = with_loss(row), row["input_ids"]
        prompt = tokenizer.encode(text["prompt"], add_special_tokens=False).ids
        assert [*bos, *prompt] == ids[:first]
        completion = tokenizer.encode(text["completion"], add_special_tokens=False).ids
        assert completion == ids[first:][: len(completion)]
        assert len(ids) - first - len(completion) in (0, 1)


@pytest.mark.parametrize("markers", ["extended", "native"])
def test_the_texts_of_edits_encode_to_their_ids(exported, crossing_of, markers):
    path = crossing_of("starcoder2")
    rows, texts, _, tokenizer = exported(
        path, columns="both", markers=markers, earlier=("history",)
    )
    check_texts(rows, texts, tokenizer)


def test_so_they_do_for_each_family(exported, crossing_of, family):
    rows, texts, _, tokenizer = exported(crossing_of(family), columns="both", markers="native")
    check_texts(rows, texts, tokenizer)


@pytest.mark.parametrize("spm", [0.0, 1.0])
def test_the_texts_of_holes_encode_to_their_ids(exported, crossing_of, spm):
    path = crossing_of("starcoder2")
    rows, texts, _, tokenizer = exported(path, columns="both", kind="fim", fim_spm=spm)
    check_texts(rows, texts, tokenizer)


def test_so_they_do_for_each_family_that_fills_in(exported, crossing_of, family):
    path = crossing_of(family)
    rows, texts, _, tokenizer = exported(path, columns="both", kind="fim", fim_spm=0.0)
    check_texts(rows, texts, tokenizer)


def test_a_sequence_is_one_text_and_a_token_has_loss_if_its_first_character_has(
    exported, crossing_of
):
    path = crossing_of("starcoder2")
    rows, _, _, tokenizer = exported(path, kind="sequence", max_tokens=4096)
    for row in rows:
        ids = row["input_ids"]
        text = tokenizer.decode(ids, skip_special_tokens=False)
        assert tokenizer.encode(text, add_special_tokens=False).ids == ids
    [_, changed, *_] = rows
    labels = changed["labels"]
    text = tokenizer.decode(changed["input_ids"], skip_special_tokens=False)
    start = text.index("    fn f(&self)")
    end = text.index("    }\n", start) + len("    }\n")
    starts = [at for at, _ in tokenizer.encode(text, add_special_tokens=False).offsets]
    assert "🎈1" in text[start:end]
    assert [label != -100 for label in labels[:-1]] == [start <= at < end for at in starts[:-1]]


def test_rows_begin_with_the_token_that_the_tokenizer_puts_in_front(exported, plain_one, tmp_path):
    tokenizer = Tokenizer.from_file(str(plain_one))
    tokenizer.add_special_tokens(["<s>"])
    bos = tokenizer.token_to_id("<s>")
    tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", bos)])
    tokenizer.save(str(tmp_path / "bos.json"))
    rows, texts, manifest, exported_one = exported(tmp_path / "bos.json", columns="both")
    assert manifest["tokenizer"]["bos_token"] == "<s>"
    check_texts(rows, texts, exported_one, bos=[bos])
    assert exported_one.encode("fn").ids[0] == bos
    assert all(row["input_ids"].count(bos) == 1 for row in rows)


@pytest.mark.parametrize("asked", [True, False])
def test_what_the_tokenizers_configuration_says_of_that_token_goes_first(
    exported, plain_one, tmp_path, asked
):
    tokenizer = Tokenizer.from_file(str(plain_one))
    tokenizer.add_special_tokens(["<s>"])
    bos = tokenizer.token_to_id("<s>")
    if not asked:
        template = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", bos)])
        tokenizer.post_processor = template
    (tmp_path / "with").mkdir()
    tokenizer.save(str(tmp_path / "with" / "tokenizer.json"))
    config = {"add_bos_token": asked, "bos_token": "<s>"}
    (tmp_path / "with" / "tokenizer_config.json").write_text(json.dumps(config))
    rows, texts, manifest, exported_one = exported(tmp_path / "with", columns="both")
    assert manifest["tokenizer"]["bos_token"] == ("<s>" if asked else None)
    check_texts(rows, texts, exported_one, bos=[bos] if asked else [])
    assert (exported_one.encode("fn").ids[0] == bos) == asked
