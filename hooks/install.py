"""Installing git's hooks beside whatever is there, and taking them out again.

From git 2.54 on a hook can be a setting, which runs beside every hook file and every program that
writes them. Before, a block goes into the hook files, but for those that a manager writes: it is
told what to put into its own settings.
"""

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from rsidx.errors import ManagedHooksError, RepositoryError
from rsidx.files import put
from rsidx.hooks.managers import Manager, Wiring, manager_of
from rsidx.hooks.script import (
    SCRIPT,
    block,
    has_block,
    portable_block,
    with_block,
    without_block,
)
from rsidx.indexer.git.launcher import git_version
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.hook_api import has_password, index_file, start_index

HOOKS = ("post-commit", "post-merge", "post-rewrite", "post-applypatch", "post-checkout")
"""What fires after a commit, a merge or pull, a rebase or amend, `git am`, and a checkout."""
BARE_HOOKS = ("post-receive",)
CONFIG_HOOKS_SINCE = (2, 54)
_ASIDE = ".before-rsidx"
_SHELL = re.compile(r"#!\s*(?:/usr)?(?:/local)?/bin/(?:env\s+)?(?:ba|da|k|z)?sh\b")


@dataclass(frozen=True, slots=True)
class HookState:
    """Whether the hooks are there: `name` is `installed`, `partial` or `absent`.

    `text` says it in words. `how` is `config`, `files`, or the name of the manager that calls
    the hook, empty where it is absent.
    """

    name: str
    text: str
    how: str = ""


def events(repository: Repository) -> tuple[str, ...]:
    """Return the hooks that help in a repository."""
    return HOOKS if repository.worktree else BARE_HOOKS


def state(repository: Repository) -> HookState:
    """Return the hooks' state in this worktree."""
    configured = _configured(repository)
    if configured:
        return HookState(
            "installed", f"installed in git's settings: {', '.join(configured)}", "config"
        )
    paths = _hook_paths(repository)
    has_program = (repository.common_dir / SCRIPT).exists()
    missing = [path.name for path in paths if not _is_at_work(path, has_program=has_program)]
    if not missing:
        return HookState("installed", f"installed in {paths[0].parent}", "files")
    manager = manager_of(paths)
    if manager is not None and repository.worktree is not None:
        return _managed(
            manager, manager.wiring(repository.worktree, paths), has_program=has_program
        )
    if len(missing) < len(paths):
        text = f"{', '.join(missing)} are missing; `rsidx hooks install`"
        return HookState("partial", text, "files")
    return HookState("absent", "not installed; `rsidx hooks install` does it")


def _managed(manager: Manager, wiring: Wiring, *, has_program: bool) -> HookState:
    name = manager.name
    if wiring.events and not has_program:
        text = f"{name} calls it, but here it is not installed; `rsidx hooks install`"
        return HookState("absent", text, name)
    if not wiring.events:
        text = f"{name} writes the hooks here and does not call it; `rsidx hooks install`"
        return HookState("absent", wiring.problem or text, name)
    if wiring.missing:
        then = wiring.problem or f"{name} does not call it in {', '.join(wiring.missing)}"
        return HookState("partial", f"called by {name}, but {then}", name)
    return HookState("installed", f"called by {name}", name)


def install(repository: Repository, db: str) -> HookState:
    """Install the hooks and return their state; twice is the same as once.

    The index is made ready, so that every commit from now on is ingested. A shell hook keeps
    its text, any other program is moved aside and called afterwards. Raises RepositoryError,
    before any hook is changed, where a hook is a link, the folder serves other repositories or
    git shares it with others, and ManagedHooksError where a manager has to be told.
    """
    text = block(sys.executable, hook_db(repository, db))
    start_index(repository, db)
    program = repository.common_dir / SCRIPT
    program.parent.mkdir(mode=0o700, exist_ok=True)
    _write(program, with_block("#!/bin/sh\n", text), 0o700)
    paths = _hook_paths(repository)
    if git_version() >= CONFIG_HOOKS_SINCE:
        _remove_blocks(paths)
        _configure(repository)
        return state(repository)
    manager = manager_of(paths)
    if manager is not None and repository.worktree is not None:
        if manager.wiring(repository.worktree, paths).missing:
            raise _managed_error(manager, repository.worktree)
        return state(repository)
    if all(_is_portable(path) for path in paths):
        return state(repository)
    for path in paths:
        _refuse_foreign(repository, path)
        _refuse_shared(repository, path)
        _refuse_blocked(path)
    for path in paths:
        _install(path, text)
    return state(repository)


def _managed_error(manager: Manager, worktree: Path) -> ManagedHooksError:
    advice = manager.advice(worktree)
    then = f", then run `{manager.apply}`" if manager.apply else ""
    text = f"{manager.name} writes the hooks here: put this into {advice.place}{then}"
    return ManagedHooksError(text, advice.snippet)


def _install(path: Path, block_text: str) -> None:
    text = _read(path)
    if text is not None and not _is_shell(text):
        aside = _aside(path)
        try:
            # Under both names until the new one is in place: a kill leaves the old hook at work.
            aside.hardlink_to(path)
        except OSError:
            path.rename(aside)
        text = _wrapper(aside)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, with_block(text if text is not None else "#!/bin/sh\n", block_text))


