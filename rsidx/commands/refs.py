"""`rsidx refs`."""

from collections.abc import Iterator
from dataclasses import asdict

import click

from rsidx import Index, Use
from rsidx.commands.options import at_option, json_option, repository_options
from rsidx.output import emit, note


@click.command()
@click.argument("name")
@at_option
@click.option("--names", is_flag=True, help="Also list code that only mentions the name.")
@json_option
@repository_options
def refs(index: Index, name: str, revision: str, names: bool, as_json: bool) -> None:
    """List the code that refers to NAME, or TYPE::NAME: path, line, rule and the code itself.

    Code that only mentions the same name is no reference; --names adds it, with the rule `name`.
    """
    found = index.at(revision).references(name, names=names)
    emit([asdict(use) for use in found], _lines(found), as_json=as_json)
    if not found:
        note(f"rsidx: nothing refers to {name} at {revision}")


def _lines(found: list[Use]) -> Iterator[str]:
    for use in found:
        inside = f" in {use.symbol}" if use.symbol else ""
        to = f" -> {use.defined}" if use.defined else ""
        yield f"{use.path}:{use.line}: {use.rule}{inside}{to}"
        yield f"    {use.text}"
