"""`rsidx context`."""

from collections.abc import Iterator
from dataclasses import asdict

import click

from rsidx.commands.options import Place, json_option, place_options
from rsidx.commands.target import at_option, target_at
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.questions import ContextAnswer, context_at
from rsidx.option import options_of
from rsidx.output import emit


@click.command()
@click.argument("place_in_code", metavar="FILE[:SYMBOL]")
@at_option
@options_of(ExportConfig, "context_with", "context_with")
@json_option
@place_options
def context(
    place: Place,
    place_in_code: str,
    revision: str,
    context_with: tuple[str, ...],
    as_json: bool,
) -> None:
    """Print what an edit of FILE, or of SYMBOL in it, would be shown, and by which rule.

    SYMBOL may be qualified, as in Type::method. The order is that in which the budget is spent.
    """
    path, _, symbol = place_in_code.partition(":")
    target = target_at(place, revision, path, symbol)
    with place.database() as database:
        answers = context_at(database, place.repository.name, target, context_with)
    emit([asdict(answer) for answer in answers], _lines(answers), as_json=as_json)


def _lines(answers: list[ContextAnswer]) -> Iterator[str]:
    for answer in answers:
        inside = f" in {answer.container}" if answer.container else ""
        yield f"{answer.path}:{answer.line}: {answer.symbol or 'the whole file'}{inside}"
        for piece in answer.context:
            yield ""
            where = f"{piece.path}:{piece.line}"
            yield f"  {piece.section}, {piece.form}, rule {piece.rule}: {where} {piece.symbol}"
            yield from (f"    {line}" for line in piece.text.splitlines())
        yield ""
