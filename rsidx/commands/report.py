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
    help="So many rows are in the page, taken at equal distances.",
)
@config_option
def report(out: Path, to: Path | None, samples: int) -> None:
    """Write a page about the data set OUT: counts, plots, leaks, and rows to browse.

    One file that needs no network, beside OUT, which stays as it is. An earlier report is replaced;
    another file is not.
    """
    click.echo(str(DataSet(out).report(to, n_samples=samples)))
