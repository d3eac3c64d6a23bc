"""What is set outside the command line: variables, the user's own file, the repository's file.

The first of these that sets an option decides. A file's tables are named like the commands and
its keys like their options; keys above the first table are options that several commands share.
Whoever wrote the repository wrote its `rsidx.toml`: it may only set options that are declared
harmless.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from rsidx.option import (
    PREFIX,
    Names,
    converted,
    harmless,
    key_of,
    leaves,
    settable,
    variable,
    variables_below,
    variables_of,
)
from rsidx.removed import removed_option, removed_variable

FILE_NAME = "rsidx.toml"
_USER_FILE = "rsidx/config.toml"
_MAX_BYTES = 1_000_000
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(slots=True)
class Settings:
    """Click's defaults for one command, and what is wrong with what was set, a line each.

    What is wrong has no effect.
    """

    defaults: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def user_file() -> Path:
    """Return where the user's own file is: in `$XDG_CONFIG_HOME`, else in `~/.config`."""
    folder = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    # The XDG specification ignores a relative folder, which would be one of the repository's.
    path = (folder if folder.is_absolute() else Path("~/.config")) / _USER_FILE
    try:
        return path.expanduser()
    except RuntimeError:  # There is no home, and no such file.
        return path


def settings(
    ctx: click.Context, given: Path | None, root: Path | None, *, is_hook: bool = False
) -> Settings:
    """Return what is set for the command of a context.

    `given` is a file that the user named instead of the usual one, `root` the worktree whose own
    file counts. For a hook, what is set for other commands is not looked at: to load all that they
    need would take half as long again as its work.
    """
    reader = _Reader(ctx, is_hook=is_hook)
    mine = given or user_file()
    if root is not None and not _is_same(root / FILE_NAME, mine):
        reader.read_file(root / FILE_NAME, root=root)
    reader.read_file(mine, must_exist=given is not None)
    reader.read_variables()
    return reader.settings


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands: the table `at` of a file, or a variable. `root` as in `settings`."""

    source: str
    at: Names = ()
    root: Path | None = None

    def key(self, name: str) -> "_Place":
        return _Place(self.source, (*self.at, name), self.root)

    @property
    def dotted(self) -> str:
        names = (n if _BARE.fullmatch(n) else repr(n) for n in self.at)
        return ".".join(names)

    def __str__(self) -> str:
        return f"{self.source}: {self.dotted}" if self.at else self.source


class _Reader:
    """Reads what is set for the command that runs, the weakest source first."""

    def __init__(self, ctx: click.Context, *, is_hook: bool) -> None:
        self.settings = Settings()
        self._ctx = ctx
        self._is_hook = is_hook
        root = ctx.find_root()
        assert isinstance(root.command, click.Group)
        self._root = root.command
        # As in ("tokenizer", "train").
        self._running = tuple(ctx.command_path.split()[len(root.command_path.split()) :])

    def read_file(self, path: Path, *, root: Path | None = None, must_exist: bool = False) -> None:
        """Read a file; with `root` it is the own file of the repository there."""
        # Not Path's: that raises for a folder that may not be looked into.
        if not must_exist and not os.path.isfile(path):  # noqa: PTH113
            return
        try:
            with path.open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
            if len(content) > _MAX_BYTES:
                raise ValueError(f"it has more than {_MAX_BYTES:,} bytes")
            table = tomllib.loads(content.decode())
        except OSError as error:
            self._fault(f"cannot read {path}: {error.strerror}")
        except (ValueError, RecursionError) as error:
            self._fault(f"{path} is not TOML: {error}")
        else:
            self.settings.defaults |= self._group(table, self._root, _Place(str(path), root=root))

    def _group(self, table: Mapping[str, Any], group: click.Group, place: _Place) -> dict[str, Any]:
        """Read the table of a group; a command's own table goes before what they share."""
        context = click.Context(group)
        shared: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for name, value in table.items():
            here = place.key(name)
            if not isinstance(value, Mapping):
                shared |= self._shared(name, value, group, place)
                continue
            if not self._concerns(here.at):
                continue
            command = group.get_command(context, name)
            if command is None:
                self._unknown(here, f"[{here.dotted}]", group.list_commands(context))
                continue
            if isinstance(command, click.Group):
                found = self._group(value, command, here)
            else:
                found = self._command(value, command, here)
            if self._runs(here.at):
                own |= found
        return shared | own

    def _runs(self, at: Names) -> bool:
        """Tell whether this is the command that runs, or a group that it is in."""
        return at == self._running[: len(at)]

    def _concerns(self, at: Names) -> bool:
        return self._runs(at) or not self._is_hook

    def _command(
        self, table: Mapping[str, Any], command: click.Command, place: _Place
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        options = settable(command)
        for name, value in table.items():
            option = options.get(name.replace("_", "-"))
            if option is None:
                here = place.key(name)
                self._unknown(here, here.dotted, options)
            else:
                found |= self._value(option, value, place.key(name), place.at)
        return found

    def _shared(self, name: str, value: Any, group: click.Group, place: _Place) -> dict[str, Any]:
        """Read a key of a group's table: an option of the command that runs, or of another."""
        key = name.replace("_", "-")
        option = settable(self._ctx.command).get(key)
        if option is not None and self._runs(place.at):
            return self._value(option, value, place.key(name), self._running)
        if self._is_hook:
            return {}
        known: set[str] = set(group.list_commands(click.Context(group)))
        for path, command in leaves(group, place.at):
            options = settable(command)
            if key in options:
                self._value(options[key], value, place.key(name), path)
                return {}
            known |= options.keys()
        self._unknown(place.key(name), place.key(name).dotted, known)
        return {}

    def read_variables(self) -> None:
        """Read the variables of the command that runs; of others only the names are checked."""
        for option in settable(self._ctx.command).values():
            for name in variables_of(option, self._running):
                # An empty variable is as good as none.
                if os.environ.get(name):
                    place = _Place(name)
                    self.settings.defaults |= self._value(
                        option, os.environ[name], place, self._running
                    )
                    break
        for name in sorted(os.environ):
            if name.startswith(PREFIX) and os.environ[name]:
                self._check_variable(name)

    def _check_variable(self, name: str) -> None:
        """Note a variable that is named like a command, and like none of its options."""
        command: click.Command = self._root
        at: Names = ()
        while isinstance(command, click.Group):
            context = click.Context(command)
            inside = [
                inner
                for inner in command.list_commands(context)
                if name.startswith(f"{variable((*at, inner))}_") and self._concerns((*at, inner))
            ]
            inner = max(inside, key=len, default="")
            found = command.get_command(context, inner)
            if found is None:
                break
            command, at = found, (*at, inner)
        if not at:
            return
        names = variables_below(command, at)
        if name in names:
            return
        removed = removed_variable(at, name.removeprefix(f"{variable(at)}_"))
        if removed is not None:
            now = removed.variable or variable((*at, removed.now))
            self._fault(f"{name} is not read any more; {removed.advice('set', now)}")
        else:
            nearest = _nearest(name, names)
            self._fault(f"{name} is no variable of rsidx; did you mean {nearest}?")

    def _value(
        self, option: click.Option, value: Any, place: _Place, command: Names
    ) -> dict[str, Any]:
        """Return a value as a default, none where it is wrong or not for this file to set."""
        try:
            found = converted(option, value, self._ctx, is_text=not place.at)
        except (click.BadParameter, ValueError) as error:
            reason = error.message if isinstance(error, click.BadParameter) else str(error)
            self._fault(f"{place}: {reason.rstrip('.')}")
            return {}
        if place.root is not None:
            try:
                found = harmless(option, found, place.root)
            except ValueError as error:
                self._fault(
                    f"{place}: a repository's own file may {error}; set it in {user_file()}, or "
                    f"with --{key_of(option)} or {variables_of(option, command)[-1]}"
                )
                return {}
        return {option.name or "": found}

    def _unknown(self, place: _Place, shown: str, known: Iterable[str]) -> None:
        name = place.at[-1]
        is_table = shown.startswith("[")
        removed = removed_option(place.at[:-1], name) if not is_table else None
        if removed is not None:
            advice = removed.advice("use", repr(removed.now))
            self._fault(f"{place}: this key is not read any more; {advice}")
        elif name in ("repo", "config"):
            self._fault(f"{place}: no file can set this; give --{name} or {variable((name,))}")
        else:
            nearest = _nearest(name.replace("_", "-"), known)
            self._fault(f"{place.source}: unknown key {shown}; did you mean {nearest!r}?")

    def _fault(self, text: str) -> None:
        self.settings.faults.append(text)


def _nearest(name: str, known: Iterable[str]) -> str:
    return difflib.get_close_matches(name, sorted(set(known)), n=1, cutoff=0)[0]
