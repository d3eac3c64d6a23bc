"""`rsidx apply`."""

from typing import BinaryIO

import click

from rsidx import Index
from rsidx.commands.addresses import EXAMPLES, address_of, address_options
from rsidx.commands.options import repository_options
from rsidx.output import note, printable


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
@repository_options
def apply(
    index: Index,
    place_in_code: str,
    code: BinaryIO,
    after: str | None,
    inside: str | None,
    write: bool,
    delete: bool,
) -> None:
    """Replace SYMBOL in the worktree's FILE with new code, from the file CODE or stdin.

    CODE is a model's answer to `rsidx prompt`, without the end token. LINE stands for the item that
    it is in; with --after or --in the code is added there. Code that does not parse, does not
    define SYMBOL, or removes other items is refused.
    """
    path, symbol, address = address_of(place_in_code, after, inside)
    if not symbol and set(address.values()) == {None}:
        raise click.UsageError(f"name {EXAMPLES}")
    if delete and (after is not None or inside is not None):
        raise click.UsageError("--delete is for code that is there")

    def read() -> bytes:
        # A terminal is not waited for where nothing needs to come.
        return b"" if delete and code.isatty() else code.read()

    for line in index.apply(path, symbol, read, write=write, delete=delete, **address):
        click.echo(printable(line))
    if not write:
        note("rsidx: nothing is written without --write")
