"""`rsidx verify`."""

from dataclasses import asdict
from itertools import islice
from pathlib import Path

import click

from rsidx.commands.options import Place, json_option, place_options
from rsidx.exporters.verify.dataset import verify as check
from rsidx.exporters.verify.rows import Checked
from rsidx.indexer.git.blobs import blob_reader
from rsidx.indexer.gitview import GitView
from rsidx.output import counted, emit

_MAX_SHOWN = 20
_MAX_BYTES = 1 << 31


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@json_option
@place_options
def verify(place: Place, out: Path, as_json: bool) -> None:
    """Prove from git alone that the data set OUT says what the history says.

    Every target gives the new file, every excerpt stood where and when it says, no split is
    older than the one before it, the checksums hold. Exits with 1 and names the rows otherwise.
    """
    checked = Checked()
    with blob_reader(place.repository, max_bytes=_MAX_BYTES) as reader:
        found = check(out, GitView(place.repository, reader), checked)
        problems = list(islice(found, _MAX_SHOWN))
        n_more = sum(1 for _ in found)
    lines = [f"{p.file}{f':{p.row}' if p.row else ''}: {p.text}" for p in problems]
    if n_more:
        lines.append(f"and {n_more:,} more")
    lines.append(
        f"{counted(checked.n_files, 'file')}, {counted(checked.n_rows, 'row')} and "
        f"{counted(checked.n_excerpts, 'excerpt')} "
        + ("checked: all hold" if not problems else "checked")
        + (f"; {counted(checked.n_redacted, 'row')} redacted" if checked.n_redacted else "")
    )
    value = {
        **asdict(checked),
        "n_problems": len(problems) + n_more,
        "problems": [asdict(problem) for problem in problems],
    }
    emit(value, lines, as_json=as_json)
    if problems:
        raise click.exceptions.Exit(1)
