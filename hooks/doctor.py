"""Proving that the hooks fire, and saying what to do where they do not."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rsidx.errors import RsidxError
from rsidx.hooks.install import CONFIG_HOOKS_SINCE, HookState, events, hook_db, state
from rsidx.hooks.script import MARK, SCRIPT, block, portable_block
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.git.history import worktree_folders
from rsidx.indexer.git.launcher import git_version
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.status import index_problem, soundness

_PROGRAM = re.compile(r"^  if \[ -x (.+) \]; then set -- ", re.MULTILINE)
_PLACE = re.compile(r"^  exec \"\$@\" hooks run(?: --db (.+))?$", re.MULTILINE)
_SHEBANG = re.compile(r"#!(?:/usr/bin/env |/bin/|/usr/bin/)(?:ba|da|k|z)?sh\n")
_LATE_S = 90
_RUN_HOOK_SINCE = (2, 36)
_PATIENCE_S = 60
_ALONE: Mapping[str, Sequence[Sequence[str]]] = {
    # The first is lefthook 2's, the second what it was before.
    "lefthook": (
        ("lefthook", "run", "EVENT", "--command", "rsidx", "--no-auto-install"),
        ("lefthook", "run", "EVENT", "--commands", "rsidx", "--no-auto-install"),
    ),
    # With all files it leaves the worktree alone.
    "pre-commit": (("pre-commit", "run", "rsidx", "--hook-stage", "EVENT", "--all-files"),),
}
"""How a manager runs our hook and no other; the rest know no such way."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, and what came of it; `text` says what to do where it is not well.

    What is well as far as it was looked at, and could not be tried, is not `is_proven`.
    """

    name: str
    is_well: bool
    text: str
    is_proven: bool = True

    @property
    def verdict(self) -> str:
        """The finding in a word."""
        return "BAD" if not self.is_well else "ok" if self.is_proven else "unproven"


def examine(repository: Repository, db: str) -> Iterator[Finding]:
    """Look at everything that has to be well for a commit to reach the index.

    Only rsidx's own hook is run: a hook file whose beginning is not exactly what rsidx writes is
    not touched.
    """
    version = ".".join(map(str, git_version()))
    yield Finding("git", git_version() >= (2, 31), f"{version}; rsidx needs 2.31 or later")
    if os.environ.get("RSIDX") == "0":
        yield Finding("switch", False, "RSIDX=0 is set here: no hook does anything")
    wanted = hook_db(repository, db)
    for folder in worktree_folders(repository):
        yield _of_worktree(folder, wanted)
    yield _mark(repository)
    problem = index_problem(db)
    yield Finding("index", problem is None, problem or soundness(db))


def _of_worktree(folder: Path, db: str) -> Finding:
    name = f"hook in {folder}"
    if not folder.is_dir():
        return Finding(name, True, "the worktree is gone; `git worktree prune` forgets it")
    try:
        repository = discover(folder)
    except RsidxError as error:
        return Finding(name, False, str(error))
    found = state(repository)
    if found.name != "installed":
        return Finding(name, False, found.text)
    event = events(repository)[0]
    if found.how == "files":
        return _probed(name, repository.hooks_folder() / event, repository, found, db)
    script = repository.common_dir / SCRIPT
    if found.how == "config" and git_version() < CONFIG_HOOKS_SINCE:
        text = "it is in git's settings, which this git is too old to read; `rsidx hooks install`"
        return Finding(name, False, text)
    if found.how == "config" and "rsidx" not in repository.configured_hooks(event):
        return Finding(name, False, "git's settings turn the hook off (hook.rsidx.enabled)")
    fires = _fires(script, repository, db, [str(script)])
    if fires is not None:
        return Finding(name, False, fires)
    if found.how == "config":
        return Finding(name, True, f"fires ({found.text})")
    if _fires_by(found.how, repository, event):
        text = f"fires ({found.text}, which was asked to run it alone)"
        return Finding(name, True, text)
    text = (
        f"{found.text}, as its settings say; the program works, but that {found.how} runs it was "
        "not proven, for that would run its other hooks, too: commit, and see `rsidx status`"
    )
    return Finding(name, True, text, is_proven=False)


def _fires_by(manager: str, repository: Repository, event: str) -> bool:
    """Tell whether a manager runs our hook when it is told to run that one alone."""
    for words in _ALONE.get(manager, ()):
        command = [word.replace("EVENT", event) for word in words]
        if shutil.which(command[0]) and _reaches(command, repository):
            return True
    return False


def _reaches(command: Sequence[str] | None, repository: Repository, event: str = "") -> bool:
    """Run a command, None for git's own way to run a hook; tell whether it reaches our hook."""
    with tempfile.TemporaryDirectory(prefix="rsidx-probe-") as folder:
        probe = Path(folder) / "probe"
        environment = {"RSIDX": "probe", "RSIDX_PROBE": str(probe)}
        if command is None:
            repository.run_hook(event, environment)
        else:
            with suppress(subprocess.TimeoutExpired):
                subprocess.run(
                    command,
                    cwd=repository.worktree or repository.git_dir,
                    env={**os.environ, **environment},
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    check=False,
                    timeout=_PATIENCE_S,
                )
        return probe.exists()


