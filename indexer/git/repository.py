"""One repository: asking git about it, without what it inherits and what its settings run."""

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, cast

from rsidx.errors import RepositoryError
from rsidx.indexer.git.launcher import (
    FLAGS,
    LOCAL_ENVIRONMENT,
    SAFE_ENVIRONMENT,
    GitProcess,
    execute,
    first_line,
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
        out = execute(
            [*self._here, "rev-parse", "--path-format=absolute", "--git-path", "hooks"],
            env=SAFE_ENVIRONMENT,
        )
        return Path(str(out))

    def run_hook(self, event: str, environment: Mapping[str, str]) -> bool:
        """Have git run a hook as after a commit; tell whether it could.

        Runs a program of the repository: the caller has looked at it.
        """
        status, _, _ = execute(
            [*self._here, "hook", "run", event],
            with_extended_output=True,
            with_exceptions=False,
            env={**SAFE_ENVIRONMENT, **environment},
        )
        return bool(status == 0)

    def configured_hooks(self, event: str) -> list[str]:
        """Return what git would run for an event, as it says it (2.54 and later).

        These are names of hooks in its settings, and `hook from hookdir`; what is turned off has
        a word before the name.
        """
        status, out, _ = execute(
            [*self._here, "hook", "list", event],
            with_extended_output=True,
            with_exceptions=False,
            env=SAFE_ENVIRONMENT,
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
        return [*self._here, *FLAGS, f"--git-dir={self.git_dir}", *args]

    def run(self, *args: str, ok: tuple[int, ...] = (0,), stdin: bytes | None = None) -> bytes:
        """Run git and return what it printed; raises RepositoryError unless it exits `ok`."""
        with _holding(stdin) as file:
            status, out, err = execute(
                self._command(*args),
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                istream=file,
                env={**LOCAL_ENVIRONMENT, **dict(self.variables)},
            )
        if status not in ok:
            raise RepositoryError(f"git {args[0]} failed: {first_line(err)}")
        return cast("bytes", out)

    def succeeds(self, *args: str) -> bool:
        """Tell whether git exits with 0."""
        status, _, _ = execute(
            self._command(*args),
            with_extended_output=True,
            with_exceptions=False,
            env=LOCAL_ENVIRONMENT,
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
            status, _, err = execute(
                [
                    *(*self._here, *FLAGS, f"--git-dir={self.git_dir}", *_FETCH),
                    *(("--refetch",) if with_parts else ()),
                    *("--stdin", remote),
                ],
                with_extended_output=True,
                with_exceptions=False,
                istream=wanted,
                env={**SAFE_ENVIRONMENT, "GIT_NO_LAZY_FETCH": "0"},
            )
        if status:
            raise RepositoryError(f"git fetch failed: {first_line(err)}")

    @contextmanager
    def process(self, *args: str) -> Iterator[GitProcess]:
        """Start git with pipes on both ends; it is ended on the way out, read or not."""
        wrapped = execute(
            self._command(*args), as_process=True, istream=subprocess.PIPE, env=LOCAL_ENVIRONMENT
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
