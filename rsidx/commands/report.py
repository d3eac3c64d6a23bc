"""`rsidx report`."""

from pathlib import Path

import click

from rsidx import DataSet
from rsidx.commands.options import config_option


@click.command()
@click.argument("out", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write.  [default: OUT.report.html]",
)
@click.option(
    "--samples",
    type=click.IntRange(min=0),
    default=200,
    show_default=True,
    help="The number of rows on the page, spread evenly over the data set.",
)
@config_option
def report(out: Path, to: Path | None, samples: int) -> None:
    """Write a page about the data set OUT: counts, plots, leakage, and rows to browse.

    The page is one file beside OUT that works offline. It replaces an earlier report, and no
    other file.
    """
    click.echo(str(DataSet(out).report(to, n_samples=samples)))
