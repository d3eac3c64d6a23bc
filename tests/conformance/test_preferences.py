"""TRL's DPOTrainer learns from preferences, and asks with the tokens that rows are counted in."""

import functools
import re
from pathlib import Path

import pytest

import rsidx
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from tests.conformance.marks import TRAINS

pytestmark = TRAINS
ROOT = Path(__file__).parents[2]


@pytest.fixture
def out(repo, index, tokenizer_file, tmp_path):
    """Preferences made of commits that take others back."""

    def source(n, made):
        rest = "".join(f"pub fn kept_{i}() -> u32 {{\n    {i}\n}}\n\n" for i in range(n))
        return f"{rest}pub fn made() -> u32 {{\n    {made}\n}}\n"

    repo.commit("begin", {"src/lib.rs": source(0, 0)})
    for n in range(1, 6):
        repo.commit(f"keep {n}", {"src/lib.rs": source(n, n - 1)})
        repo.commit(f"change {n}", {"src/lib.rs": source(n, n)})
        wrong = repo.commit(f"change {n} again", {"src/lib.rs": source(n, f"wrong_{n}()")})
        taken = f"take it back\n\nThis reverts commit {wrong}."
        repo.commit(taken, {"src/lib.rs": source(n, n)})
    index.sync()
    options = {"split": "1,0,0", "embargo": "0", "columns": "text", "kind": "preference"}
    export(index.database, tmp_path / "pairs", ExportConfig(str(tokenizer_file), **options))
    return tmp_path / "pairs"


def test_the_lines_of_the_page_ask_and_answer_with_the_rows_tokens(out, tmp_path, monkeypatch):
    """Run them as they stand, but on a CPU, for two steps of a small model at random."""
    import trl  # noqa: PLC0415  (they read the environment on import)
    from transformers import (  # noqa: PLC0415
        AutoTokenizer,
        Qwen2Config,
        Qwen2ForCausalLM,
        set_seed,
    )

    set_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(str(out / "tokenizer"))
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1}
    model = Qwen2ForCausalLM(Qwen2Config(vocab_size=len(tokenizer), **shape, **heads))
    model.save_pretrained(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    here = {"use_cpu": True, "bf16": False, "report_to": [], "max_steps": 2,
            "per_device_train_batch_size": 2, "save_strategy": "no"}  # fmt: skip
    monkeypatch.setattr(trl, "DPOConfig", functools.partial(trl.DPOConfig, **here))
    text = (ROOT / "docs" / "training.md").read_text("utf-8")
    [block] = [one for one in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "DPO" in one]
    made = {}
    exec(block, made)
    trainer = made["trainer"]
    assert trainer.state.global_step == 2
    metas = {row.id: row.meta["n_tokens"] for row in rsidx.DataSet(out).rows("train")}
    assert len(metas) == len(trainer.train_dataset) >= 4
    for row in trainer.train_dataset:
        n_tokens = metas[row["id"]]
        # Theirs have the end token.
        assert len(row["chosen_ids"]) == n_tokens["new"] + 1
        assert len(row["rejected_ids"]) == n_tokens["rejected"]
        n_answers = n_tokens["new"] + 1 + n_tokens["rejected"]
        assert len(row["prompt_ids"]) == n_tokens["total"] - n_answers
