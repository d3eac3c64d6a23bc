"""Programs that write git's hooks themselves: what they have been told, and what to tell them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rsidx.errors import ConfigError
from rsidx.hooks.script import CALL
from rsidx.hooks.settings import (
    EVENTS,
    calls,
    inserted,
    lefthook_events,
    merged,
    overcommit_events,
    overcommit_key,
    pre_commit_events,
    read,
)

NEEDED = EVENTS[:3]
"""Without the checkout's the index is late only for branches that somebody else has made."""
_HEAD_BYTES = 4096
_PRE_COMMIT_CONFIG = re.compile(r"--config=([^\s)]+)")
_SUFFIXES = (".yml", ".yaml", ".toml", ".json", ".jsonc")
_LEFTHOOK = ("lefthook", ".lefthook", ".config/lefthook")
_LEFTHOOK_LOCAL = tuple(f"{name}-local" for name in _LEFTHOOK)


@dataclass(frozen=True, slots=True)
class Wiring:
    """In which hooks a manager calls ours, as its settings say; `problem` keeps it from that."""

    events: frozenset[str]
    problem: str = ""

    @property
    def missing(self) -> list[str]:
        """The hooks in which it should, too."""
        return [event for event in NEEDED if event not in self.events]


@dataclass(frozen=True, slots=True)
class Advice:
    """What to put into a manager's settings, and where."""

    place: str
    snippet: str


@dataclass(frozen=True, slots=True)
class Manager:
    """A program that owns a repository's hooks.

    `mark` is found in the hooks that it writes; `apply` is the command after its settings have
    changed, empty for none. `wiring` is asked with the worktree and the hooks, `advice` with the
    worktree.
    """

    name: str
    mark: re.Pattern[str]
    apply: str
    wiring: Callable[[Path, Sequence[Path]], Wiring]
    advice: Callable[[Path], Advice]

    def writes(self, hook: Path) -> bool:
        """Tell whether it wrote a hook."""
        return self.mark.search(_head(hook, _HEAD_BYTES)) is not None


def manager_of(hooks: Sequence[Path]) -> Manager | None:
    """Return the manager that wrote one of the hooks, None where none did."""
    for path in hooks:
        for manager in MANAGERS:
            if manager.writes(path):
                return manager
    # Husky owns its folder, whatever is in it.
    return HUSKY if any(".husky" in path.parts for path in hooks) else None


def _wiring(
    events: Callable[[], set[str]], manager: str, hooks: Sequence[Path], apply: str
) -> Wiring:
    """Return what the settings say, as far as the manager has written the hooks for it."""
    try:
        told = events()
    except ConfigError as error:
        return Wiring(frozenset(), f"{error}; {manager} does not run with it")
    [mark] = [one.mark for one in MANAGERS if one.name == manager]
    written = {hook.name for hook in hooks if mark.search(_head(hook, _HEAD_BYTES))}
    lacking = [event for event in NEEDED if event in told and event not in written]
    problem = f"{manager} has not written {', '.join(lacking)}; `{apply}`" if lacking else ""
    return Wiring(frozenset(told & written), problem)


def _pre_commit_file(hooks: Sequence[Path]) -> str:
    found = (_PRE_COMMIT_CONFIG.search(_head(hook, _HEAD_BYTES)) for hook in hooks)
    return next((one[1].strip("\"'") for one in found if one), ".pre-commit-config.yaml")


def _pre_commit_wiring(worktree: Path, hooks: Sequence[Path]) -> Wiring:
    file = worktree / _pre_commit_file(hooks)
    return _wiring(lambda: pre_commit_events(read(file)), "pre-commit", hooks, _PRE_COMMIT_APPLY)


def _pre_commit_advice(worktree: Path) -> Advice:
    hook = {
        "id": "rsidx",
        "name": "wake the index",
        "language": "system",
        "entry": f"sh -c '{CALL} \"${{PRE_COMMIT_REWRITE_COMMAND-}}\"'",
        "always_run": True,
        "pass_filenames": False,
        "stages": list(EVENTS),
    }
    wanted = {"repos": [{"repo": "local", "hooks": [hook]}]}
    return _advice(worktree / ".pre-commit-config.yaml", wanted)


def _lefthook_wiring(worktree: Path, hooks: Sequence[Path]) -> Wiring:
    def events() -> set[str]:
        settings: dict[str, Any] = {}
        for names in (_LEFTHOOK, _LEFTHOOK_LOCAL):
            file = _first(worktree, names)
            if file is not None:
                settings = _overlaid(settings, read(file))
        return lefthook_events(settings)

    return _wiring(events, "lefthook", hooks, "lefthook install")


