"""`rsidx verify`."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from rsidx import DataSet, Index, Verification
from rsidx.commands.options import json_option, repository_options
from rsidx.output import counted, emit

MAX_SHOWN = 20


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@json_option
@repository_options
def verify(index: Index, out: Path, as_json: bool) -> None:
    """Check the data set OUT against git alone, without the index.

    Every target must be the new code, every excerpt must be in the tree that its row was made
    from, the splits must follow each other in time, and the checksums must fit. Otherwise it names
    the rows and exits with 1.
    """
    found = index.verify(DataSet(out), max_problems=MAX_SHOWN)
    emit(asdict(found), verification_lines(found), as_json=as_json)
    if not found.ok:
        raise click.exceptions.Exit(1)


def verification_lines(found: Verification) -> Iterator[str]:
    """Yield what does not hold, and how much was checked."""
    for p in found.problems:
        yield f"{p.file}{f':{p.row}' if p.row else ''}: {p.text}"
    n_more = found.n_problems - len(found.problems)
    if n_more:
        yield f"and {n_more:,} more"
    yield (
        f"{counted(found.n_files, 'file')}, {counted(found.n_rows, 'row')} and "
        f"{counted(found.n_excerpts, 'excerpt')} "
        + ("checked: all hold" if found.ok else "checked")
        + (f"; {counted(found.n_redacted, 'row')} redacted" if found.n_redacted else "")
    )
