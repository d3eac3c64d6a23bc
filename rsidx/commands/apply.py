"""`rsidx apply`."""

from dataclasses import asdict
from typing import BinaryIO

import click

from rsidx import Address, Applied, Index, PlacementError
from rsidx.commands.addresses import address_of, address_options, check_is_named
from rsidx.commands.options import json_option, repository_options
from rsidx.commands.outcomes import refuse
from rsidx.output import emit, note


@click.command()
@click.argument("place_in_code", metavar="FILE[:SYMBOL|:LINE]")
@click.argument("code", type=click.File("rb"), default="-", metavar="[CODE]")
@address_options
@click.option("--write", is_flag=True, help="Write the file, instead of only showing the diff.")
@click.option(
    "--delete",
    is_flag=True,
    help="Allow SYMBOL to be removed: CODE may be empty, or define something else.",
)
@click.option("--undo", is_flag=True, help="Take back what was written to FILE last.")
@json_option
@repository_options
def apply(
    index: Index,
    place_in_code: str,
    code: BinaryIO,
    after: str | None,
    inside: str | None,
    write: bool,
    delete: bool,
    undo: bool,
    as_json: bool,
) -> None:
    """Replace SYMBOL in the worktree's FILE with new code, from the file CODE or stdin.

    CODE is a model's answer to `rsidx prompt`; end tokens at its end and code fences around it are
    left out. LINE stands for the item that it is in; with --after or --in the code is added there,
    and a FILE that is not there is made. Code that does not parse, does not define SYMBOL, or
    removes other items is refused, with an exit status from 11 on.
    """
    address = address_of(place_in_code, after, inside)
    if undo and (not address.is_file or delete):
        raise click.UsageError("--undo is for a file as a whole")
    if delete and (after is not None or inside is not None):
        raise click.UsageError("--delete is for code that is there")
    try:
        if undo:
            applied = index.undo(address.path, write=write)
        else:
            check_is_named(index, address)
            applied = _apply(index, address, code, write=write, delete=delete)
    except PlacementError as error:
        refuse(error, as_json=as_json)
        return
    emit({"outcome": "applies", **asdict(applied)}, applied.diff, as_json=as_json)
    for left_out in applied.left_out if not as_json else ():
        note(f"rsidx: {left_out} left out")
    if not write:
        note("rsidx: nothing is written without --write")


def _apply(index: Index, address: Address, code: BinaryIO, *, write: bool, delete: bool) -> Applied:
    def read() -> bytes:
        # A terminal is not waited for where nothing needs to come.
        return b"" if delete and code.isatty() else code.read()

    return index.apply(
        address.path, address.symbol, read, write=write, delete=delete, **address.place
    )
