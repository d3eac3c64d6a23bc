"""`rsidx hooks`."""

import click

from rsidx.commands.options import Place, json_option, max_bytes_option, place_options
from rsidx.hooks import install as installer
from rsidx.hooks import worker
from rsidx.output import emit


@click.group()
def hooks() -> None:
    """Keep the index current from git's post-commit hook."""


@hooks.command()
@place_options
def install(place: Place) -> None:
    """Install the post-commit hook beside what is there."""
    path = installer.install(place.repository, place.db)
    emit(str(path), [f"installed in {path}"], as_json=False)


@hooks.command()
@place_options
def uninstall(place: Place) -> None:
    """Remove the hook and leave what was there before as it was."""
    path = installer.uninstall(place.repository)
    emit(None, [f"removed from {path}" if path else "it was not installed"], as_json=False)


@hooks.command()
@json_option
@place_options
def status(place: Place, as_json: bool) -> None:
    """Say whether the hook is installed."""
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
    """Bring the index up to date; called by the hook, detached."""
    worker.run(place.repository, place.db, max_bytes=max_bytes)
