"""`rsidx prompt`."""

import re
from dataclasses import asdict
from pathlib import Path

import click

from rsidx.commands.options import MAX_BYTES, Place, json_option, place_options
from rsidx.commands.target import at_option, target_at
from rsidx.exporters.dataset.reader import config_of
from rsidx.exporters.questions import Hole, fill_prompt_at, prompt_at
from rsidx.indexer.worktree import file_on_disk
from rsidx.output import emit, note

_HOLE = re.compile(r"(.+):(\d+):(\d+)")


@click.command()
@click.argument("place_in_code", metavar="FILE:SYMBOL|FILE:LINE:COL")
@click.option("--message", help="What the change is to do, as a commit message.")
@click.option(
    "--fim",
    "is_hole",
    is_flag=True,
    help="Fill in at a place of the file as it is on disk: LINE from 1, COL in bytes from 1.",
)
@click.option("--suffix-first", is_flag=True, help="With --fim: what is behind the place first.")
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
    place: Place,
    place_in_code: str,
    message: str | None,
    is_hole: bool,
    suffix_first: bool,
    like: Path,
    revision: str,
    as_json: bool,
) -> None:
    """Write the prompt for an edit of SYMBOL exactly as the examples of OUT are written.

    What follows it, up to the end token, is the new code, or with --fim what belongs to the place.
    --json gives the ids, too.
    """
    config = config_of(like)
    if is_hole:
        if message is not None:
            raise click.UsageError("--message is for an edit, not for --fim")
        hole = _hole(place, place_in_code, revision, is_suffix_first=suffix_first)
        with place.database() as database:
            found = fill_prompt_at(database, place.repository.name, hole, config)
    else:
        if message is None or suffix_first:
            given = "--message is missing" if message is None else "--suffix-first is for --fim"
            raise click.UsageError(given)
        path, _, symbol = place_in_code.partition(":")
        if not symbol:
            raise click.UsageError("name a symbol, as in src/lib.rs:Type::method")
        target = target_at(place, revision, path, symbol)
        with place.database() as database:
            found = prompt_at(database, place.repository.name, target, message, config)
    if as_json:
        emit(asdict(found), (), as_json=True)
    else:
        # Not as a line: a line break more would be one that the model has never seen here.
        click.echo(found.text, nl=False)
    if found.n_excerpts_left_out:
        note(f"rsidx: {found.n_excerpts_left_out} pieces of context did not fit")


def _hole(place: Place, place_in_code: str, revision: str, *, is_suffix_first: bool) -> Hole:
    match = _HOLE.fullmatch(place_in_code)
    if match is None:
        raise click.UsageError("name a place, as in src/lib.rs:12:5")
    path, line, column = match.group(1), int(match.group(2)), int(match.group(3))
    target = target_at(place, revision, path, "")
    file = file_on_disk(place.repository, path, max_bytes=MAX_BYTES)
    return Hole(target.commit, path, file, line, column, is_suffix_first, target.overlay)
