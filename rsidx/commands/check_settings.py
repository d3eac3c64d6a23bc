"""Options that say how code is checked, for the commands that run cargo."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from rsidx import CheckSettings
from rsidx.option import Decorator

OF_CODE_ON_DISK = {
    "goes_to": "the first that compiles the code decides",
    "package_of": "FILE",
    "cargo_home": "A cargo home with the crates.  [default: your own]",
    "timeout": "The seconds that a check may take.",
    "scratch": "The folder for the clone and what it builds.  [default: rsidx/check in the git "
    "folder]",
}
"""What `check_options` says where the code on disk is checked."""


def check_options(
    *,
    goes_to: str,
    package_of: str,
    cargo_home: str,
    timeout: str,
    scratch: str,
    name: str = "--check",
) -> Decorator:
    """Add --check, or what else it is called, --cargo-home, --no-sandbox, --timeout and --scratch.

    The command gets `settings` and the folder `scratch`. The texts say in `--help` what each means
    for it.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option(
            name,
            "checks",
            multiple=True,
            metavar="ARGUMENTS",
            help="The arguments of a `cargo check`, RUSTFLAGS=... before them; may be given more "
            f"than once: {goes_to}.  [default: none, then --tests, each for the package of "
            f"{package_of}]",
        )
        @click.option(
            "--cargo-home",
            type=click.Path(path_type=Path, file_okay=False),
            help=cargo_home,
        )
        @click.option("--no-sandbox", is_flag=True, help="Run the repository's code as you.")
        @click.option(
            "--timeout",
            type=click.IntRange(min=1),
            default=CheckSettings().timeout_s,
            show_default=True,
            help=timeout,
        )
        @click.option("--scratch", type=click.Path(path_type=Path, file_okay=False), help=scratch)
        @wraps(command)
        def with_settings(
            checks: tuple[str, ...],
            cargo_home: Path | None,
            no_sandbox: bool,
            timeout: int,
            **options: Any,
        ) -> Any:
            settings = CheckSettings(
                checks=checks or CheckSettings().checks,
                cargo_home=cargo_home,
                no_sandbox=no_sandbox,
                timeout_s=timeout,
            )
            return command(settings=settings, **options)

        return with_settings

    return decorate
