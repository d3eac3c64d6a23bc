"""`rsidx watch`."""

import signal
import time
from types import FrameType

import click

from rsidx.commands.options import Place, max_bytes_option, place_options
from rsidx.hooks.units import SYSTEMS, unit
from rsidx.indexer.intake import SyncReport


class _Stopped(BaseException):
    """The process was asked to end."""


@click.command()
@click.option(
    "--poll",
    "poll_s",
    type=click.FloatRange(min=0.1),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Look at the refs so often in any case.",
)
@click.option(
    "--unit",
    "system",
    type=click.Choice(SYSTEMS),
    help="Print a unit file that keeps this running, and do nothing else.",
)
@max_bytes_option
@place_options
def watch(place: Place, poll_s: float, system: str | None, max_bytes: int) -> None:
    """Keep the index current by watching the refs, until it is interrupted.

    For commits by tools that run no hooks. It needs no hook and does no harm beside one.
    """
    if system is not None:
        click.echo(unit(system, place.repository, place.db), nl=False)
        return
    from rsidx.hooks.watch import watch as run  # noqa: PLC0415  (a unit needs no watchdog)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    click.echo(f"watching {place.repository.common_dir}; Ctrl-C ends it")
    try:
        run(place.repository, place.db, max_bytes=max_bytes, poll_s=poll_s, report=_say)
    except _Stopped:
        # What a sync had not committed is taken in by the next one.
        click.echo("ended")


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _Stopped


def _say(report: SyncReport) -> None:
    if report.n_commits:
        click.echo(
            f"{time.strftime('%H:%M:%S')} {report.n_commits:,} commits, "
            f"{report.n_blobs:,} file versions"
        )
