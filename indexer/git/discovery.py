"""Finding the repository that a folder belongs to, whatever a hook's variables say."""

import os
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from rsidx.errors import RepositoryError
from rsidx.indexer.git.launcher import FLAGS, LOCAL_ENVIRONMENT, execute, first_line
from rsidx.indexer.git.repository import Repository

# Where git finds the repository; answered once, by `discover`.
_REPOSITORY_VARIABLES = (
    "GIT_DIR",
    "GIT_COMMON_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_PREFIX",
    "GIT_INTERNAL_SUPER_PREFIX",
)
# Where git finds the parts of one repository, and what it reads from them.
_PART_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ATTR_SOURCE",
    "GIT_CONFIG",
    "GIT_DIFF_OPTS",
    "GIT_EXTERNAL_DIFF",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_QUARANTINE_PATH",
    "GIT_REFERENCE_BACKEND",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
)
# `git -c KEY=VALUE` reaches a hook in these.
_SETTINGS_VARIABLE = re.compile(r"GIT_CONFIG_(?:PARAMETERS|COUNT|KEY_\d+|VALUE_\d+)")
_SETTINGS_OF_A_REPOSITORY = re.compile(
    r"(?:core\.(?:bare|hookspath|worktree)|(?:branch|extensions|hook|include|includeif|remote)\..*)",
    re.IGNORECASE,
)


_QUERY = (
    "rev-parse",
    "--path-format=absolute",
    "--git-dir",
    "--git-common-dir",
    "--show-object-format",
    "--is-inside-work-tree",
    # Last: outside of a worktree, git fails here, and has answered the rest.
    "--show-toplevel",
)


def discover(start: Path, *, is_named: bool = False) -> Repository:
    """Find the repository that a folder belongs to, as git itself does.

    Inside a hook, git's variables name the hook's repository. They decide unless the user named
    the folder (`is_named`): then this process and those that it starts forget them. Raises
    RepositoryError outside of a repository, and where git refuses it as somebody else's.
    """
    if not start.is_dir():
        raise RepositoryError(f"{start} is not a folder")
    if is_named:
        _forget_the_caller()
    git_dir, common_dir, object_format, *worktree = _rev_parse(start)
    _forget(_REPOSITORY_VARIABLES)
    return Repository(
        Path(git_dir), Path(common_dir), Path(worktree[0]) if worktree else None, object_format
    )


def _forget(variables: Iterable[str]) -> None:
    for variable in variables:
        os.environ.pop(variable, None)


def _forget_the_caller() -> None:
    """Drop what git told a hook of its repository; settings of the user's own stay."""
    settings = [name for name in os.environ if _SETTINGS_VARIABLE.fullmatch(name)]
    kept = _settings_of_the_user() if settings else []
    _forget((*_REPOSITORY_VARIABLES, *_PART_VARIABLES, *settings))
    if kept:
        os.environ["GIT_CONFIG_COUNT"] = str(len(kept))
    for number, (key, value) in enumerate(kept):
        os.environ[f"GIT_CONFIG_KEY_{number}"] = key
        os.environ[f"GIT_CONFIG_VALUE_{number}"] = value


def _settings_of_the_user() -> list[tuple[str, str]]:
    """Return the settings given by variables that are of no one repository.

    `safe.directory`, proxies and credentials are given so, in containers above all.
    """
    status, out, _ = execute(
        ["git", "config", "-z", "--show-scope", "--list"],
        with_extended_output=True,
        with_exceptions=False,
    )
    fields = iter(str(out).split("\0") if status == 0 else ())
    given = [
        entry.partition("\n")
        for scope, entry in zip(fields, fields, strict=False)
        if scope == "command"
    ]
    return [
        (key, value or "true")
        for key, _, value in given
        if not _SETTINGS_OF_A_REPOSITORY.fullmatch(key)
    ]


def _rev_parse(start: Path) -> list[str]:
    """Return git's folder, the one that worktrees share, the object format and the worktree."""
    status, out, err = execute(
        ["git", "-C", str(start.absolute()), *FLAGS, *_QUERY],
        with_extended_output=True,
        with_exceptions=False,
        env=LOCAL_ENVIRONMENT,
    )
    answers = str(out).splitlines()
    if answers[3:4] == ["false"]:
        return answers[:3]
    if status == 0:
        return [*answers[:3], *answers[4:]]
    if "not a git repository" in str(err):
        raise RepositoryError(f"{start} is not in a git repository")
    reason = first_line(err)
    if "dubious ownership" in reason:
        reason += (
            "; if you trust its owner: git config --global --add safe.directory "
            f"{shlex.quote(str(start.absolute()))}"
        )
    raise RepositoryError(f"git refuses {start}: {reason}")
