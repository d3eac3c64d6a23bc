"""`rsidx context`."""

from collections.abc import Iterator
from dataclasses import asdict

import click

from rsidx import ContextAnswer, ExportConfig, Index
from rsidx.commands.addresses import address_of, address_options
from rsidx.commands.options import at_option, json_option, repository_options
from rsidx.option import options_of
from rsidx.output import emit


@click.command()
@click.argument("place_in_code", metavar="FILE[:SYMBOL|:LINE]")
@address_options
@at_option
@options_of(ExportConfig, "context_with", "context_with")
@json_option
@repository_options
def context(
    index: Index,
    place_in_code: str,
    after: str | None,
    inside: str | None,
    revision: str,
    context_with: tuple[str, ...],
    as_json: bool,
) -> None:
    """List the context of an edit of FILE, or of SYMBOL in it, and the rule for each excerpt.

    SYMBOL may be qualified, as in Type::method; LINE (from 1) stands for the item that it is in,
    and with --after or --in the edit is new code. The order is that in which an export would spend
    its token budget.
    """
    address = address_of(place_in_code, after, inside)
    answers = index.at(revision).context(
        address.path, address.symbol, context_with=context_with, **address.place
    )
    unnamed = "the item" if address.line is not None else "the whole file"
    if after is not None or inside is not None:
        unnamed = "new code"
    emit([asdict(answer) for answer in answers], _lines(answers, unnamed), as_json=as_json)


def _lines(answers: list[ContextAnswer], unnamed: str) -> Iterator[str]:
    for answer in answers:
        inside = f" in {answer.container}" if answer.container else ""
        yield f"{answer.path}:{answer.line}: {answer.symbol or unnamed}{inside}"
        for piece in answer.context:
            yield ""
            where = f"{piece.path}:{piece.line}"
            yield f"  {piece.section}, {piece.form}, rule {piece.rule}: {where} {piece.symbol}"
            yield from (f"    {line}" for line in piece.text.splitlines())
        yield ""
