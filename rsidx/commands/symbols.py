"""`rsidx symbols`."""

from dataclasses import asdict

import click

from rsidx import Index
from rsidx.commands.options import at_option, json_option, repository_options
from rsidx.output import counted, emit, note


@click.command()
@click.argument("name")
@at_option
@json_option
@repository_options
def symbols(index: Index, name: str, revision: str, as_json: bool) -> None:
    """List the definitions of NAME, or TYPE::NAME: path, line, kind and signature."""
    code = index.at(revision)
    found, n_missing = code.symbols(name), code.n_missing_files()
    lines = [f"{one.path}:{one.line}: {one.kind} {one.signature}" for one in found]
    emit([asdict(one) for one in found], lines, as_json=as_json)
    if n_missing:
        files = counted(n_missing, "file")
        note(f"rsidx: {files} of {revision} not indexed; run `rsidx backfill`")
    if not found:
        note(f"rsidx: no definition of {name} at {revision}")
        raise click.exceptions.Exit(1)
