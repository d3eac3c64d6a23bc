"""`rsidx apply`."""

import os
from pathlib import Path
from typing import BinaryIO

import click

from rsidx.commands.options import Place, place_options
from rsidx.errors import RsidxError
from rsidx.exporters.edits.diff import unified
from rsidx.files import put
from rsidx.indexer.splice import replace_symbol
from rsidx.output import note, printable


@click.command()
@click.argument("place_in_code", metavar="FILE:SYMBOL")
@click.argument("code", type=click.File("rb"), default="-", metavar="[CODE]")
@click.option("--write", is_flag=True, help="Write the file; without it the diff is shown alone.")
@click.option(
    "--delete",
    is_flag=True,
    help="Allow SYMBOL to be removed: CODE may be empty, or define something else.",
)
@place_options
def apply(place: Place, place_in_code: str, code: BinaryIO, write: bool, delete: bool) -> None:
    """Put new code, from the file CODE or stdin, in the place of SYMBOL in the worktree's FILE.

    CODE is what a model answers to `rsidx prompt`, without the end token. Code that does not
    parse, that does not define SYMBOL, or that takes other items away is refused.
    """
    path, _, symbol = place_in_code.partition(":")
    if not symbol:
        raise click.UsageError("name a symbol, as in src/lib.rs:Type::method")
    file = _file(place, path)
    source = _read(file, path)
    # A terminal is not waited for where nothing needs to come.
    answer = b"" if delete and code.isatty() else code.read()
    result = replace_symbol(source, symbol, answer, delete=delete)
    if write:
        _write(file, path, source, result)
    old, new = (text.decode("utf-8", "replace").splitlines() for text in (source, result))
    if old != new:
        for line in (f"--- a/{path}", f"+++ b/{path}", *unified(old, new)):
            click.echo(printable(line))
    if not write:
        note("rsidx: nothing is written without --write")


def _file(place: Place, path: str) -> Path:
    """Return a file of the worktree; of a link, what it leads to."""
    root = place.repository.worktree
    if root is None:
        raise RsidxError(f"{place.repository.git_dir} has no worktree")
    root = root.resolve()
    file = (root / path).resolve()
    if not file.is_relative_to(root) or ".git" in file.relative_to(root).parts:
        raise RsidxError(f"{path} is not in the worktree")
    if file.exists() and not file.is_file():
        raise RsidxError(f"{path} is not a file")
    return file


def _read(file: Path, path: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise RsidxError(f"{path} cannot be read: {error.strerror}") from error


def _write(file: Path, path: str, source: bytes, result: bytes) -> None:
    """Write a file unless it may not be written, or is not what was read any more."""

    def check() -> None:
        if _read(file, path) != source:
            raise RsidxError(f"{path} was changed meanwhile and stays as it is; run it again")

    if not os.access(file, os.W_OK) or not file.stat().st_mode & 0o222:
        raise RsidxError(f"{path} is read-only")
    try:
        put(file, result, check)
    except OSError as error:
        raise RsidxError(f"cannot write {path}: {error.strerror}") from error
