"""Starting git: the only module that knows GitPython, which serves as the launcher.

Every call carries the flags and the environment that keep a repository's own configuration
from running programs, fetching, paging, or showing other objects than the ones named.
"""

import os
import re
import shlex
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import IO, Any, cast

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
import git as gitpython

from rsidx.errors import RepositoryError

_FLAGS = (
    "--no-pager",
    "--no-optional-locks",
    "-c",
    "core.fsmonitor=false",
    "-c",
    f"core.hooksPath={os.devnull}",
    "-c",
    "log.showSignature=false",
    "-c",
    "log.showRoot=true",
    "-c",
    "log.mailmap=false",
    "-c",
    "diff.renameLimit=1000",
    "-c",
    "core.quotePath=false",
    # A shared index would be written beside the repository's own.
    "-c",
    "core.splitIndex=false",
    # A sixth of the default, for each of a backfill's three gits: no slower on 1.1 GB of blobs.
    "-c",
    "core.deltaBaseCacheLimit=16m",
    # Without these a pack is mapped as a whole, for 5% of git's time.
    "-c",
    "core.packedGitWindowSize=1m",
    "-c",
    "core.packedGitLimit=16m",
)
DIFF_FLAGS = (
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-relative",
    f"-O{os.devnull}",
)
_FETCH = (
    # The remote's address is the repository's, and in this protocol it is a command.
    "-c",
    "protocol.ext.allow=never",
    "-c",
    "fetch.negotiationAlgorithm=noop",
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-write-fetch-head",
    "--recurse-submodules=no",
    "--filter=blob:none",
)
_COMPLAINT_BYTES = 4096
_SAFE_ENVIRONMENT = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    # History is what the objects say: `git replace` and grafts are ignored. A graft file that
    # does not exist is ignored in silence, an empty one with a hint on stderr.
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": f"{os.devnull}/none",
    "LC_ALL": "C",
}
# Nothing is fetched, whatever a repository's settings allow: no protocol is in the list. Git before
# 2.45 does not know GIT_NO_LAZY_FETCH.
_LOCAL_ENVIRONMENT = {**_SAFE_ENVIRONMENT, "GIT_ALLOW_PROTOCOL": ""}
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


_PROMISOR = ".promisor"


