"""TRL's GRPOTrainer trains by the reward function, on the rows that an export writes for it."""

import functools
import os
import re
from pathlib import Path

import pytest

from rsidx import CheckSettings, reward
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from tests.conformance.marks import TRAINS
from tests.evaluation.conftest import MANIFEST, SYSROOT

pytestmark = [
    *TRAINS,
    pytest.mark.skipif(SYSROOT is None, reason="cargo and rustc are not installed"),
]
ROOT = Path(__file__).parents[2]
LOCK = 'version = 4\n\n[[package]]\nname = "crate-of-a-test"\nversion = "0.1.0"\n'


@pytest.fixture
def data(repo, index, tokenizer_file, tmp_path):
    """Rows of a crate whose commits change a function."""
    files = {"Cargo.toml": MANIFEST, "Cargo.lock": LOCK, ".gitignore": "/target\n"}
    for n in range(4):
        code = f"pub fn twice(x: u32) -> u32 {{\n    x * {n}\n}}\n"
        repo.commit(f"multiply by {n}", {"src/lib.rs": code, **(files if not n else {})})
    index.sync()
    options = {"columns": "rl", "split": "1,0,0", "embargo": "0"}
    export(index.database, tmp_path / "data", ExportConfig(str(tokenizer_file), **options))
    return tmp_path / "data"


def test_the_lines_of_the_page_train_by_the_reward(data, repo, tmp_path, monkeypatch):
    """Run them as they stand, but on a CPU, for a step of a small model at random."""
    import trl  # noqa: PLC0415  (they read the environment on import)
    from transformers import (  # noqa: PLC0415
        AutoTokenizer,
        Qwen2Config,
        Qwen2ForCausalLM,
        set_seed,
    )

    set_seed(0)
    monkeypatch.setenv("PATH", f"{SYSROOT}/bin{os.pathsep}{os.environ['PATH']}")
    tokenizer = AutoTokenizer.from_pretrained(str(data / "tokenizer"))
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1}
    model = Qwen2ForCausalLM(Qwen2Config(vocab_size=len(tokenizer), **shape, **heads))
    model.save_pretrained(tmp_path / "model")
    repo.path.rename(tmp_path / "your-repository")
    monkeypatch.chdir(tmp_path)
    here = {"use_cpu": True, "bf16": False, "report_to": [], "max_steps": 1, "num_generations": 2,
            "per_device_train_batch_size": 2, "save_strategy": "no"}  # fmt: skip

    def small(folder, **options):
        return config(folder, **{**options, **here, "max_completion_length": 8})

    config = trl.GRPOConfig
    monkeypatch.setattr(trl, "GRPOConfig", small)
    # A container of tests may have no sandbox.
    settings = CheckSettings(no_sandbox=True)
    monkeypatch.setattr("rsidx.reward", functools.partial(reward, settings=settings, jobs=1))
    text = (ROOT / "docs" / "training.md").read_text("utf-8")
    [block] = [one for one in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "GRPO" in one]
    made = {}
    exec(block, made)
    trainer = made["trainer"]
    assert trainer.state.global_step == 1
    [function] = trainer.reward_funcs
    assert function.outcomes.total() == 2
    logged = trainer.state.log_history[0]
    n_compiling = function.outcomes["compiles"] + function.outcomes["exact"]
    assert logged["rewards/compiles/mean"] == pytest.approx(n_compiling / 2)
    function.close()
