"""`rsidx symbols`."""

from dataclasses import asdict

import click

from rsidx.commands.options import Place, json_option, place_options
from rsidx.indexer.lookup import locate
from rsidx.output import emit, note


@click.command()
@click.argument("name")
@click.option("--at", "revision", default="HEAD", show_default=True, help="The commit to look in.")
@json_option
@place_options
def symbols(place: Place, name: str, revision: str, as_json: bool) -> None:
    """Say where NAME, or TYPE::NAME, is defined: path, line, kind and signature."""
    with place.database() as database:
        found, n_missing = locate(place.repository, database, name, revision=revision)
    lines = [f"{at.path}:{at.line}: {at.kind} {at.signature}" for at in found]
    emit([asdict(at) for at in found], lines, as_json=as_json)
    if n_missing:
        note(f"rsidx: {n_missing:,} files of {revision} are not indexed; run `rsidx backfill`")
    if not found:
        note(f"rsidx: no definition of {name} at {revision}")
        raise click.exceptions.Exit(1)
