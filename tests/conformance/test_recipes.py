"""A recipe trains a small model: nothing is cut off, and the loss is where the rows have it."""

import ast
import importlib.util
import inspect
import json
import os
import subprocess
import sys

import pytest
import yaml

import rsidx
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from tests.chats import write_chat
from tests.conformance.marks import TRAINS
from tests.trained import STARCODER2, train

pytestmark = TRAINS
N_SPARE = 61


@pytest.fixture
def out(repo, index, tokenizer_file, tmp_path, request):
    """An export whose edits follow a rule that can be learned, and whose rows are long."""
    for n in range(24):
        body = "".join(f"    let x{i} = step({i}, {n + i});\n" for i in range(24))
        repo.commit(f"step {n}", {"src/lib.rs": f"pub fn run() -> u32 {{\n{body}    x3\n}}\n"})
    index.sync()
    options = request.param
    tokenizer = tokenizer_file
    if options.get("max_chars"):
        # Parts begin behind a line break, which is one token with the blanks that follow.
        tokenizer = train(
            tmp_path / "joins.json", STARCODER2, "{\n    let x1 = step(1, 2);\n    x3\n}\n"
        )
    if options.get("columns") == "messages":
        tokenizer = write_chat(tmp_path / "chat", tokenizer_file)
    export(index.database, tmp_path / "out", ExportConfig(str(tokenizer), **options))
    return tmp_path / "out"


@pytest.fixture
def model(out, tmp_path):
    """A model of two layers at random, whose matrix has more rows than there are tokens."""
    from transformers import (  # noqa: PLC0415  (they read the environment on import)
        AutoTokenizer,
        Qwen2Config,
        Qwen2ForCausalLM,
        set_seed,
    )

    set_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(str(out / "tokenizer"))
    shape = Qwen2Config(
        vocab_size=len(tokenizer) + N_SPARE,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
    )
    Qwen2ForCausalLM(shape).save_pretrained(tmp_path / "small")
    return tmp_path / "small"


@pytest.fixture
def run(out, model, tmp_path, monkeypatch):
    """Run a recipe as a script; return what it printed of losses, and the targets of its rows."""

    def run(capsys, *options):
        file = rsidx.DataSet(out).recipe(str(model))
        made = {"__name__": "recipe"}
        exec(compile(file.read_text("utf-8"), str(file), "exec"), made)
        targets = []

        class Trainer(made["SFTTrainer"]):
            def train(self):
                for batch in self.get_train_dataloader():
                    targets.extend(
                        [label for label in labels.tolist() if label >= 0]
                        for labels in batch["labels"]
                    )
                return super().train()

        made["SFTTrainer"] = Trainer
        to = tmp_path / "trained"
        arguments = ["--output-dir", to, "--batch-size", 4, "--learning-rate", 3e-3, *options]
        monkeypatch.setattr(sys, "argv", ["train.py", *map(str, arguments)])
        made["main"]()
        lines = [line for line in capsys.readouterr().out.splitlines() if "loss on val" in line]
        return [float(line.rpartition(" ")[2]) for line in lines], targets, to

    return run


def expected(out):
    """Return the tokens with loss of each row of train, as the export counts them."""
    rows = list(rsidx.DataSet(out).rows("train"))
    if rows[0].labels:
        return sorted([label for label in row.labels if label >= 0] for row in rows)
    return sorted(sum(n for role, n in row.meta["roles"] if role in ("new", "end")) for row in rows)


@pytest.mark.parametrize(
    "out", [{}, {"labels": "changed", "format": "jsonl.zst"}, {"columns": "text"},
            {"columns": "messages"}], indirect=True, ids=["ids", "changed", "text", "messages"],
)  # fmt: skip
def test_a_recipe_trains_on_all_that_has_loss_and_keeps_spare_rows(run, out, model, capsys):
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

    (before, after), targets, to = run(capsys, "--max-steps", 4)
    assert after < before
    whole = expected(out)
    assert sorted(targets) == whole or sorted(map(len, targets)) == whole
    manifest = json.loads((out / "manifest.json").read_text())
    assert max(manifest["counts"]["length_quantiles"].values()) > 1024
    trained = AutoModelForCausalLM.from_pretrained(to)
    tokenizer = AutoTokenizer.from_pretrained(to)
    n_rows = trained.get_input_embeddings().num_embeddings
    assert n_rows == len(tokenizer) + N_SPARE
    assert trained.config.eos_token_id == tokenizer.eos_token_id
    untrained = AutoModelForCausalLM.from_pretrained(model)
    for token_id in manifest["tokenizer"]["new_tokens"].values():
        changed = trained.get_input_embeddings().weight[token_id]
        assert not changed.equal(untrained.get_input_embeddings().weight[token_id])