def _is_shared(hook: Path) -> bool:
    """Tell whether a hook begins with the block that works in every clone."""
    with suppress(OSError):
        text = hook.read_text("utf-8", "surrogateescape")
        shebang = _SHEBANG.match(text)
        return shebang is not None and text.startswith(shebang[0] + portable_block())
    return False


def _probed(name: str, hook: Path, repository: Repository, found: HookState, db: str) -> Finding:
    by_git = git_version() >= _RUN_HOOK_SINCE
    if _is_shared(hook):
        script = repository.common_dir / SCRIPT
        if not _reaches(None if by_git else [str(hook)], repository, hook.name):
            return Finding(name, False, f"git does not run {hook}; is it executable?")
        fires = _fires(script, repository, db, [str(script)])
        return Finding(name, fires is None, fires or f"fires ({found.text})")
    fires = _fires(hook, repository, db, None if by_git else [str(hook)])
    return Finding(name, fires is None, fires or f"fires ({found.text})")


def _fires(hook: Path, repository: Repository, db: str, command: list[str] | None) -> str | None:
    """Return why a hook does not fire, None if it does; `command` None lets git call it."""
    try:
        text = hook.read_text("utf-8", "surrogateescape")
    except OSError as error:
        return f"{hook} cannot be read ({error.strerror}); `rsidx hooks install`"
    program, place = _own_program(text)
    if program is None:
        return f"{hook} does not begin with what rsidx wrote; `rsidx hooks install` mends it"
    if not os.access(hook, os.X_OK):
        return f"{hook} is not executable; `chmod +x` it"
    if not _reaches(command, repository, hook.name):
        return f"git does not run {hook}"
    if not os.access(program, os.X_OK):
        return f"the hook fires, but {program} is gone; `rsidx hooks install` with the new one"
    if place != db:
        shown = place or "the one in the repository's own folder"
        return f"the hook fires, but for another index: {shown}; `rsidx hooks install` changes that"
    return None


def _own_program(text: str) -> tuple[str | None, str]:
    """Return the program that a hook starts, and the index's place that it names.

    The program is None if the hook's beginning is not rsidx's.
    """
    shebang = _SHEBANG.match(text)
    found, place = _PROGRAM.search(text), _PLACE.search(text)
    if shebang is None or found is None or place is None:
        return None, ""
    try:
        [program] = shlex.split(found[1])
        db = " ".join(shlex.split(place[1] or ""))
    except ValueError:
        return None, ""
    is_ours = text.startswith(shebang[0] + block(program, db))
    return (program, db) if is_ours else (None, "")


def _mark(repository: Repository) -> Finding:
    try:
        age = time.time() - (repository.common_dir / MARK).stat().st_mtime
    except FileNotFoundError:
        return Finding("worker", True, "no commit waits for it")
    if age < _LATE_S:
        return Finding("worker", True, f"woken {age:.0f} s ago")
    text = f"woken {age:.0f} s ago and never came; `rsidx hooks run` shows why"
    return Finding("worker", False, text)
