"""`rsidx watch`."""

import signal
import time
from types import FrameType

import click

from rsidx import Hooks, Index, SyncReport
from rsidx.commands.options import max_bytes_option, repository_options
from rsidx.output import counted


@click.command()
@click.option(
    "--poll",
    "poll_s",
    type=click.FloatRange(min=0.1),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Poll the refs at least this often.",
)
@click.option(
    "--unit",
    "system",
    type=click.Choice(Hooks.SYSTEMS),
    help="Print a unit file that keeps this running, and do nothing else.",
)
@max_bytes_option
@repository_options
def watch(index: Index, poll_s: float, system: str | None, max_bytes: int) -> None:
    """Keep the index current by watching the refs, until it is interrupted.

    For tools that run no hooks. It works without a hook or beside one.
    """
    if system is not None:
        click.echo(index.hooks.unit(system), nl=False)
        return
    watcher = index.hooks.watcher(max_bytes=max_bytes, poll_s=poll_s)

    def stop(_number: int, _frame: FrameType | None) -> None:
        watcher.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    line = f"watching {index.git_folder}; Ctrl-C ends it"
    watcher.run(ready=lambda: click.echo(line), report=_say)
    click.echo("ended")


def _say(report: SyncReport) -> None:
    if report.n_commits:
        click.echo(
            f"{time.strftime('%H:%M:%S')} {counted(report.n_commits, 'commit')}, "
            f"{counted(report.n_blobs, 'file version')}"
        )
