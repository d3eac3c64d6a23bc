"""The option for what context has beyond the definitions."""

import click

from rsidx.exporters.context.builder import EXTRAS

context_with_option = click.option(
    "--context-with",
    multiple=True,
    type=click.Choice(EXTRAS),
    help="What is left of the budget goes to the callers of the edited code, or its tests, too; "
    "`names` also shows what only its name leads to. May be given more than once.",
)
