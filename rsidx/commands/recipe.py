"""`rsidx recipe`."""

from pathlib import Path

import click

from rsidx import DataSet
from rsidx.commands.options import config_option
from rsidx.output import note


@click.command()
@click.argument("out", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--trainer", type=click.Choice(DataSet.TRAINERS), default="trl", show_default=True,
    help="What trains the model.",
)  # fmt: skip
@click.option(
    "--model",
    required=True,
    metavar="PATH_OR_NAME",
    help="The model to train: a folder, or a name on the hub.",
)
@click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder to write to, by default OUT.recipe beside OUT.",
)
@config_option
def recipe(out: Path, trainer: str, model: str, to: Path | None) -> None:
    """Write what trains a model on the data set OUT.

    That is a script for TRL or unsloth, or a configuration for axolotl. It is complete: length,
    collator, attention, tokenizer with its end and padding token, the embeddings of new tokens,
    learning rate, and evaluation on val. Change it as you like.
    """
    file = DataSet(out).recipe(model, trainer=trainer, to=to)
    click.echo(str(file))
    note(f"rsidx: {_RUN[trainer].format(file)}")


_RUN = {
    "trl": "run it with python {} --output-dir FOLDER, where TRL is installed",
    "unsloth": "run it with python {} --output-dir FOLDER, where unsloth is installed",
    "axolotl": "run it with axolotl train {}, where axolotl is installed",
}
