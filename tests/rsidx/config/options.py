"""The options that can be set elsewhere, of every command."""

import json

import click
import pytest

from rsidx import config
from rsidx.commands.root import root
from rsidx.option import leaves, settable

COMMANDS = dict(leaves(root, ()))
OPTIONS = [
    pytest.param(command, key, id=f"{' '.join(command)} --{key}")
    for command, leaf in COMMANDS.items()
    for key in settable(leaf)
]


def settings(command, given=None, own=None):
    """What is set for a command, with the worktree of which the own file counts."""
    context = click.Context(root, info_name="rsidx")
    at = root
    for name in command:
        at = at.get_command(context, name)
        context = click.Context(at, info_name=name, parent=context)
    return config.settings(context, given, own)


def value_of(option):
    """A value that the option takes."""
    if option.is_flag:
        return True
    if isinstance(option.type, click.Choice):
        return str(option.type.choices[-1])
    if isinstance(option.type, click.IntRange | click.FloatRange):
        return max(option.type.min or 0, 0.5 if isinstance(option.type, click.FloatRange) else 1)
    return {"seed": 7, "boundaries": ".", "from_results": "."}.get(option.name, "x")


def toml(key, value):
    return f"{key} = {json.dumps(value)}\n"


def expected(option, value):
    converted = True if value is True else option.type.convert(str(value), option, None)
    return {option.name: (converted,) if option.multiple else converted}
