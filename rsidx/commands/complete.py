"""`rsidx complete`."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from rsidx import (
    Attempt,
    Check,
    CheckSettings,
    Completed,
    EditRequest,
    Index,
    PlacementError,
    Server,
)
from rsidx import complete as ask
from rsidx.commands.addresses import (
    address_of,
    asking_options,
    check_is_named,
    hole_of,
)
from rsidx.commands.check_settings import OF_CODE_ON_DISK, check_options
from rsidx.commands.options import json_option, repository_options
from rsidx.commands.outcomes import end_with, refuse
from rsidx.output import counted, emit, note, printable


@click.command()
@click.argument("place_in_code", metavar="FILE[:SYMBOL|:LINE|:LINE:COL]")
@asking_options
@click.option("--message", default="", help="The commit message of the change to make.")
@click.option("--url", required=True, help="The server, such as http://127.0.0.1:8000/v1.")
@click.option("--model", help="The model.  [default: the first that the server lists]")
@click.option(
    "--max-tokens",
    type=click.IntRange(min=1),
    default=Server("").max_tokens,
    show_default=True,
    help="The longest answer.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(min=0),
    help="[default: 0 for the first answer, 0.8 for others]",
)
@click.option("--seed", type=int, default=Server("").seed, show_default=True)
@click.option(
    "--answer-timeout",
    type=click.IntRange(min=1),
    default=int(Server("").timeout_s),
    show_default=True,
    help="The seconds in which an answer must be there.",
)
@click.option("--check", is_flag=True, help="Check that the answer compiles, in a sandbox.")
@click.option(
    "--tries",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Ask so many times at most, each time with the errors of the last answer.",
)
@click.option("--apply", "write", is_flag=True, help="Write the answer to the file if it passes.")
@check_options(name="--check-with", **OF_CODE_ON_DISK)
@json_option
@repository_options
def complete(
    index: Index,
    place_in_code: str,
    after: str | None,
    inside: str | None,
    named: str,
    signature: str,
    message: str,
    is_hole: bool,
    suffix_first: bool,
    like: Path,
    url: str,
    model: str | None,
    max_tokens: int,
    temperature: float | None,
    seed: int,
    answer_timeout: int,
    check: bool,
    tries: int,
    write: bool,
    settings: CheckSettings,
    scratch: Path | None,
    as_json: bool,
) -> None:
    """Ask a model for an edit of SYMBOL in the code on disk, until its answer passes.

    The place is named as for `rsidx prompt`, whose prompt is sent, as text; what differs on disk
    from HEAD is shown as edits that are made already. The server answers as OpenAI's does, and a
    key for it is taken from OPENAI_API_KEY. An answer passes if `rsidx apply` takes it, and with
    --check if it compiles; that runs the repository's build scripts and macros, in a sandbox. One
    that does not is asked for again, with its errors. Then the diff is printed, and with --apply
    written.

    If no answer passes, nothing is written, the last errors are printed, and the status is that of
    `rsidx check` or `rsidx apply`; 21 if the answer was cut off.
    """
    if is_hole:
        if message or (after, inside) != (None, None) or named or signature:
            raise click.UsageError(
                "--message, --after, --in, --named and --signature are for an edit, not --fim"
            )
        path, line, column = hole_of(place_in_code)
        request = EditRequest(path, line=line, column=column, suffix_first=suffix_first)
    else:
        if not message or suffix_first:
            raise click.UsageError("--suffix-first is for --fim" if message else "give a --message")
        where = address_of(place_in_code, after, inside)
        check_is_named(index, where)
        request = EditRequest(
            where.path, where.symbol, message, named=named, signature=signature, **where.place
        )
    try:
        found = ask(
            index,
            request,
            Server(url, model, max_tokens, temperature, seed, answer_timeout),
            like=like,
            check=Check(settings, scratch) if check else None,
            tries=tries,
            write=write,
            on_text=_show if sys.stderr.isatty() and not as_json else None,
        )
    except PlacementError as error:
        refuse(error, as_json=as_json)
        return
    emit(asdict(found), found.applied.diff if found.applied else (), as_json=as_json)
    if not as_json:
        _say(found, is_written=write)
    end_with(found.outcome)


def _show(text: str) -> None:
    click.echo(printable(text), err=True, nl=False)


def _say(found: Completed, *, is_written: bool) -> None:
    for number, attempt in enumerate(found.attempts, 1):
        note(f"rsidx: answer {number}: {_said(attempt)}")
    if not found.is_done:
        last = found.attempts[-1]
        if last.errors and last.errors != last.reason:
            note(printable(last.errors))
        note(f"rsidx: given up after {counted(len(found.attempts), 'answer')}; nothing is written")
    elif not is_written:
        note("rsidx: nothing is written without --apply")


def _said(attempt: Attempt) -> str:
    reason = f": {attempt.reason}" if attempt.reason else ""
    return printable(
        f"{attempt.outcome}{reason} (prompt {attempt.prompt_s:.1f} s, "
        f"model {attempt.model_s:.1f} s, check {attempt.check_s:.1f} s)"
    )
