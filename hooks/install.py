"""Installing the post-commit hook beside whatever is there, and taking it out again."""

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

HOOK = "post-commit"
_ASIDE = ".before-rsidx"
_SHELL = re.compile(r"#!\s*(?:/usr)?(?:/local)?/bin/(?:env\s+)?(?:ba|da|k|z)?sh\b")


@dataclass(frozen=True, slots=True)
class HookState:
    """Whether the hook is there: `name` is `installed` or `absent`, `text` says it in words."""

    name: str
    text: str


def state(repository: Repository) -> HookState:
    """Return the hook's state in this worktree."""
    path = _hook_path(repository)
    if _is_ours(path):
        return HookState("installed", f"installed in {path}")
    return HookState("absent", "not installed; `rsidx hooks install` does it")


def install(repository: Repository, db: str) -> Path:
    """Put the block into the post-commit hook and return its path; twice is the same as once.

    The index is made ready, so that every commit from now on is taken in. A shell hook keeps
    its text, any other program is moved aside and called afterwards.
    Raises RepositoryError where the hook is a link or the folder serves other repositories.
    """
    path = _hook_path(repository)
    _refuse_foreign(repository, path)
    start_from_here(repository, db)
    text = _read(path)
    if text is not None and not _is_shell(text):
        aside = path.with_name(path.name + _ASIDE)
        if aside.exists():
            raise RepositoryError(f"{aside} is in the way; put it back as {path.name} or remove it")
        path.rename(aside)
        text = f'#!/bin/sh\nexec "$(dirname "$0")/{aside.name}" "$@"\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, with_block(text if text is not None else "#!/bin/sh\n", sys.executable))
    return path


def uninstall(repository: Repository) -> Path | None:
    """Take the block out and return the hook's path; None where it was not there.

    A hook that was there before is left byte for byte as it was.
    """
    path = _hook_path(repository)
    if not _is_ours(path):
        return None
    _refuse_foreign(repository, path)
    aside = path.with_name(path.name + _ASIDE)
    rest = without_block(_read(path) or "")
    if aside.exists():
        aside.replace(path)
    elif rest == "#!/bin/sh\n":
        path.unlink()
    else:
        _write(path, rest)
    return path


def snippet() -> str:
    """Return the block alone, for hooks that another program writes."""
    return block(sys.executable)


def _hook_path(repository: Repository) -> Path:
    out = repository.hooks_folder()
    return out / HOOK


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
            "`rsidx hooks snippet` into a post-commit hook there by hand"
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