@pytest.mark.parametrize("out", [{"columns": "text", "max_chars": 300}], indirect=True)
def test_rows_of_text_have_the_ids_of_rows_of_ids(run, out, index, capsys):
    """Where a part goes on behind another, its sides as one text would share a token."""
    ids = out.with_name("ids")
    export(index.database, ids, ExportConfig(str(out.with_name("joins.json")), max_chars=300))
    _, targets, _ = run(capsys, "--max-steps", 1)
    assert sorted(targets) == expected(ids)


@pytest.mark.parametrize("out", [{}], indirect=True)
@pytest.mark.parametrize("trainer", ["trl", "unsloth"])
def test_trl_takes_each_keyword_of_a_script(out, trainer):
    import trl  # noqa: PLC0415

    text = rsidx.DataSet(out).recipe("owner/model", trainer=trainer).read_text("utf-8")
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    for name in ("SFTConfig", "SFTTrainer"):
        taken = inspect.signature(getattr(trl, name)).parameters.keys()
        [keywords] = [
            {keyword.arg for keyword in call.keywords}
            for call in calls
            if getattr(call.func, "id", "") == name
        ]
        assert keywords
        assert keywords <= taken


@pytest.mark.skipif(not importlib.util.find_spec("unsloth"), reason="unsloth is not installed")
@pytest.mark.parametrize("options", [(), ("--lora",)], ids=["all", "lora"])
@pytest.mark.parametrize("out", [{}, {"columns": "text"}], indirect=True, ids=["ids", "text"])
def test_unsloth_trains(out, model, tmp_path, options):
    """It changes other libraries as it is loaded, and so has a process of its own."""
    from transformers import AutoTokenizer  # noqa: PLC0415

    AutoTokenizer.from_pretrained(str(out / "tokenizer")).save_pretrained(model)
    file = rsidx.DataSet(out).recipe(str(model), trainer="unsloth")
    to = tmp_path / "trained"
    done = subprocess.run(
        [sys.executable, file, "--output-dir", to, "--max-steps", "4", "--batch-size", "4",
         "--learning-rate", "3e-3", *options],
        check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    lines = [line for line in done.stdout.splitlines() if "loss on val" in line]
    before, after = (float(line.rpartition(" ")[2]) for line in lines)
    assert after < before
    assert {"config.json", "tokenizer.json"} <= {file.name for file in to.iterdir()}
    assert not (to / "adapter_config.json").exists()


@pytest.mark.parametrize("out", [{}], indirect=True)
def test_a_recipe_with_lora_trains_the_embeddings_of_new_tokens_and_saves_a_whole_model(
    run, out, model, capsys
):
    pytest.importorskip("peft", reason="peft is not installed")
    from transformers import AutoModelForCausalLM  # noqa: PLC0415

    (before, after), _, to = run(capsys, "--max-steps", 4, "--lora")
    assert after < before
    assert not (to / "adapter_config.json").exists()
    manifest = json.loads((out / "manifest.json").read_text())
    weights = [
        AutoModelForCausalLM.from_pretrained(folder).get_input_embeddings().weight
        for folder in (model, to)
    ]
    new = sorted(manifest["tokenizer"]["new_tokens"].values())
    mean = weights[0][: new[0]].mean(0)
    used = manifest["tokenizer"]["new_tokens"]["<|old_code|>"]
    assert not weights[1][used].allclose(mean, atol=1e-4)
    old = weights[0][: new[0]]
    assert weights[1][: new[0]].equal(old)


@pytest.mark.parametrize(
    "out", [{}, {"columns": "text"}, {"columns": "messages"}], indirect=True,
    ids=["ids", "text", "messages"],
)  # fmt: skip
def test_axolotl_knows_every_key_of_its_file(out):
    schemas = pytest.importorskip(
        "axolotl.utils.schemas.config", reason="axolotl is not installed", exc_type=ImportError
    )
    datasets = pytest.importorskip("axolotl.utils.schemas.datasets", exc_type=ImportError)
    file = rsidx.DataSet(out).recipe("owner/model", trainer="axolotl")
    settings = yaml.safe_load(file.read_text("utf-8"))
    # It takes keys that it does not know, and does nothing with them.
    fields = schemas.AxolotlInputConfig.model_fields
    assert settings.keys() <= fields.keys() | {field.alias for field in fields.values()}
    for one in (*settings["datasets"], *settings["test_datasets"]):
        assert one.keys() <= datasets.SFTDataset.model_fields.keys()
    schemas.AxolotlInputConfig(**settings)