def uninstall(repository: Repository) -> list[str]:
    """Take the hooks out and return the names of those that were there.

    A hook file, or git's settings, that was there before is left byte for byte as it was. The
    block that people put into files which they share stays: it calls the program, which goes.
    """
    configured = _configured(repository)
    program = repository.common_dir / SCRIPT
    there = [
        path for path in _hook_paths(repository) if _is_at_work(path, has_program=program.exists())
    ]
    paths = [path for path in there if not _is_portable(path)]
    for path in paths:
        _refuse_foreign(repository, path)
    if configured:
        repository.run("config", "--local", "--remove-section", "hook.rsidx")
    _remove_blocks(paths)
    program.unlink(missing_ok=True)
    return configured or [path.name for path in there]


def _remove_blocks(paths: list[Path]) -> None:
    for path in paths:
        text = _read(path) or ""
        if not has_block(text) or _is_portable(path) or path.is_symlink():
            continue
        rest = without_block(text)
        if _aside(path).exists() and rest == _wrapper(_aside(path)):
            _aside(path).replace(path)
        elif rest == "#!/bin/sh\n":
            path.unlink()
        else:
            _write(path, rest)


def _wrapper(aside: Path) -> str:
    return f'#!/bin/sh\nexec "$(dirname "$0")/{aside.name}" "$@"\n'


def snippet() -> str:
    """Return the block for hooks that are not ours to write; it works in every clone."""
    return portable_block()


def hook_db(repository: Repository, db: str) -> str:
    """Return what a hook has to say of an index's place: nothing where it is as usual.

    Raises RepositoryError for an address with a password, which would stand in the hook for
    everybody to read.
    """
    file = index_file(db)
    if file is not None:
        return "" if file == repository.common_dir / "rsidx" / "index.db" else str(file)
    if has_password(db):
        raise RepositoryError(
            "a hook cannot keep the password in --db; set RSIDX_DB where the hook runs, and leave "
            "--db out"
        )
    return db


def _configured(repository: Repository) -> list[str]:
    """Return the events of the hook in git's settings."""
    out = repository.run("config", "--local", "--get-all", "hook.rsidx.event", ok=(0, 1))
    return out.decode("utf-8", "replace").split()


def _configure(repository: Repository) -> None:
    # An event without a command makes git die, so the command comes first.
    command = shlex.quote(str(repository.common_dir / SCRIPT))
    repository.run("config", "--local", "hook.rsidx.command", command)
    there = _configured(repository)
    for event in events(repository):
        if event not in there:
            repository.run("config", "--local", "--add", "hook.rsidx.event", event)


def _hook_paths(repository: Repository) -> list[Path]:
    folder = repository.hooks_folder()
    return [folder / name for name in events(repository)]


def _aside(path: Path) -> Path:
    return path.with_name(path.name + _ASIDE)


def _refuse_blocked(path: Path) -> None:
    text = _read(path)
    if text is not None and not _is_shell(text) and _aside(path).exists():
        raise RepositoryError(
            f"{_aside(path)} is in the way; put it back as {path.name} or remove it"
        )


def _refuse_foreign(repository: Repository, path: Path) -> None:
    if path.is_symlink():
        raise RepositoryError(f"{path} is a link; put the output of `rsidx hooks snippet` into it")
    own = [repository.common_dir.resolve()]
    if repository.worktree is not None:
        own.append(repository.worktree.resolve())
    folder = path.parent.resolve()
    if not any(folder.is_relative_to(place) for place in own):
        raise RepositoryError(
            f"core.hooksPath is {folder}, outside of this repository; put the output of "
            "`rsidx hooks snippet` into the hooks there by hand"
        )


def _refuse_shared(repository: Repository, path: Path) -> None:
    """Refuse a hook in the worktree that git does not ignore: others get it, too."""
    if repository.worktree is None:
        return
    folder = path.parent.resolve()
    is_inside = folder.is_relative_to(repository.worktree.resolve())
    if not is_inside or folder.is_relative_to(repository.common_dir.resolve()):
        return
    if not repository.succeeds("check-ignore", "-q", "--", str(path)):
        raise RepositoryError(
            f"{path} is shared through git: put the output of `rsidx hooks snippet`, which works "
            f"in every clone, behind the first line of {', '.join(events(repository))} there"
        )


def _is_at_work(path: Path, *, has_program: bool) -> bool:
    return has_block(_read(path) or "") and (has_program or not _is_portable(path))


def _is_portable(path: Path) -> bool:
    """Tell whether a hook has the block that works in every clone and needs the program."""
    return portable_block() in (_read(path) or "")


def _is_shell(text: str) -> bool:
    return not text.startswith("#!") or _SHELL.match(text) is not None


def _read(path: Path) -> str | None:
    """Return a hook's text, line ends and odd bytes kept; None where there is no file."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None


def _write(path: Path, text: str, mode: int = 0o755) -> None:
    """Replace a hook in one step, keeping its mode and making it runnable."""
    if path.exists():
        mode = path.stat().st_mode & 0o777
    put(path, text.encode("utf-8", "surrogateescape"), mode=mode | 0o100)
