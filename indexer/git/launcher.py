"""Starting git: the only module that knows GitPython, which serves as the launcher.

Every call carries the flags and the environment that keep a repository's own configuration
from running programs, fetching, paging, or showing other objects than the ones named.
"""

import os
import re
import threading
from contextlib import suppress
from functools import cache
from typing import IO, Any

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
import git as gitpython

from rsidx.errors import RepositoryError

FLAGS = (
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
SAFE_ENVIRONMENT = {
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
LOCAL_ENVIRONMENT = {**SAFE_ENVIRONMENT, "GIT_ALLOW_PROTOCOL": ""}
_COMPLAINT_BYTES = 4096


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
        return status, first_line(self._complaint)

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


def execute(command: list[str], **options: Any) -> Any:
    """Start git; raises RepositoryError where that cannot be done."""
    try:
        # A folder that GitPython is given has its `$` and `~` expanded, so it is given to git.
        return gitpython.cmd.Git("/").execute(command, **options)
    except gitpython.exc.GitCommandNotFound as error:
        raise RepositoryError("git is not installed, or not on the PATH") from error
    except gitpython.exc.GitCommandError as error:
        raise RepositoryError(f"git failed: {first_line(error.stderr)}") from error
    except ValueError as error:
        # Such as a NUL in an argument.
        raise RepositoryError(f"git cannot be asked that: {error}") from error


_VERSION = re.compile(r"(?<!\d)\d++(?:\.\d++)+")


@cache
def git_version() -> tuple[int, ...]:
    """Return the version of the git that is used, as in (2, 54, 0)."""
    out = str(execute(["git", "version"]))
    found = _VERSION.search(out)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def first_line(err: Any) -> str:
    """Return the first line of what git complained of, with the next where that is a list."""
    text = err.decode("utf-8", "replace") if isinstance(err, bytes) else str(err or "")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines:
        # A list has its first item on the next line.
        first = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
        return first.removeprefix("fatal: ").removeprefix("error: ")
    return "no reason given"
