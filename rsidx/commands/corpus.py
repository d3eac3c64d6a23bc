"""`rsidx corpus`."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rsidx import Corpus, DataSet
from rsidx.commands.options import config_option, json_option
from rsidx.commands.verify import MAX_SHOWN, verification_lines
from rsidx.output import emit, resumable, stages

if TYPE_CHECKING:
    from rsidx import CorpusStatus

_configuration = click.argument("config", type=click.Path(path_type=Path, dir_okay=False))


@click.group()
def corpus() -> None:
    """Make one data set of many repositories (`pip install 'rsidx[corpus]'`)."""


@corpus.command()
@_configuration
@json_option
@config_option
def run(config: Path, as_json: bool) -> None:
    """Make the data set that the file CONFIG describes, or go on where an earlier run stopped.

    A repository that cannot be taken in is left out; `rsidx corpus status` says why, and the next
    run tries it again.
    """
    made = Corpus(config)
    _silence_steps()
    with resumable(), stages() as update:
        data = made.run(progress=update)
    failures = made.status().failures
    lines = [*_lines(data), *(f"{one.name} is left out: {one.failure}" for one in failures)]
    emit(data.manifest, lines, as_json=as_json)


@corpus.command()
@_configuration
@json_option
@config_option
def status(config: Path, as_json: bool) -> None:
    """Show how far the run of CONFIG is, and which repositories could not be taken in."""
    found = Corpus(config).status()
    emit(asdict(found), _status_lines(found), as_json=as_json)


@corpus.command()
@_configuration
@click.option(
    "--sample",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="The share of the rows to check.",
)
@json_option
@config_option
def verify(config: Path, sample: float, as_json: bool) -> None:
    """Check the data set of CONFIG against git alone, each row against its own repository.

    As `rsidx verify` does for a data set of one repository; exits with 1 where something does not
    hold.
    """
    found = Corpus(config).verify(sample=sample, max_problems=MAX_SHOWN)
    emit(asdict(found), verification_lines(found), as_json=as_json)
    if not found.ok:
        raise click.exceptions.Exit(1)


def _silence_steps() -> None:
    """Keep what datatrove says of each step out of stderr: the logs of the tasks have it."""
    with suppress(ModuleNotFoundError):
        from loguru import logger  # noqa: PLC0415  (an extra)

        logger.remove()


def _lines(data: DataSet) -> Iterator[str]:
    counts, shards = data.manifest["counts"], data.manifest["shards"]
    for name in DataSet.SPLITS:
        yield (
            f"{name:<6}{shards[name]:>6,} shards{counts['examples'][name]:>12,} examples"
            f"{counts['tokens'][name]:>16,} tokens"
        )
    yield f"{data.folder}: {len(data.manifest['repositories']):,} repositories"


def _status_lines(found: "CorpusStatus") -> Iterator[str]:
    yield (
        f"{found.n_repositories:,} repositories: {found.n_taken_in:,} taken in, "
        f"{len(found.failures):,} failed, {found.n_waiting:,} to come"
    )
    for stage in found.stages:
        yield f"{stage.name:<10}" + (
            f"{stage.n_done:>7,} of {stage.n_tasks:,} tasks"
            if stage.n_tasks is not None
            else f"{'-':>7}"
        )
    for one in found.failures:
        yield f"{one.name}: {one.failure}"
