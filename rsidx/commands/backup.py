"""`rsidx backup`."""

from pathlib import Path

import click

from rsidx import Index
from rsidx.commands.options import json_option, repository_options
from rsidx.output import emit, human_bytes, progress


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@repository_options
def backup(index: Index, file: Path, as_json: bool) -> None:
    """Write a complete copy of the index to FILE, even while something writes to the index.

    `cp` cannot do that: its copy may be torn. An earlier backup in FILE is replaced; any other
    file is refused. The copy is all that `rsidx export --db FILE` needs.
    """
    with progress("backup", "pages") as update:
        index.backup(file, progress=update)
    n_bytes = file.stat().st_size
    line = f"{file} ({human_bytes(n_bytes)}) is a complete copy of {index.address}"
    emit({"file": str(file), "n_bytes": n_bytes, "index": index.address}, [line], as_json=as_json)
