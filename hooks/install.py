"""Installing git's hooks beside whatever is there, and taking them out again."""

import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rsidx.errors import RepositoryError
from rsidx.hooks.script import block, has_block, with_block, without_block
from rsidx.indexer.git import Repository
from rsidx.indexer.wake import start_from_here

HOOKS = ("post-commit", "post-merge", "post-rewrite", "post-applypatch", "post-checkout")
"""What fires after a commit, a merge or pull, a rebase or amend, `git am`, and a checkout."""
BARE_HOOKS = ("post-receive",)
_ASIDE = ".before-rsidx"
_SHELL = re.compile(r"#!\s*(?:/usr)?(?:/local)?/bin/(?:env\s+)?(?:ba|da|k|z)?sh\b")


@dataclass(frozen=True, slots=True)
class HookState:
    """Whether the hooks are there: `name` is `installed`, `partial` or `absent`.

    `text` says it in words.
    """

    name: str
    text: str


def state(repository: Repository) -> HookState:
    """Return the hooks' state in this worktree."""
    paths = _hook_paths(repository)
    missing = [path.name for path in paths if not _is_ours(path)]
    if not missing:
        return HookState("installed", f"installed in {paths[0].parent}")
    if len(missing) < len(paths):
        return HookState("partial", f"{', '.join(missing)} are missing; `rsidx hooks install`")
    return HookState("absent", "not installed; `rsidx hooks install` does it")


def install(repository: Repository, db: str) -> list[Path]:
    """Put the block into the hooks and return their paths; twice is the same as once.

    The index is made ready, so that every commit from now on is taken in. A shell hook keeps
    its text, any other program is moved aside and called afterwards. Raises RepositoryError,
    before anything is changed, where a hook is a link or the folder serves other repositories.
    """
    paths = _hook_paths(repository)
    for path in paths:
        _refuse_foreign(repository, path)
        _refuse_blocked(path)
    start_from_here(repository, db)
    for path in paths:
        _install(path)
    return paths


def _install(path: Path) -> None:
    text = _read(path)
    if text is not None and not _is_shell(text):
        aside = _aside(path)
        path.rename(aside)
        text = f'#!/bin/sh\nexec "$(dirname "$0")/{aside.name}" "$@"\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, with_block(text if text is not None else "#!/bin/sh\n", sys.executable))


def uninstall(repository: Repository) -> list[Path]:
    """Take the block out of the hooks and return the paths of those that had it.

    A hook that was there before is left byte for byte as it was.
    """
    paths = [path for path in _hook_paths(repository) if _is_ours(path)]
    for path in paths:
        _refuse_foreign(repository, path)
    for path in paths:
        rest = without_block(_read(path) or "")
        if _aside(path).exists():
            _aside(path).replace(path)
        elif rest == "#!/bin/sh\n":
            path.unlink()
        else:
            _write(path, rest)
    return paths


def snippet() -> str:
    """Return the block alone, for hooks that another program writes."""
    return block(sys.executable)


def _hook_paths(repository: Repository) -> list[Path]:
    folder = repository.hooks_folder()
    return [folder / name for name in (HOOKS if repository.worktree else BARE_HOOKS)]


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


def _is_ours(path: Path) -> bool:
    return has_block(_read(path) or "")


def _is_shell(text: str) -> bool:
    return not text.startswith("#!") or _SHELL.match(text) is not None


def _read(path: Path) -> str | None:
    """Return a hook's text, line ends and odd bytes kept; None where there is no file."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None


def _write(path: Path, text: str) -> None:
    """Replace a hook in one step, keeping its mode and making it runnable."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o755
    descriptor, name = tempfile.mkstemp(prefix=".rsidx-", dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode("utf-8", "surrogateescape"))
    Path(name).chmod(mode | 0o100)
    Path(name).replace(path)
