"""Scripts for TRL's SFTTrainer, with models as transformers or unsloth load them."""

from importlib.resources import files

from rsidx.exporters.recipes.facts import Facts

FILE = "train.py"
_IMPORTS = """\
import torch
from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, set_seed
from trl import SFTConfig, SFTTrainer"""
# It changes the others as these are loaded.
_IMPORTS_OF_UNSLOTH = """\
from unsloth import FastLanguageModel  # isort: skip  (it changes those below)

import torch
from datasets import load_dataset
from transformers import AutoTokenizer, DataCollatorForSeq2Seq, set_seed
from trl import SFTConfig, SFTTrainer"""


def trl_script(facts: Facts, model: str) -> str:
    """Return a script that trains a model on a data set: it needs what TRL itself needs."""
    parts = {"TRAINER": "TRL", "NEEDS": " (which needs peft)", "IMPORTS": _IMPORTS}
    return _script(facts, model, parts | {"MODEL": _template("trl_model")})


def unsloth_script(facts: Facts, model: str) -> str:
    """Return a script that trains a model on a data set with unsloth."""
    parts = {"TRAINER": "unsloth", "NEEDS": "", "IMPORTS": _IMPORTS_OF_UNSLOTH}
    return _script(facts, model, parts | {"MODEL": _template("unsloth_model")})


def _script(facts: Facts, model: str, parts: dict[str, str]) -> str:
    splits = {"train": facts.file("train")}
    if facts.has_val:
        splits["validation"] = facts.file("val")
    constants = {
        "MODEL": model,
        "TOKENIZER": facts.tokenizer,
        "LOADER": facts.loader,
        "FILES": splits,
        "SHAPE": facts.shape,
        "MAX_LENGTH": facts.max_length,
        "NEW_TOKENS": list(facts.new_tokens),
        "ENDS": list(facts.ends),
    }
    text = _template("sft")
    for mark, part in parts.items():
        text = text.replace(f"#{mark}#", part)
    # Last: what they spell is no mark.
    lines = "\n".join(f"{name} = {value!r}" for name, value in constants.items())
    return text.replace("#CONSTANTS#", lines)


def _template(name: str) -> str:
    return files(__package__).joinpath(f"{name}.template").read_text("utf-8").rstrip("\n")
