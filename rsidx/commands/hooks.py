"""`rsidx hooks`.

The worker needs nothing of what installs hooks: each command imports that for itself.
"""

import click

from rsidx.commands.options import (
    Place,
    hook_options,
    json_option,
    max_bytes_option,
    place_options,
)
from rsidx.hooks import worker
from rsidx.output import emit

NOT_WELL = 10
"""The status of a command whose outcome is a verdict, and that is not good."""


@click.group()
def hooks() -> None:
    """Keep the index current from git's hooks."""


@hooks.command()
@place_options
def install(place: Place) -> None:
    """Install the hooks beside what is there.

    Where a manager (pre-commit, lefthook, husky, overcommit) writes the hooks, print what its
    settings need.
    """
    from rsidx.hooks import install as installer  # noqa: PLC0415

    try:
        found = installer.install(place.repository, place.db)
    except installer.ManagedError as error:
        click.echo(error.snippet, nl=False)
        raise
    emit(None, [found.text], as_json=False)


@hooks.command()
@place_options
def uninstall(place: Place) -> None:
    """Remove the hooks and leave what was there before as it was."""
    from rsidx.hooks import install as installer  # noqa: PLC0415

    names = installer.uninstall(place.repository)
    line = f"removed: {', '.join(names)}" if names else "they were not installed"
    emit(None, [line], as_json=False)


@hooks.command()
@json_option
@place_options
def status(place: Place, as_json: bool) -> int:
    """Say whether the hooks are installed; the status is 10 if they are not, or not all.

    Whether they fire is for `rsidx doctor` to prove.
    """
    from rsidx.hooks import install as installer  # noqa: PLC0415

    found = installer.state(place.repository)
    emit({"hook": found.name, "text": found.text}, [found.text], as_json=as_json)
    return 0 if found.name == "installed" else NOT_WELL


@hooks.command()
@place_options
def snippet(place: Place) -> None:  # noqa: ARG001  (the options are those of the other commands)
    """Print what to put into a hook that is not rsidx's to write; it works in every clone."""
    from rsidx.hooks import install as installer  # noqa: PLC0415

    click.echo(installer.snippet(), nl=False)


@hooks.command()
@click.argument("event", default="")
@hook_options
def wake(place: Place, event: str) -> None:
    """Wake the index in the background, for hooks that another program runs; EVENT is its hook."""
    worker.wake(place.repository, place.db, event)


@hooks.command(hidden=True)
@max_bytes_option
@hook_options
def run(place: Place, max_bytes: int) -> None:
    """Bring the index up to date; called by the hooks, detached."""
    worker.run(place.repository, place.db, max_bytes=max_bytes)
