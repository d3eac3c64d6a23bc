"""`rsidx prompt`."""

from dataclasses import asdict
from pathlib import Path

import click

from rsidx import DataSet, Index, RsidxError
from rsidx.commands.addresses import address_of, asking_options, hole_of
from rsidx.commands.options import at_option, json_option, repository_options
from rsidx.output import emit, note

WORKTREE = "worktree"


@click.command()
@click.argument("place_in_code", metavar="FILE[:SYMBOL|:LINE|:LINE:COL]")
@asking_options
@click.option("--message", help="The commit message of the change to make.")
@click.option(
    "--after-edits",
    metavar="PATCH|worktree",
    help="Edits of the commit that are made already: a file with a unified diff, - for stdin, or "
    "`worktree` for what differs on disk.",
)
@at_option
@json_option
@repository_options
def prompt(
    index: Index,
    place_in_code: str,
    after: str | None,
    inside: str | None,
    named: str,
    signature: str,
    message: str | None,
    after_edits: str | None,
    is_hole: bool,
    suffix_first: bool,
    like: Path,
    revision: str,
    as_json: bool,
) -> None:
    """Print the prompt for an edit of SYMBOL, in exactly the form of the examples of OUT.

    LINE (from 1) stands for the item that it is in; of one that is too long, the prompt shows the
    part with that line, and the answer is the part alone. With --after or --in, or of a FILE that
    is not there, the prompt is for new code. LINE counts in the file as the edits left it.

    A model's answer, up to the end token, is the new code, or with --fim the code that fills the
    hole. --json also gives the token ids.
    """
    data = DataSet(like)
    if data.config.context_from == "answer":
        note(
            f"rsidx: a model that was trained on {like} has seen context that no prompt has "
            "(--context-from answer)"
        )
    if is_hole:
        if message is not None:
            raise click.UsageError("--message is for an edit, not for --fim")
        if (after, inside, after_edits) != (None, None, None) or named or signature:
            raise click.UsageError(
                "--after, --in, --after-edits, --named and --signature are for an edit, not --fim"
            )
        path, line, column = hole_of(place_in_code)
        found = index.at(revision).fill_prompt(
            path, line, column, like=data, suffix_first=suffix_first
        )
    else:
        if message is None or suffix_first:
            given = "--message is missing" if message is None else "--suffix-first is for --fim"
            raise click.UsageError(given)
        address = address_of(place_in_code, after, inside)
        found = index.at(revision).prompt(
            address.path,
            address.symbol,
            message,
            like=data,
            named=named,
            signature=signature,
            after_edits=_edits(after_edits),
            **address.place,
        )
    if as_json:
        emit(asdict(found), (), as_json=True)
    else:
        # Not as a line: a line break more would be one that the model has never seen here.
        click.echo(found.text, nl=False)
    if found.spells_control_token and not as_json:
        note("rsidx: the code spells a control token of the model: send the ids of --json instead")
    if found.n_excerpts_left_out:
        note(f"rsidx: {found.n_excerpts_left_out} pieces of context did not fit")


def _edits(given: str | None) -> bytes | str:
    """Return the patch that is given, or the word for what differs on disk."""
    if given is None or given == WORKTREE:
        return given or b""
    try:
        with click.open_file(given, "rb") as file:
            patch: bytes = file.read()
    except OSError as error:
        raise RsidxError(f"{given} cannot be read: {error.strerror}") from error
    return patch
