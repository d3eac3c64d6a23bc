"""An option's declaration, and what follows from it: key in a file, variables, who may set it.

`click.option` declares an option that only the user may set; `option` says in addition what a file
that came with a repository may do with it; `options_of` makes options of a configuration's fields.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import click

from rsidx.setting import UP_TO_DEFAULT, Declared, Harmless, declared

PREFIX = "RSIDX_"
Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]
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
    size = _up_to(default)
    return option(*declarations, default=default, show_default=True, **size, **attributes)


def _up_to(default: int) -> dict[str, Any]:
    def at_most_default(value: int, _root: Path) -> int:
        if value > default:
            raise ValueError(f"{value} is more than the default")
        return value

    return {"harmless": at_most_default, "harmless_if": f"up to {default}"}


def options_of(configuration: type, first: str = "", last: str = "") -> Decorator:
    """Declare the options of a configuration's fields, of all or from `first` to `last`."""
    fields = declared(configuration)
    names = list(fields)
    start = names.index(first) if first else 0
    end = names.index(last) + 1 if last else len(names)

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        # A decorator puts its option in front of those that are there.
        for name in reversed(names[start:end]):
            command = option_of(fields[name])(command)
        return command

    return decorate


def option_of(field: Declared) -> Decorator:
    """Declare the option of a configuration's field."""
    setting = field.setting
    attributes: dict[str, Any] = {
        "help": setting.help,
        "metavar": setting.metavar,
        "harmless": setting.harmless,
        "harmless_if": setting.harmless_if,
        "required": field.is_required,
        "multiple": field.is_multiple,
    }
    if field.kind is bool:
        attributes["is_flag"] = True
    else:
        attributes["type"] = _type_of(field)
        if not field.is_required and field.default not in (None, ()):
            attributes |= {"default": field.default, "show_default": True}
    if setting.harmless == UP_TO_DEFAULT:
        attributes |= _up_to(field.default)
    return option(field.flag, field.name, **attributes)


class _Choice(click.Choice[str]):
    """Choices of which some had another name, which is still taken with a warning."""

    def __init__(self, choices: Sequence[str], renamed: Mapping[str, str]) -> None:
        super().__init__(choices)
        self._renamed = renamed

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the choice that a value names."""
        now = self._renamed.get(value)
        if now is None:
            return super().convert(value, param, ctx)
        name = f"--{key_of(param)} " if isinstance(param, click.Option) else ""
        click.echo(f"rsidx: {name}{value} will be refused; it is called {now} now", err=True)
        return now


def _type_of(field: Declared) -> click.ParamType[Any]:
    setting = field.setting
    if setting.choices:
        return _Choice(setting.choices, setting.renamed)
    if setting.must_exist:
        return click.Path(exists=True)
    at_least = setting.at_least if setting.more_than is None else setting.more_than
    if at_least is None and setting.at_most is None:
        return click.types.convert_type(field.kind)
    if field.kind is int:
        return click.IntRange(_whole(at_least), _whole(setting.at_most))
    return click.FloatRange(at_least, setting.at_most, min_open=setting.more_than is not None)


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)


def key_of(option: click.Option) -> str:
    """Return an option's key in a file: its flag, as in `max-tokens`."""
    return max(option.opts, key=len).lstrip("-")


def variables_of(option: click.Option, command: Names) -> list[str]:
    """Return the variables that set a command's option, the one that decides in front."""
    shared = [option.envvar] if isinstance(option.envvar, str) else []
    return shared if option.is_eager else [variable((*command, key_of(option))), *shared]


def variables_below(command: click.Command, names: Names) -> set[str]:
    """Return the variables of a command, or of all in a group."""
    return {
        name
        for path, leaf in leaves(command, names)
        for option in leaf.params
        if isinstance(option, click.Option)
        for name in variables_of(option, path)
    }


def variable(names: Names) -> str:
    """Return the variable, or the beginning of variables, for a command and its option."""
    return PREFIX + "_".join(names).replace("-", "_").upper()


def settable(command: click.Command) -> dict[str, click.Option]:
    """Return the options of a command that a file can set, by their keys."""
    options = (option for option in command.params if isinstance(option, click.Option))
    return {key_of(option): option for option in options if not option.is_eager}


def converted(option: click.Option, value: Any, ctx: click.Context, *, is_text: bool) -> Any:
    """Return a value of a file, or with `is_text` of a variable, as the option's type.

    Raises ValueError or click's BadParameter for one that the option does not take.
    """

    def scalar(value: Any) -> Any:
        if isinstance(value, bool | list | Mapping):
            raise ValueError(f"{_shown(value)} is no value of --{key_of(option)}")
        return option.type.convert(str(value), option, ctx)

    if option.is_flag:
        if not is_text and not isinstance(value, bool):
            raise ValueError(f"{_shown(value)} is neither true nor false")
        return click.BOOL.convert(value, option, ctx)
    if option.multiple:
        values = value.split() if is_text else value if isinstance(value, list) else [value]
        return tuple(scalar(one) for one in values)
    return scalar(value)


def _shown(value: Any) -> str:
    """Return a value as an error names it: lists and tables can be endlessly deep."""
    if isinstance(value, list | Mapping):
        return "a list" if isinstance(value, list) else "a table"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def harmless(option: click.Option, value: Any, root: Path) -> Any:
    """Return what to use of a value in the own file of the repository at `root`.

    Raises ValueError that says what such a file may do.
    """
    if not isinstance(option, Option) or option.harmless is False:
        raise ValueError("not set this")
    if option.harmless is True:
        return value
    try:
        return option.harmless(value, root)
    except ValueError as error:
        raise ValueError(f"set this {option.harmless_if} only") from error


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
