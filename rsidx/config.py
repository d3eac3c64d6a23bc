"""Configuration: `rsidx.toml`, below the environment, below the options.

The file's tables are named like the commands and its keys like their options; keys above the
first table are options that several commands share. Click reads it as defaults, so `RSIDX_*`
variables and options go before it.
"""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from rsidx.errors import ConfigError

FILE_NAME = "rsidx.toml"
_PLACES = frozenset({"db", "repo"})
"""Options that say where something is; a file that came with a repository may not."""


def load(path: Path, root: click.Group, *, is_found: bool = False) -> dict[str, Any]:
    """Return click's defaults from a file; raises ConfigError for what it does not know.

    A file that was found, and not named by the user, is the repository's: it may not say which
    database is written to.
    """
    try:
        with path.open("rb") as file:
            given = tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    defaults = _defaults(given, root, path, "")
    if is_found:
        _refuse_places(given, path)
    return defaults


def _refuse_places(given: Mapping[str, Any], path: Path) -> None:
    for key, value in given.items():
        if isinstance(value, Mapping):
            _refuse_places(value, path)
        elif key in _PLACES:
            raise ConfigError(
                f"{path}: {key} is not taken from a repository's own file; give --{key}, set "
                f"RSIDX_{key.upper()}, or name this file with --config if you trust it"
            )


def _defaults(given: Mapping[str, Any], group: click.Group, path: Path, at: str) -> dict[str, Any]:
    context = click.Context(group)
    commands = {name: group.get_command(context, name) for name in group.list_commands(context)}
    shared: dict[str, Any] = {}
    tables: dict[str, dict[str, Any]] = {name: {} for name in commands}
    every = {name: _options(command) for name, command in commands.items() if command}
    known_shared = set().union(*every.values()) if every else set()
    for key, value in given.items():
        name = key.replace("-", "_")
        command = commands.get(key)
        if isinstance(value, Mapping):
            if command is None:
                raise _unknown(path, f"[{at}{key}]", key, commands)
            if isinstance(command, click.Group):
                tables[key] = _defaults(value, command, path, f"{at}{key}.")
                continue
            for option, setting in value.items():
                if option.replace("-", "_") not in every[key]:
                    raise _unknown(path, f"{at}{key}.{option}", option, every[key])
                tables[key][option.replace("-", "_")] = setting
        elif name in known_shared:
            shared[name] = value
        else:
            raise _unknown(path, f"{at}{key}", key, {*known_shared, *commands})
    return {name: _with_shared(commands[name], shared, tables[name]) for name in commands}


def _with_shared(
    command: click.Command | None, shared: Mapping[str, Any], own: dict[str, Any]
) -> dict[str, Any]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            own[name] = _with_shared(inner, shared, own.get(name, {}))
        return own
    options = _options(command) if command else set()
    return {**{key: value for key, value in shared.items() if key in options}, **own}


def _options(command: click.Command) -> set[str]:
    """Return the names of the options that a file may set."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        inner = (command.get_command(context, name) for name in command.list_commands(context))
        return set().union(*(_options(one) for one in inner if one))
    return {
        parameter.name
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.name and not parameter.is_eager
    }


def _unknown(path: Path, shown: str, key: str, known: Any) -> ConfigError:
    nearest = difflib.get_close_matches(
        key.replace("-", "_"), [str(k) for k in known], n=1, cutoff=0
    )
    return ConfigError(f"{path}: unknown key {shown}; did you mean {nearest[0]!r}?")
