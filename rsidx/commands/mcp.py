"""`rsidx mcp`."""

import signal
from pathlib import Path

import click

from rsidx import Check, CheckSettings, Index, serve_tools
from rsidx.commands.check_settings import check_options
from rsidx.commands.options import repository_options


@click.command()
@click.option(
    "--like",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="The export that the model was trained on, for the tool `prompt`.",
)
@click.option("--allow-write", is_flag=True, help="Let the tool `apply` write files.")
@click.option(
    "--max-chars",
    type=click.IntRange(min=1000),
    default=24_000,
    show_default=True,
    help="The longest answer.",
)
@check_options(
    goes_to="the first that compiles the code decides",
    package_of="the file",
    cargo_home="A cargo home with the crates.  [default: your own]",
    timeout="The seconds that a check may take.",
    scratch="The folder for the clone and what it builds.  [default: rsidx/check in the git "
    "folder]",
)
@repository_options
def mcp(
    index: Index,
    like: Path | None,
    allow_write: bool,
    max_chars: int,
    settings: CheckSettings,
    scratch: Path | None,
) -> None:
    """Serve the index to an assistant, by the Model Context Protocol on stdin and stdout.

    The tools are symbols, refs, show, context, prompt, check and apply, as the commands of these
    names. They only read, unless --allow-write lets apply write; check runs the repository's build
    scripts and macros, in a sandbox. The process stays until its stdin is closed, and then ends at
    once. Needs `pip install 'rsidx[mcp]'`.
    """
    # Nothing interrupts a thread that reads stdin: Python's own handler would wait for its end.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        serve_tools(
            index,
            like=like,
            check=Check(settings, scratch),
            may_write=allow_write,
            max_chars=max_chars,
        )
    finally:
        signal.signal(signal.SIGINT, before)
