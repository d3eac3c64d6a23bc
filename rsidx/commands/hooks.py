"""`rsidx hooks`."""

import click

from rsidx.commands.options import Place, json_option, max_bytes_option, place_options
from rsidx.hooks import install as installer
from rsidx.hooks import worker
from rsidx.output import emit


@click.group()
def hooks() -> None:
    """Keep the index current from git's hooks."""


@hooks.command()
@place_options
def install(place: Place) -> None:
    """Install the hooks beside what is there."""
    paths = installer.install(place.repository, place.db)
    names = ", ".join(path.name for path in paths)
    emit(None, [f"installed in {paths[0].parent}: {names}"], as_json=False)


@hooks.command()
@place_options
def uninstall(place: Place) -> None:
    """Remove the hooks and leave what was there before as it was."""
    paths = installer.uninstall(place.repository)
    names = ", ".join(path.name for path in paths)
    emit(None, [f"removed: {names}" if paths else "they were not installed"], as_json=False)


@hooks.command()
@json_option
@place_options
def status(place: Place, as_json: bool) -> None:
    """Say whether the hooks are installed."""
    found = installer.state(place.repository)
    emit({"hook": found.name, "text": found.text}, [found.text], as_json=as_json)


@hooks.command()
def snippet() -> None:
    """Print what to put into a hook that another program writes."""
    click.echo(installer.snippet(), nl=False)


@hooks.command(hidden=True)
@max_bytes_option
@place_options
def run(place: Place, max_bytes: int) -> None:
    """Bring the index up to date; called by the hooks, detached."""
    worker.run(place.repository, place.db, max_bytes=max_bytes)
