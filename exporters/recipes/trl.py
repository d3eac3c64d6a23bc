"""A script for TRL's SFTTrainer."""

from importlib.resources import files

from rsidx.exporters.recipes.facts import Facts

FILE = "train.py"
_MARK = "#CONSTANTS#"


def script(facts: Facts, model: str) -> str:
    """Return a script that trains a model on a data set: it needs what TRL itself needs."""
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
    }
    lines = "\n".join(f"{name} = {value!r}" for name, value in constants.items())
    template = files(__package__).joinpath("trl.template").read_text("utf-8")
    return template.replace(_MARK, lines)
