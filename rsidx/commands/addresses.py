"""What a person calls a place in the code: FILE:SYMBOL, FILE:LINE, or where new code comes."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from rsidx import Address, Index, RsidxError

EXAMPLES = (
    "a symbol, as in src/lib.rs:Type::method, 'src/lib.rs:<Type as Trait>::method' or "
    "'src/lib.rs:impl Trait for Type', a line, as in src/lib.rs:12, or where new code comes, with "
    "--after or --in"
)
_HOLE = re.compile(r"(.+):(\d+):(\d+)")
_after_option = click.option(
    "--after",
    metavar="SYMBOL|LINE",
    help="New code: right behind SYMBOL, or behind the item with LINE. 0 is the beginning of the "
    "file, and the line of a header the beginning inside of its container.",
)
_in_option = click.option(
    "--in",
    "inside",
    metavar="CONTAINER|LINE",
    help="New code: at the end of an impl, a trait or a module, or of the one around LINE.",
)


def address_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --after and --in."""
    return _after_option(_in_option(command))


_ASKED = (
    click.option("--named", default="", metavar="NAME", help="New code: what it is called."),
    click.option("--signature", default="", metavar="TEXT", help="New code: its signature."),
    click.option(
        "--fim",
        "is_hole",
        is_flag=True,
        help="Fill in a hole in the file on disk, at LINE (from 1) and COL (in bytes, from 1).",
    ),
    click.option(
        "--suffix-first", is_flag=True, help="With --fim: put the suffix in front of the prefix."
    ),
    click.option(
        "--like",
        required=True,
        type=click.Path(path_type=Path),
        metavar="OUT",
        help="The export that the model was trained on, for its tokenizer and settings.",
    ),
)


def asking_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --after and --in, and what else says what a model is asked for."""
    for option in reversed(_ASKED):
        command = option(command)
    return address_options(command)


def address_of(place_in_code: str, after: str | None, inside: str | None) -> Address:
    """Return the address that arguments name; raises click.UsageError where they contradict."""
    try:
        return Address.parse(place_in_code, after, inside)
    except RsidxError as error:
        raise click.UsageError(str(error)) from error


def check_is_named(index: Index, address: Address) -> None:
    """Raise click.UsageError for the name of a file that is there, and of nothing in it."""
    if not address.is_file or index.worktree is None:
        return
    file = index.worktree / address.path
    # Not Path's: that raises for a name that no file can have.
    if os.path.isfile(file) and os.path.getsize(file):  # noqa: PTH113, PTH202
        raise click.UsageError(f"name {EXAMPLES}")


def hole_of(place_in_code: str) -> tuple[str, int, int]:
    """Return the file, the line and the column of a hole."""
    match = _HOLE.fullmatch(place_in_code)
    if match is None:
        raise click.UsageError("name a place, as in src/lib.rs:12:5")
    return match.group(1), int(match.group(2)), int(match.group(3))
