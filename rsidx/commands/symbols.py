"""`rsidx symbols`."""

from dataclasses import asdict

import click

from rsidx.commands.options import Place, json_option, place_options
from rsidx.commands.target import at_option, target_at
from rsidx.indexer.lookup import locate
from rsidx.output import counted, emit, note


@click.command()
@click.argument("name")
@at_option
@json_option
@place_options
def symbols(place: Place, name: str, revision: str, as_json: bool) -> None:
    """Say where NAME, or TYPE::NAME, is defined: path, line, kind and signature."""
    at = target_at(place, revision, "", name)
    with place.database() as database:
        found, n_missing = locate(
            place.repository, database, name, commit=at.commit, overlay=at.overlay
        )
    lines = [f"{one.path}:{one.line}: {one.kind} {one.signature}" for one in found]
    emit([asdict(one) for one in found], lines, as_json=as_json)
    if n_missing:
        files = counted(n_missing, "file")
        note(f"rsidx: {files} of {revision} not indexed; run `rsidx backfill`")
    if not found:
        note(f"rsidx: no definition of {name} at {revision}")
        raise click.exceptions.Exit(1)