@dataclass(frozen=True)
class Repository:
    """A git repository, found once; every later call names it and inherits nothing else."""

    git_dir: Path
    common_dir: Path
    worktree: Path | None
    object_format: str
    chosen_name: str | None = None
    """What the user calls it in the index."""
    variables: tuple[tuple[str, str], ...] = ()
    """What git is told besides, such as another index."""

    @cached_property
    def name(self) -> str:
        """Return the last part of origin's address, else the name of the main worktree's folder."""
        address = self.origin_url.rstrip("/").removesuffix(".git")
        if address:
            return address.replace(":", "/").rsplit("/", 1)[-1]
        return self.folder.name.removesuffix(".git")

    @property
    def origin_url(self) -> str:
        """The address of the remote `origin`, as git's settings have it; empty where there is none.

        It may hold a password.
        """
        return self._remotes.get("remote.origin.url", "").strip()

    @property
    def folder(self) -> Path:
        """The main worktree's folder, or the git folder of a bare repository."""
        return self.common_dir.parent if self.common_dir.name == ".git" else self.common_dir

    def hooks_folder(self) -> Path:
        """Return where git looks for hooks: the common folder's, or `core.hooksPath`."""
        # Asked without the flags above, which point hooks at nothing.
        out = _execute(
            [*self._here, "rev-parse", "--path-format=absolute", "--git-path", "hooks"],
            env=_SAFE_ENVIRONMENT,
        )
        return Path(str(out))

    def run_hook(self, event: str, environment: Mapping[str, str]) -> bool:
        """Have git run a hook as after a commit; tell whether it could.

        Runs a program of the repository: the caller has looked at it.
        """
        status, _, _ = _execute(
            [*self._here, "hook", "run", event],
            with_extended_output=True,
            with_exceptions=False,
            env={**_SAFE_ENVIRONMENT, **environment},
        )
        return bool(status == 0)

    def configured_hooks(self, event: str) -> list[str]:
        """Return what git would run for an event, as it says it (2.54 and later).

        These are names of hooks in its settings, and `hook from hookdir`; what is turned off has
        a word before the name.
        """
        status, out, _ = _execute(
            [*self._here, "hook", "list", event],
            with_extended_output=True,
            with_exceptions=False,
            env=_SAFE_ENVIRONMENT,
        )
        return [] if status else str(out).splitlines()

    @property
    def shallow_file(self) -> Path:
        """Where git lists the commits whose parents a shallow clone lacks."""
        given = os.environ.get("GIT_SHALLOW_FILE")
        return (self.worktree or self.git_dir) / given if given else self.common_dir / "shallow"

    @cached_property
    def is_partial(self) -> bool:
        """Tell whether this is a partial clone: objects may be promised by a remote."""
        return any(key.endswith(_PROMISOR) for key in self._remotes)

    @cached_property
    def lacks_trees(self) -> bool:
        """Tell whether this is a partial clone in which trees are left out, too."""
        return any(
            k.endswith(".partialclonefilter") and "tree:" in v for k, v in self._remotes.items()
        )

    @cached_property
    def _remotes(self) -> dict[str, str]:
        """The addresses of remotes, and which of them promise which objects, as git's settings."""
        wanted = r"^remote\..*\.(url|promisor|partialclonefilter)$"
        out = self.run("config", "-z", "--get-regexp", wanted, ok=(0, 1))
        settings = out.decode("utf-8", "replace").split("\0")
        return {key: value for key, _, value in (line.partition("\n") for line in settings)}

    @property
    def _here(self) -> list[str]:
        return ["git", "-C", str(self.worktree or self.git_dir)]

    def _command(self, *args: str) -> list[str]:
        return [*self._here, *_FLAGS, f"--git-dir={self.git_dir}", *args]

    def run(self, *args: str, ok: tuple[int, ...] = (0,), stdin: bytes | None = None) -> bytes:
        """Run git and return what it printed; raises RepositoryError unless it exits `ok`."""
        with _holding(stdin) as file:
            status, out, err = _execute(
                self._command(*args),
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                istream=file,
                env={**_LOCAL_ENVIRONMENT, **dict(self.variables)},
            )
        if status not in ok:
            raise RepositoryError(f"git {args[0]} failed: {_first_line(err)}")
        return cast("bytes", out)

    def succeeds(self, *args: str) -> bool:
        """Tell whether git exits with 0."""
        status, _, _ = _execute(
            self._command(*args),
            with_extended_output=True,
            with_exceptions=False,
            env=_LOCAL_ENVIRONMENT,
        )
        return bool(status == 0)

    def fetch(self, oids: Iterable[bytes], *, with_parts: bool = False) -> None:
        """Fetch objects that a partial clone was promised; the one call that uses the network.

        `with_parts` says that of a tree that is there its parts may be missing.

        Raises RepositoryError where there is no such remote, or it refuses.
        """
        remotes = [key for key in self._remotes if key.endswith(_PROMISOR)]
        if not remotes:
            raise RepositoryError(f"{self.git_dir} is no partial clone: nothing can be fetched")
        remote = remotes[0].removeprefix("remote.").removesuffix(_PROMISOR)
        with tempfile.TemporaryFile() as wanted:
            wanted.writelines(oid.hex().encode() + b"\n" for oid in oids)
            wanted.seek(0)
            status, _, err = _execute(
                [
                    *(*self._here, *_FLAGS, f"--git-dir={self.git_dir}", *_FETCH),
                    *(("--refetch",) if with_parts else ()),
                    *("--stdin", remote),
                ],
                with_extended_output=True,
                with_exceptions=False,
                istream=wanted,
                env={**_SAFE_ENVIRONMENT, "GIT_NO_LAZY_FETCH": "0"},
            )
        if status:
            raise RepositoryError(f"git fetch failed: {_first_line(err)}")

    @contextmanager
    def process(self, *args: str) -> Iterator["GitProcess"]:
        """Start git with pipes on both ends; it is ended on the way out, read or not."""
        wrapped = _execute(
            self._command(*args), as_process=True, istream=subprocess.PIPE, env=_LOCAL_ENVIRONMENT
        )
        process = GitProcess(args[0], wrapped)
        try:
            yield process
        finally:
            process.close()


