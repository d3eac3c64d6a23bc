"""`rsidx prompt`."""

from dataclasses import asdict
from pathlib import Path

import click

from rsidx.commands.options import Place, json_option, place_options
from rsidx.commands.target import at_option, target_at
from rsidx.exporters.dataset.reader import config_of
from rsidx.exporters.questions import prompt_at
from rsidx.output import emit, note


@click.command()
@click.argument("place_in_code", metavar="FILE:SYMBOL")
@click.option("--message", required=True, help="What the change is to do, as a commit message.")
@click.option(
    "--like",
    required=True,
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="The export that the model was trained on: its tokenizer and settings are used.",
)
@at_option
@json_option
@place_options
def prompt(
    place: Place, place_in_code: str, message: str, like: Path, revision: str, as_json: bool
) -> None:
    """Write the prompt for an edit of SYMBOL exactly as the examples of OUT are written.

    What follows it, up to the end token, is the new code. --json gives the ids, too.
    """
    path, _, symbol = place_in_code.partition(":")
    if not symbol:
        raise click.UsageError("name a symbol, as in src/lib.rs:Type::method")
    target = target_at(place, revision, path, symbol)
    config = config_of(like)
    with place.database() as database:
        found = prompt_at(database, place.repository.name, target, message, config)
    if as_json:
        emit(asdict(found), (), as_json=True)
    else:
        # Not as a line: a line break more would be one that the model has never seen here.
        click.echo(found.text, nl=False)
    if found.n_excerpts_left_out:
        note(f"rsidx: {found.n_excerpts_left_out} pieces of context did not fit")
