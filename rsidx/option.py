"""An option's declaration, and what follows from it: key in a file, variables, who may set it.

`click.option` declares an option that only the user may set; `option` says in addition what a file
that came with a repository may do with it.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import click

PREFIX = "RSIDX_"
Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]
Harmless: TypeAlias = Callable[[Any, Path], Any]
"""Takes a value and the root of the repository whose file gives it, and returns the value to use.

Raises ValueError for one that such a file may not give.
"""
Names: TypeAlias = tuple[str, ...]
"""A command's name behind those of its groups, as in ("tokenizer", "train")."""


class Option(click.Option):
    """An option of which a repository's own file may set what `harmless` lets through.

    `harmless_if` says in words what that is; empty where it is any value, or none.
    """

    def __init__(
        self,
        declarations: Sequence[str],
        *,
        harmless: bool | Harmless = False,
        harmless_if: str = "",
        **attributes: Any,
    ) -> None:
        super().__init__(declarations, **attributes)
        self.harmless = harmless
        self.harmless_if = harmless_if

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Read the variable of an eager option; `rsidx.config` reads those of the others."""
        return super().resolve_envvar_value(ctx) if self.is_eager else None


def option(*declarations: str, **attributes: Any) -> Decorator:
    """Declare an option as `click.option` does, with what `Option` adds."""
    return click.option(*declarations, cls=Option, **attributes)


def size_option(*declarations: str, default: int, **attributes: Any) -> Decorator:
    """Declare a size, which a repository's own file may set up to its default."""

    def at_most_default(value: int, _root: Path) -> int:
        if value > default:
            raise ValueError(f"{value} is more than the default")
        return value

    return option(
        *declarations,
        default=default,
        show_default=True,
        harmless=at_most_default,
        harmless_if=f"up to {default}",
        **attributes,
    )


def key_of(option: click.Option) -> str:
    """Return an option's key in a file: its flag, as in `max-tokens`."""
    return max(option.opts, key=len).lstrip("-")


def variables_of(option: click.Option, command: Names) -> list[str]:
    """Return the variables that set a command's option, the one that decides in front."""
    shared = [option.envvar] if isinstance(option.envvar, str) else []
    return shared if option.is_eager else [variable((*command, key_of(option))), *shared]


def variable(names: Names) -> str:
    """Return the variable, or the beginning of variables, for a command and its option."""
    return PREFIX + "_".join(names).replace("-", "_").upper()


def settable(command: click.Command) -> dict[str, click.Option]:
    """Return the options of a command that a file can set, by their keys."""
    options = (option for option in command.params if isinstance(option, click.Option))
    return {key_of(option): option for option in options if not option.is_eager}


def leaves(command: click.Command, names: Names) -> Iterator[tuple[Names, click.Command]]:
    """Yield the commands of a group of this name, or the command itself; imports each."""
    if not isinstance(command, click.Group):
        yield names, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        if inner is not None:
            yield from leaves(inner, (*names, name))
