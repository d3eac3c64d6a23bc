"""Models train on the output: transformers' Trainer and TRL's, on a model of two layers."""

import functools
import re
from pathlib import Path

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from tests.conformance.marks import TRAINS

pytestmark = TRAINS
ROOT = Path(__file__).parents[2]
N_COMMITS = 60
N_STEPS = 60


@pytest.fixture
def out(repo, index, tokenizer_file, tmp_path):
    """An export whose edits follow a rule that can be learned."""
    for n in range(N_COMMITS):
        body = "".join(f"    let x{i} = step({i}, {n + i});\n" for i in range(4))
        repo.commit(f"step {n}", {"src/lib.rs": f"pub fn run() -> u32 {{\n{body}    x3\n}}\n"})
    index.sync()
    config = ExportConfig(tokenizer=str(tokenizer_file), columns="both", pack=4096)
    export(index.database, tmp_path / "out", config)
    return tmp_path / "out"


@pytest.fixture
def rows(out, tmp_path):
    from datasets import load_dataset  # noqa: PLC0415  (it reads the environment on import)

    def load(ending):
        files = {name: str(out / f"{name}.{ending}") for name in ("train", "val")}
        return load_dataset("json", data_files=files, cache_dir=str(tmp_path / "cache"))

    return load


@pytest.fixture
def tokenizer(out):
    from transformers import AutoTokenizer  # noqa: PLC0415

    return AutoTokenizer.from_pretrained(str(out / "tokenizer"))


@pytest.fixture
def model(tokenizer):
    """Return StarCoder2 with two layers, at random."""
    from transformers import Starcoder2Config, Starcoder2ForCausalLM, set_seed  # noqa: PLC0415

    set_seed(0)
    shape = Starcoder2Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return Starcoder2ForCausalLM(shape)


def arguments(folder):
    return {
        "output_dir": str(folder),
        "max_steps": N_STEPS,
        "per_device_train_batch_size": 4,
        "learning_rate": 3e-3,
        "report_to": [],
        "save_strategy": "no",
        "use_cpu": True,
        "disable_tqdm": True,
    }


def assert_it_learns(trainer):
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    after = trainer.evaluate()["eval_loss"]
    assert after < 0.7 * before, (before, after)


def test_trainer_learns_from_the_rows(rows, tokenizer, model, tmp_path):
    from transformers import (  # noqa: PLC0415
        DataCollatorForSeq2Seq,
        Trainer,
        TrainingArguments,
    )

    data = rows("jsonl")
    trainer = Trainer(
        model,
        TrainingArguments(**arguments(tmp_path / "model")),
        data_collator=DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=-100),
        train_dataset=data["train"],
        eval_dataset=data["val"],
    )
    assert_it_learns(trainer)


@pytest.mark.parametrize("ending", ["jsonl", "text.jsonl"])
def test_trl_learns_from_ids_and_from_text(rows, tokenizer, model, tmp_path, ending):
    from trl import SFTConfig, SFTTrainer  # noqa: PLC0415

    data = rows(ending)
    trainer = SFTTrainer(
        model,
        SFTConfig(**arguments(tmp_path / "model"), max_length=2048),
        train_dataset=data["train"],
        eval_dataset=data["val"],
        processing_class=tokenizer,
    )
    batch = next(iter(trainer.get_train_dataloader()))
    targets = batch["labels"][batch["labels"] >= 0]
    # The loss is on the new code alone, and on the end token.
    spelled = tokenizer.decode(targets)
    assert "<|new_code|>" not in spelled
    assert spelled.startswith("pub fn run()")
    assert spelled.endswith("}\n<|endoftext|>")
    assert_it_learns(trainer)


def test_documents_of_a_packed_row_do_not_see_each_other(rows, model):
    """Transformers takes positions that begin again for documents of their own."""
    import torch  # noqa: PLC0415

    packed = rows("packed.jsonl")["val"][0]
    plain = rows("jsonl")["val"]
    assert len(packed["input_ids"]) == sum(len(row["input_ids"]) for row in plain)
    model.eval()

    def loss(row, **options):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([row["input_ids"]]), **options).logits[0]
        targets = torch.tensor(row["labels"][1:])
        return torch.nn.functional.cross_entropy(
            logits[:-1], targets, ignore_index=-100, reduction="sum"
        )

    alone = sum(loss(row) for row in plain)
    together = loss(packed, position_ids=torch.tensor([packed["position_ids"]]), use_cache=False)
    assert torch.allclose(together, alone, rtol=1e-4)
    assert not torch.allclose(loss(packed), alone, rtol=1e-4)


def test_axolotl_takes_the_rows_for_tokenized(rows):
    wrappers = pytest.importorskip(
        "axolotl.utils.data.wrappers", reason="axolotl is not installed", exc_type=ImportError
    )
    data = rows("jsonl")["train"]
    assert wrappers._is_dataset_already_tokenized(data)
    assert set(data.column_names) == {"input_ids", "attention_mask", "labels"}


@pytest.mark.parametrize("page", ["README.md", "docs/training.md"])
def test_the_lines_of_a_page_train_a_model(out, model, tokenizer, tmp_path, monkeypatch, page):
    """Run them as they stand, but on a CPU, and for the name of a model, which has spare rows."""
    import trl  # noqa: PLC0415

    n_rows = len(tokenizer) + 40
    model.resize_token_embeddings(n_rows)
    model.save_pretrained(tmp_path / "small")
    out.rename(tmp_path / "data")
    text = (ROOT / page).read_text("utf-8")
    [block] = [one for one in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "SFT" in one]
    assert "bigcode/starcoder2-3b" in block
    monkeypatch.chdir(tmp_path)
    here = {"use_cpu": True, "bf16": False, "report_to": [], "disable_tqdm": True}
    monkeypatch.setattr(trl, "SFTConfig", functools.partial(trl.SFTConfig, **here))
    made = {}
    exec(block.replace("bigcode/starcoder2-3b", "small"), made)
    trained = made["trainer"]
    assert made["model"].get_input_embeddings().num_embeddings == n_rows
    seen = [
        [label for label in labels.tolist() if label >= 0]
        for batch in trained.get_train_dataloader()
        for labels in batch["labels"]
    ]
    wanted = [[one for one in row["labels"] if one >= 0] for row in made["data"]["train"]]
    assert sorted(seen) == sorted(wanted)
    assert trained.state.global_step > 0
