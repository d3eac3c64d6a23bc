"""What a person calls a place in the code: FILE:SYMBOL, FILE:LINE, or where new code comes."""

import re
from collections.abc import Callable
from typing import Any, TypedDict

import click

from rsidx import Index

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


class Address(TypedDict):
    """A place in a file, in the terms of `Snapshot.prompt`."""

    line: int | None
    after: str | int | None
    in_: str | int | None


def address_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --after and --in."""
    return _after_option(_in_option(command))


def check_is_named(index: Index, path: str, symbol: str, address: Address) -> None:
    """Raise click.UsageError for the name of a file that is there, and of nothing in it."""
    if symbol or set(address.values()) != {None} or index.worktree is None:
        return
    if (index.worktree / path).is_file() and (index.worktree / path).stat().st_size:
        raise click.UsageError(f"name {EXAMPLES}")


def address_of(
    place_in_code: str, after: str | None, inside: str | None
) -> tuple[str, str, Address]:
    """Return the file, the symbol, and the rest of an address; a number is a line."""
    path, _, symbol = place_in_code.partition(":")
    if symbol and (after is not None or inside is not None):
        raise click.UsageError("with --after and --in name the file alone")
    if after is not None and inside is not None:
        raise click.UsageError("--after and --in contradict each other")
    line = _number(symbol)
    address: Address = {
        "line": line if isinstance(line, int) else None,
        "after": _number(after) if after is not None else None,
        "in_": _number(inside) if inside is not None else None,
    }
    return path, "" if isinstance(line, int) else symbol, address


def hole_of(place_in_code: str) -> tuple[str, int, int]:
    """Return the file, the line and the column of a hole."""
    match = _HOLE.fullmatch(place_in_code)
    if match is None:
        raise click.UsageError("name a place, as in src/lib.rs:12:5")
    return match.group(1), int(match.group(2)), int(match.group(3))


def _number(text: str) -> str | int:
    return int(text) if text.isascii() and text.isdigit() else text
