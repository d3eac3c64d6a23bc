"""`rsidx watch`."""

import signal
import time
from types import FrameType

import click

from rsidx.commands.options import Place, max_bytes_option, place_options
from rsidx.hooks.units import SYSTEMS, unit
from rsidx.hooks.worker import work
from rsidx.indexer.ingest import Progress, SyncReport
from rsidx.output import counted


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
    from rsidx.hooks.watch import Wakes  # noqa: PLC0415  (a unit needs no watchdog)
    from rsidx.hooks.watch import watch as run  # noqa: PLC0415

    wakes = Wakes()

    def stop(_number: int, _frame: FrameType | None) -> None:
        wakes.stop()

    def update(progress: Progress) -> None:
        work(place.repository, place.db, max_bytes=max_bytes, report=_say, progress=progress)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    line = f"watching {place.repository.common_dir}; Ctrl-C ends it"
    run(place.repository, wakes, update, poll_s=poll_s, ready=lambda: click.echo(line))
    click.echo("ended")


def _say(report: SyncReport) -> None:
    if report.n_commits:
        click.echo(
            f"{time.strftime('%H:%M:%S')} {counted(report.n_commits, 'commit')}, "
            f"{counted(report.n_blobs, 'file version')}"
        )
