"""`rsidx check`."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import click

from rsidx import CheckSettings, CodeCheck, Index, RepositoryError, check_code
from rsidx.commands.addresses import address_of, address_options, check_is_named
from rsidx.commands.check_settings import OF_CODE_ON_DISK, check_options
from rsidx.commands.options import json_option, repository_options
from rsidx.commands.outcomes import end_with
from rsidx.output import emit


@click.command()
@click.argument("place_in_code", metavar="FILE[:SYMBOL|:LINE]")
@click.argument("code", type=click.File("rb"), default="-", metavar="[CODE]")
@address_options
@check_options(**OF_CODE_ON_DISK)
@json_option
@repository_options
def check(
    index: Index,
    place_in_code: str,
    code: BinaryIO,
    after: str | None,
    inside: str | None,
    settings: CheckSettings,
    scratch: Path | None,
    as_json: bool,
) -> None:
    """Check that new code compiles in the place of SYMBOL, from the file CODE or stdin.

    FILE stays as it is: the code is put into a scratch clone that has what is on disk. Errors are
    printed as a model may be told them. This runs the repository's build scripts and macros, in a
    sandbox without the network and without your files.

    Exits with 0 if the code compiles, 10 if it does not, 12 if the check takes too long, 13 if the
    check fails without the code, too, 14 if it does not compile that code at all, and 11 or 15 to
    19 if the code cannot be put there.
    """
    address = address_of(place_in_code, after, inside)
    check_is_named(index, address)
    if index.worktree is None:
        raise RepositoryError(f"{index.git_folder} has no worktree")
    found = check_code(
        index.worktree,
        address.path,
        address.symbol,
        code.read,
        **address.place,
        settings=settings,
        scratch=scratch,
    )
    emit(asdict(found), _lines(found), as_json=as_json)
    end_with(found.outcome)


def _lines(found: CodeCheck) -> Iterator[str]:
    said = _SAID.get(found.outcome, "it cannot be put there")
    yield f"{said}: {found.reason}" if found.reason else said
    if found.feedback:
        yield ""
        yield found.feedback


_SAID = {
    "compiles": "it compiles",
    "error": "it does not compile",
    "timeout": "not known",
    "broken_before": "without it the check fails, too",
    "not_compiled": "not known",
}
