"""`rsidx apply`."""

import os
import tempfile
from pathlib import Path
from typing import BinaryIO

import click

from rsidx.commands.options import Place, place_options
from rsidx.errors import RsidxError
from rsidx.exporters.diff import unified
from rsidx.indexer.apply import replaced
from rsidx.output import note, printable


@click.command()
@click.argument("place_in_code", metavar="FILE:SYMBOL")
@click.argument("code", type=click.File("rb"), default="-", metavar="[CODE]")
@click.option("--write", is_flag=True, help="Write the file; without it the diff is shown alone.")
@place_options
def apply(place: Place, place_in_code: str, code: BinaryIO, write: bool) -> None:
    """Put new code, from the file CODE or stdin, in the place of SYMBOL in the worktree's FILE.

    CODE is what a model answers to `rsidx prompt`, without the end token. Code that does not
    parse is refused.
    """
    path, _, symbol = place_in_code.partition(":")
    if not symbol:
        raise click.UsageError("name a symbol, as in src/lib.rs:Type::method")
    root = place.repository.worktree
    if root is None:
        raise RsidxError(f"{place.repository.git_dir} has no worktree")
    file = root / path
    if not file.resolve().is_relative_to(root.resolve()):
        raise RsidxError(f"{path} is not in the worktree")
    try:
        source = file.read_bytes()
    except OSError as error:
        raise RsidxError(f"{path} cannot be read: {error.strerror}") from error
    result = replaced(source, symbol, code.read())
    old, new = (text.decode("utf-8", "replace").splitlines() for text in (source, result))
    if old != new:
        for line in (f"--- a/{path}", f"+++ b/{path}", *unified(old, new)):
            click.echo(printable(line))
    if write:
        _write(file, result)
    else:
        note("rsidx: nothing is written without --write")


def _write(file: Path, content: bytes) -> None:
    """Put a file in place as a whole, with the mode that it had."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        Path(name).chmod(file.stat().st_mode & 0o7777)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