def _lefthook_advice(worktree: Path) -> Advice:
    command = {"rsidx": {"run": f"{CALL} {{0}}"}}
    wanted: dict[str, Any] = {event: {"commands": command} for event in EVENTS}
    # Lefthook lays this file over the one that the team shares.
    file = _first(worktree, _LEFTHOOK_LOCAL) or worktree / "lefthook-local.yml"
    return _advice(file, wanted)


def _overcommit_wiring(worktree: Path, hooks: Sequence[Path]) -> Wiring:
    def events() -> set[str]:
        shared = read(worktree / ".overcommit.yml")
        return overcommit_events(_overlaid(shared, read(worktree / ".local-overcommit.yml")))

    return _wiring(events, "overcommit", hooks, "overcommit --install")


def _overcommit_advice(worktree: Path) -> Advice:
    wanted = {}
    for event in EVENTS:
        # It hands no arguments on, so the end of a rebase has to be said.
        argument = " rebase" if event == "post-rewrite" else ""
        hook = {
            "enabled": True,
            "description": "Wake the index",
            "required_executable": "sh",
            "command": ["sh", "-c", CALL + argument],
        }
        wanted[overcommit_key(event)] = {"Rsidx": hook}
    return _advice(worktree / ".overcommit.yml", wanted)


def _husky_wiring(worktree: Path, hooks: Sequence[Path]) -> Wiring:
    files = {event: _head(worktree / ".husky" / event, None) for event in EVENTS}
    told = {event for event, text in files.items() if calls(text)}
    written = {hook.name for hook in hooks if hook.exists()}
    lacking = [event for event in NEEDED if event in told - written]
    problem = f"husky has not written {', '.join(lacking)}; `npx husky`" if lacking else ""
    return Wiring(frozenset(told & written), problem)


def _husky_advice(worktree: Path) -> Advice:
    names = ", ".join(NEEDED)
    there = [event for event in NEEDED if (worktree / ".husky" / event).exists()]
    first = f" (the first line of {', '.join(there)}, which may end early)" if there else ""
    return Advice(f"each of {names} in .husky{first}", f'{CALL} "$@"\n')


def _advice(file: Path, wanted: dict[str, Any]) -> Advice:
    """Say what to put into YAML so that it holds `wanted`, too, as the file is now."""
    text = _head(file, None)
    insertions = merged(text, wanted) if file.suffix in (".yml", ".yaml") else None
    if insertions is None:
        whole = inserted("", merged("", wanted) or [])
        place = f"{file.name} what follows, merged with what is there and in that file's own style"
        return Advice(place, whole)
    n_lines = len(text.splitlines())
    if all(one.after_line == n_lines for one in insertions):
        place = f"the end of {file.name}" if n_lines else f"a new file {file.name}"
        start = "\n" if text and not text.endswith("\n") else ""
        return Advice(place, start + "".join(one.text for one in insertions))
    snippet = "".join(f"# behind line {i.after_line}:\n{i.text}" for i in insertions)
    return Advice(f"{file.name}, where the comments say", snippet)


def _overlaid(settings: dict[str, Any], local: dict[str, Any]) -> dict[str, Any]:
    """Return settings with those of another file over them, key by key."""
    both = dict(settings)
    for key, value in local.items():
        old = both.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            both[key] = _overlaid(old, value)
        elif isinstance(old, list) and isinstance(value, list):
            both[key] = [*old, *value]
        else:
            both[key] = value
    return both


def _first(worktree: Path, names: Sequence[str]) -> Path | None:
    files = (worktree / f"{name}{suffix}" for name in names for suffix in _SUFFIXES)
    return next((file for file in files if file.is_file()), None)


def _head(file: Path, n_bytes: int | None) -> str:
    try:
        with file.open("rb") as content:
            return content.read(n_bytes if n_bytes is not None else -1).decode("utf-8", "replace")
    except OSError:
        return ""


_PRE_COMMIT_APPLY = "pre-commit install " + " ".join(f"-t {event}" for event in EVENTS)
HUSKY = Manager(
    "husky",
    re.compile(r"\A#!/usr/bin/env sh\n\. .*/(?:h|_/husky\.sh)\""),
    "",
    _husky_wiring,
    _husky_advice,
)
MANAGERS = (
    HUSKY,
    Manager(
        "pre-commit",
        re.compile(r"^# File generated by pre-commit", re.MULTILINE),
        _PRE_COMMIT_APPLY,
        _pre_commit_wiring,
        _pre_commit_advice,
    ),
    Manager(
        "lefthook",
        re.compile(r"^call_lefthook", re.MULTILINE),
        "lefthook install",
        _lefthook_wiring,
        _lefthook_advice,
    ),
    Manager(
        "overcommit",
        re.compile(r"^# Entrypoint for Overcommit", re.MULTILINE),
        "overcommit --sign",
        _overcommit_wiring,
        _overcommit_advice,
    ),
)
