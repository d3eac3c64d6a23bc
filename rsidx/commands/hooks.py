"""`rsidx hooks`."""

import click

from rsidx import Index, ManagedHooksError
from rsidx.commands.options import (
    hook_options,
    json_option,
    max_bytes_option,
    repository_options,
)
from rsidx.output import emit

NOT_WELL = 10
"""The status of a command whose outcome is a verdict, and that is not good."""


@click.group()
def hooks() -> None:
    """Keep the index current from git's hooks."""


@hooks.command()
@repository_options
def install(index: Index) -> None:
    """Install the hooks beside what is there.

    Where a manager (pre-commit, lefthook, husky, overcommit) writes the hooks, print what its
    settings need.
    """
    try:
        found = index.hooks.install()
    except ManagedHooksError as error:
        click.echo(error.snippet, nl=False)
        raise
    emit(None, [found.text], as_json=False)


@hooks.command()
@repository_options
def uninstall(index: Index) -> None:
    """Remove the hooks and leave what was there before as it was."""
    names = index.hooks.uninstall()
    line = f"removed: {', '.join(names)}" if names else "they were not installed"
    emit(None, [line], as_json=False)


@hooks.command()
@json_option
@repository_options
def status(index: Index, as_json: bool) -> int:
    """Say whether the hooks are installed; the status is 10 if they are not, or not all.

    Whether they fire is for `rsidx doctor` to prove.
    """
    found = index.hooks.state()
    emit({"hook": found.name, "text": found.text}, [found.text], as_json=as_json)
    return 0 if found.name == "installed" else NOT_WELL


@hooks.command()
@repository_options
def snippet(index: Index) -> None:
    """Print what to put into a hook that is not rsidx's to write; it works in every clone."""
    click.echo(index.hooks.snippet(), nl=False)


@hooks.command()
@click.argument("event", default="")
@hook_options
def wake(index: Index, event: str) -> None:
    """Wake the index in the background, for hooks that another program runs; EVENT is its hook."""
    index.hooks.wake(event)


@hooks.command(hidden=True)
@max_bytes_option
@hook_options
def run(index: Index, max_bytes: int) -> None:
    """Bring the index up to date; called by the hooks, detached."""
    index.hooks.run(max_bytes=max_bytes)
