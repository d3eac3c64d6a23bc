"""`rsidx backup`."""

from pathlib import Path

import click

from rsidx.commands.options import Place, json_option, place_options
from rsidx.output import emit, human_bytes, progress


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@place_options
def backup(place: Place, file: Path, as_json: bool) -> None:
    """Write a complete copy of the index to FILE, even while something writes to the index.

    `cp` cannot do that: its copy may be torn. An earlier backup in FILE is replaced; any other
    file is refused. The copy is all that `rsidx export --db FILE` needs.
    """
    with place.database() as database, progress("backup", "pages") as update:
        database.back_up(file, update)
        source = database.shown
    n_bytes = file.stat().st_size
    line = f"{file} ({human_bytes(n_bytes)}) is a complete copy of {source}"
    emit({"file": str(file), "n_bytes": n_bytes, "index": source}, [line], as_json=as_json)
