"""A recipe says what the data set says of itself, and replaces nothing that is somebody's own."""

import ast
import json
import re

import pytest
import yaml

import rsidx
from rsidx.__main__ import main
from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from tests.chats import write_chat

pytestmark = pytest.mark.usefixtures("wordy")


@pytest.fixture
def data(repo, index, tokenizer_file, tmp_path):
    """Return a function that exports a small history and returns the data set."""

    def make(**options):
        if not repo.git("rev-list", "--all"):
            lib = "pub fn f() -> u32 {{\n    {n}\n}}\n"
            repo.commits((f"number {n}", {"src/lib.rs": lib.format(n=n)}) for n in range(20))
            index.sync()
        tokenizer = tokenizer_file
        if options.get("columns") == "messages":
            tokenizer = write_chat(tmp_path / "chat", tokenizer_file)
        export(index.database, tmp_path / "out", ExportConfig(str(tokenizer), **options))
        return rsidx.DataSet(tmp_path / "out")

    return make


def constants(file):
    """Return what a script names in capitals."""
    tree = ast.parse(file.read_text("utf-8"))
    assigned = [node for node in tree.body if isinstance(node, ast.Assign)]
    return {node.targets[0].id: ast.literal_eval(node.value) for node in assigned}


@pytest.mark.parametrize(
    ("options", "shape", "ending"),
    [
        ({}, "ids", "jsonl"),
        ({"columns": "both", "format": "jsonl.gz"}, "ids", "jsonl.gz"),
        ({"columns": "text"}, "text", "jsonl"),
        ({"columns": "messages"}, "messages", "jsonl"),
        ({"markers": "native"}, "ids", "jsonl"),
    ],
)
@pytest.mark.parametrize("trainer", ["trl", "unsloth"])
def test_a_script_has_the_data_set_s_facts(data, options, shape, ending, trainer):
    made = data(**options)
    file = made.recipe("owner/model", trainer=trainer)
    assert file == made.folder.with_name("out.recipe") / "train.py"
    found = constants(file)
    added = made.manifest["tokenizer"]["new_tokens"]
    longest = max(
        row.meta["n_tokens"]["total"] for split in made.SPLITS for row in made.rows(split)
    )
    assert found == {
        "MODEL": "owner/model",
        "TOKENIZER": str(made.folder / "tokenizer"),
        "LOADER": "json",
        "FILES": {
            "train": str(made.folder / f"train.{ending}"),
            "validation": str(made.folder / f"val.{ending}"),
        },
        "SHAPE": shape,
        "MAX_LENGTH": longest,
        "NEW_TOKENS": sorted(added.values()),
        "ENDS": [made.manifest["tokenizer"]["end_token"]],
    }


@pytest.mark.parametrize(
    ("trainer", "loads"), [("trl", "AutoModelForCausalLM"), ("unsloth", "FastLanguageModel")]
)
def test_a_script_is_whole_and_loads_models_as_its_trainer_does(data, trainer, loads):
    text = data().recipe("owner/model", trainer=trainer).read_text("utf-8")
    assert not re.findall(r"#[A-Z]+#", text)
    assert f"{loads}.from_pretrained(" in text
    compile(text, "train.py", "exec")


def test_holes_may_end_with_the_token_of_their_model(data):
    made = data(columns="text")
    assert len(constants(made.recipe("owner/model"))["ENDS"]) == 1
    file = made.folder / "manifest.json"
    manifest = json.loads(file.read_text("utf-8"))
    manifest["config"]["kind"] = "fim"
    file.write_text(json.dumps(manifest))
    holes = rsidx.DataSet(made.folder).recipe("owner/model", to=made.folder.parent / "holes")
    assert "<EOT>" in constants(holes)["ENDS"][1:]


@pytest.mark.parametrize(
    ("columns", "kind"), [("ids", None), ("text", dict), ("messages", "chat_template")]
)
def test_a_file_for_axolotl_has_the_data_set_s_facts(data, tmp_path, columns, kind):
    made = data(columns=columns)
    file = made.recipe("owner/model", trainer="axolotl", to=tmp_path / "recipe")
    found = yaml.safe_load(file.read_text("utf-8"))
    assert (found["base_model"], found["excess_length_strategy"]) == ("owner/model", "raise")
    assert found["sequence_len"] == max(made.manifest["counts"]["length_quantiles"].values())
    for key, split in (("datasets", "train"), ("test_datasets", "val")):
        [one] = found[key]
        assert one["path"] == str(made.folder / f"{split}.jsonl")
        assert isinstance(one["type"], dict) if kind is dict else one["type"] == kind


@pytest.mark.parametrize("trainer", rsidx.DataSet.TRAINERS)
def test_a_folder_with_a_model_is_found_from_anywhere(data, tmp_path, monkeypatch, trainer):
    made = data()
    (tmp_path / "small").mkdir()
    monkeypatch.chdir(tmp_path)
    text = made.recipe("./small", trainer=trainer).read_text("utf-8")
    assert str(tmp_path / "small") in text
    assert "owner/model" in made.recipe("owner/model", trainer=trainer, to="other").read_text()


def test_a_recipe_is_written_again_but_not_over_a_file_that_was_changed(data):
    made = data()
    file = made.recipe("owner/model")
    assert made.recipe("owner/model") == file
    file.write_text(file.read_text("utf-8") + "# mine\n")
    with pytest.raises(ExportError, match="is there already, and another"):
        made.recipe("owner/model")
    assert file.read_text("utf-8").endswith("# mine\n")


def test_without_rows_of_val_nothing_is_evaluated(data):
    made = data(split="1,0,0", embargo="0")
    assert [*constants(made.recipe("m"))["FILES"]] == ["train"]
    found = yaml.safe_load(made.recipe("m", trainer="axolotl").read_text("utf-8"))
    assert not found.keys() & {"test_datasets", "evals_per_epoch"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"format": "bin"}, "has rows as --format bin, which these trainers do not read"),
        ({"n_train": 0}, "has no rows to train on"),
        ({"shards": {"train": 2}}, "is in shards, which no recipe reads yet"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(data, changes, says):
    made = data()
    file = made.folder / "manifest.json"
    manifest = json.loads(file.read_text("utf-8"))
    if "n_train" in changes:
        manifest["counts"]["examples"]["train"] = 0
    elif "shards" in changes:
        manifest |= changes
    else:
        manifest["config"] |= changes
    file.write_text(json.dumps(manifest))
    with pytest.raises(ExportError, match=says):
        rsidx.DataSet(made.folder).recipe("m")
    assert not made.folder.with_name("out.recipe").exists()


def test_the_command_prints_the_file_and_how_to_run_it(data, capsys, tmp_path):
    made = data()
    to = tmp_path / "there"
    assert main(["recipe", str(made.folder), "--model", "owner/model", "--to", str(to)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{to / 'train.py'}\n"
    assert f"python {to / 'train.py'} --output-dir FOLDER" in err
    with pytest.raises(ExportError, match="'other' is no trainer: trl, unsloth, axolotl"):
        made.recipe("m", trainer="other")