@contextmanager
def _holding(content: bytes | None) -> Iterator[IO[bytes] | None]:
    """Open a file that holds something; None for None."""
    if content is None:
        yield None
        return
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield file


class GitProcess:
    """A running git with its pipes; closed exactly once.

    What it complains of is read beside, so that a full pipe never stops it; the beginning is kept.
    """

    def __init__(self, name: str, launched: Any) -> None:
        self.name = name
        self._launched = launched  # GitPython ends the process when this is collected.
        self._process = launched.proc
        self.stdin: IO[bytes] = self._process.stdin
        self.stdout: IO[bytes] = self._process.stdout
        self._complaint = b""
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        with suppress(ValueError, OSError):
            while data := self._process.stderr.read1(_COMPLAINT_BYTES):
                if len(self._complaint) < _COMPLAINT_BYTES:
                    self._complaint += data

    def finish(self) -> tuple[int, str]:
        """Wait for the end; return the status and the first line of what it complained of."""
        status = self._process.wait()
        self._listener.join()
        return status, _first_line(self._complaint)

    def close(self) -> None:
        """Close the pipes and end the process."""
        for pipe in (self.stdin, self.stdout):
            with suppress(BrokenPipeError):
                pipe.close()
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()
        self._listener.join()
        self._process.stderr.close()


def _execute(command: list[str], **options: Any) -> Any:
    """Start a git by GitPython; raises RepositoryError where that cannot be done."""
    try:
        # A folder that GitPython is given has its `$` and `~` expanded, so it is given to git.
        return gitpython.cmd.Git("/").execute(command, **options)
    except gitpython.exc.GitCommandNotFound as error:
        raise RepositoryError("git is not installed, or not on the PATH") from error
    except gitpython.exc.GitCommandError as error:
        raise RepositoryError(f"git failed: {_first_line(error.stderr)}") from error
    except ValueError as error:
        # Such as a NUL in an argument.
        raise RepositoryError(f"git cannot be asked that: {error}") from error


_VERSION = re.compile(r"(?<!\d)\d++(?:\.\d++)+")


@cache
def git_version() -> tuple[int, ...]:
    """Return the version of the git that is used, as in (2, 54, 0)."""
    out = str(_execute(["git", "version"]))
    found = _VERSION.search(out)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


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
    query = ("--path-format=absolute", "--git-dir", "--git-common-dir", "--show-object-format")
    lines = _rev_parse(start, *query, "--is-inside-work-tree")
    worktree = None
    if lines[3] == "true":
        worktree = Path(_rev_parse(start, "--path-format=absolute", "--show-toplevel")[0])
    _forget(_REPOSITORY_VARIABLES)
    return Repository(Path(lines[0]), Path(lines[1]), worktree, lines[2])


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
    status, out, _ = _execute(
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


def _rev_parse(start: Path, *args: str) -> list[str]:
    status, out, err = _execute(
        ["git", "-C", str(start.absolute()), *_FLAGS, "rev-parse", *args],
        with_extended_output=True,
        with_exceptions=False,
        env=_LOCAL_ENVIRONMENT,
    )
    if status == 0:
        return str(out).splitlines()
    if "not a git repository" in str(err):
        raise RepositoryError(f"{start} is not in a git repository")
    reason = _first_line(err)
    if "dubious ownership" in reason:
        reason += (
            "; if you trust its owner: git config --global --add safe.directory "
            f"{shlex.quote(str(start.absolute()))}"
        )
    raise RepositoryError(f"git refuses {start}: {reason}")


def _first_line(err: Any) -> str:
    text = err.decode("utf-8", "replace") if isinstance(err, bytes) else str(err or "")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines:
        # A list has its first item on the next line.
        first = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
        return first.removeprefix("fatal: ").removeprefix("error: ")
    return "no reason given"
