"""How the pages of commands show an option: what sets it, its values, its default.

An extension of Sphinx: sphinx-click finds the commands and asks here what to write of each.
"""

import re
from collections.abc import Iterator
from typing import Any

import click
from sphinx.application import Sphinx

from rsidx.commands.options import repository_options
from rsidx.option import Option, key_of, settable, variables_of

_TYPES = {"float range": "NUMBER", "integer": "NUMBER", "integer range": "NUMBER"}
_DEFAULT_IN_HELP = re.compile(r"\s*\[default: (?P<default>.*)\]$")


@click.command(add_help_option=False)
@repository_options
def shared(**_: Any) -> None:
    """Nearly every command takes these: its repository, its index, and how much it says."""


_SHARED = {option.name for option in shared.params}


def setup(app: Sphinx) -> None:
    """Take over from sphinx-click what it says less well."""
    # Under this name it is sent; the one that sphinx-click registers has another spelling.
    app.add_event("sphinx-click-process-envars")
    app.connect("sphinx-click-process-options", _write_options)
    # The usage names the arguments, the description says what they are.
    app.connect("sphinx-click-process-arguments", _clear)
    app.connect("sphinx-click-process-usage", _clear_of_shared)
    app.connect("sphinx-click-process-envars", _clear)


def _clear(_app: Sphinx, _ctx: click.Context, lines: list[str]) -> None:
    lines.clear()


def _clear_of_shared(_app: Sphinx, ctx: click.Context, lines: list[str]) -> None:
    if ctx.command is shared:
        lines.clear()


def _write_options(_app: Sphinx, ctx: click.Context, lines: list[str]) -> None:
    lines.clear()
    command = ctx.command
    options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    if command is not shared and {option.name for option in options} >= _SHARED:
        options = [option for option in options if option.name not in _SHARED]
        lines += [
            "The :ref:`shared options <options-of-most-commands>`" + (", and:" if options else "."),
            "",
        ]
    for option in options:
        lines += [f".. option:: {_usage(option)}", ""]
        lines += [f"   {line}" for line in (_help(option), "", " ".join(_facts(ctx, option)), "")]


def _usage(option: click.Option) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    if option.is_flag:
        return names
    if isinstance(option.type, click.Choice):
        kind = key_of(option).upper()
    else:
        kind = _TYPES.get(option.type.name, option.type.name.upper())
    return f"{names} {option.metavar or kind}"


def _help(option: click.Option) -> str:
    text = _DEFAULT_IN_HELP.sub("", option.help or "")
    return re.sub(r"([*|\\])", r"\\\1", text)


def _facts(ctx: click.Context, option: click.Option) -> Iterator[str]:
    """Yield sentences: the values, the default, who may set it and by which variable."""
    if option.required:
        yield "**Required.**"
    if isinstance(option.type, click.Choice):
        yield f"One of {', '.join(f'``{choice}``' for choice in option.type.choices)}."
    extra = option.get_help_extra(ctx)
    if "range" in extra:
        yield f"Range: ``{extra['range']}``."
    in_help = _DEFAULT_IN_HELP.search(option.help or "")
    default = in_help["default"] if in_help else extra.get("default", "").strip("()")
    if default:
        yield f"Default: ``{default}``."
    names = tuple(ctx.command_path.split()[1:])
    if option.name in _SHARED and option.envvar:
        yield f"Variable: ``{option.envvar}``."
    elif key_of(option) in settable(ctx.command):
        yield f"Variable: ``{variables_of(option, names)[0]}``."
    if isinstance(option, Option) and option.harmless:
        yield f"A repository's ``rsidx.toml`` may set it{_condition(option)}."


def _condition(option: Option) -> str:
    return f" {option.harmless_if}".replace("`", "``") if option.harmless_if else ""
