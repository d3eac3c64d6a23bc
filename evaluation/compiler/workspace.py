"""A scratch clone that moves from commit to commit, with the one target directory it builds in."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from rsidx.errors import EvaluationError, RepositoryError
from rsidx.indexer.git.repository import DIFF_FLAGS, Repository

_ATTRIBUTES = b"* -text -eol -filter -ident -working-tree-encoding -export-subst\n"
"""Files are checked out as their blobs: no filter of the user's or the repository's runs."""
_VARIABLES = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    # What a blob is missing is not asked of a remote.
    "GIT_NO_LAZY_FETCH": "1",
}


class Workspace:
    """A clone of a repository at one commit at a time; of each file, what was written last counts.

    The clone shares the repository's objects and has no hooks, so the repository does not notice.
    Every write gives its file a new time, since cargo takes a file with an old time as unchanged.
    """

    def __init__(self, repository: Repository, folder: Path) -> None:
        self.tree = folder / "tree"
        self.target = folder / "target"
        self.temporary = folder / "tmp"
        self._repository = repository
        self._scratch = replace(
            repository,
            git_dir=self.tree / ".git",
            common_dir=self.tree / ".git",
            worktree=self.tree,
            variables=tuple(_VARIABLES.items()),
        )
        self._commit = self._tree_id = ""
        self._changed: dict[str, bytes | None] = {}
        self.target.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.mkdir()
        self._make()

    @property
    def commit(self) -> str:
        """The commit that is checked out."""
        return self._commit

    def _make(self) -> None:
        git = self.tree / ".git"
        if not (git / "HEAD").exists():
            self.tree.mkdir(parents=True, exist_ok=True)
            object_format = self._repository.object_format
            # Without an alternate it is no clone yet, and `init` may run again.
            flags = ("--quiet", "--template=", f"--object-format={object_format}")
            self._scratch.run("init", *flags, str(self.tree))
        out = self._repository.run("rev-parse", "--path-format=absolute", "--git-path", "objects")
        (git / "objects" / "info").mkdir(parents=True, exist_ok=True)
        (git / "objects" / "info" / "alternates").write_bytes(out)
        (git / "info").mkdir(exist_ok=True)
        (git / "info" / "attributes").write_bytes(_ATTRIBUTES)
        # A worker that was killed leaves it behind; nobody else uses this clone.
        (git / "index.lock").unlink(missing_ok=True)

    def move_to(self, commit: str) -> None:
        """Check out a commit; files that do not differ keep their times.

        Raises EvaluationError where the repository lacks the commit.
        """
        if commit == self._commit and not self._changed:
            return
        try:
            self._scratch.run("checkout", "--quiet", "--force", "--detach", commit, "--")
            self._scratch.run("clean", "--quiet", "-ffdx")
        except RepositoryError as error:
            raise EvaluationError(f"commit {commit} cannot be checked out: {error}") from error
        self._commit = commit
        self._tree_id = self._scratch.run("rev-parse", f"{commit}^{{tree}}").decode().strip()
        self._changed.clear()

    @property
    def tree_id(self) -> str:
        """The id of the commit's tree."""
        return self._tree_id

    def read(self, path: str) -> bytes | None:
        """Return a file of the commit, whatever was written in its place; None for no file."""
        if path in self._changed:
            return self._changed[path]
        file = self.tree / path
        if file.is_symlink() or not file.is_file():
            return None
        return file.read_bytes()

    def blob_id(self, content: bytes) -> str:
        """Return the id that git gives a blob."""
        return hashlib.new(
            self._repository.object_format, b"blob %d\0" % len(content) + content
        ).hexdigest()

    def blob(self, oid: str) -> bytes:
        """Return a blob of the repository."""
        return self._scratch.run("cat-file", "blob", oid)

    def follow(self, worktree: Path) -> None:
        """Become what a worktree is on disk, without what git ignores; write only what differs.

        Raises RepositoryError where the worktree has no commit.
        """
        head = self._repository.run("rev-parse", "--verify", "HEAD^{commit}").decode().strip()
        current = self.head()
        if current != head:
            self.move_to(head)
        self._commit = head
        for path in sorted({*_differing(self._repository), *_differing(self._scratch)}):
            file, copy = worktree / path, self.tree / path
            if file.is_symlink() or not file.is_file():
                if copy.is_file() and not copy.is_symlink():
                    copy.unlink()
                continue
            content = file.read_bytes()
            if not copy.is_file() or copy.read_bytes() != content:
                copy.parent.mkdir(parents=True, exist_ok=True)
                _write(copy, content)

    def head(self) -> str:
        """Return the commit that the clone stands at, whoever moved it there; empty for none."""
        head = ("rev-parse", "--quiet", "--verify", "HEAD")
        return self._scratch.run(*head, ok=(0, 1)).decode().strip()

    def write(self, path: str, content: bytes | None) -> None:
        """Write a file of the tree in place, with a new time, or a new one; None takes it away."""
        if path not in self._changed:
            before = self.read(path)
            if before is None and os.path.lexists(self.tree / path):
                raise EvaluationError(f"{path} is no file of commit {self._commit}")
            self._changed[path] = before
        self._put(path, content)

    def restore(self) -> None:
        """Write the commit's own content into the files that were changed; new ones go."""
        for path, content in self._changed.items():
            self._put(path, content)
        self._changed.clear()

    def _put(self, path: str, content: bytes | None) -> None:
        file = self.tree / path
        if content is None:
            file.unlink(missing_ok=True)
            return
        folder = file.parent
        folder.mkdir(parents=True, exist_ok=True)
        if not folder.resolve().is_relative_to(self.tree.resolve()):
            raise EvaluationError(f"{path} leads out of the repository")
        _write(file, content)

    @contextmanager
    def target_copy(self) -> Iterator[Path]:
        """Make a copy of what was built, for the block; a fresh artefact stays fresh in it."""
        copy = self.target.with_name("target-copy")
        shutil.rmtree(copy, ignore_errors=True)
        # A tenth of the time of Python's own: there are thousands of files.
        subprocess.run(["cp", "-a", self.target, copy], check=True, stdin=subprocess.DEVNULL)
        try:
            yield copy
        finally:
            shutil.rmtree(copy, ignore_errors=True)

    def limit_target(self, max_bytes: int) -> None:
        """Start anew where what was built takes more than `max_bytes`."""
        sizes = (entry.lstat().st_size for entry in self.target.rglob("*"))
        if sum(sizes) > max_bytes:
            shutil.rmtree(self.target)
            self.target.mkdir()


def _differing(repository: Repository) -> Iterator[str]:
    """Yield the files of a worktree that are not as in its commit, without ignored ones."""
    changed = (
        "diff",
        *DIFF_FLAGS,
        "--name-only",
        "--no-renames",
        "--ignore-submodules=all",
        "-z",
        "HEAD",
    )
    for command in (changed, ("ls-files", "--others", "--exclude-standard", "-z")):
        names = repository.run(*command)
        yield from (os.fsdecode(name) for name in names.split(b"\0") if name)


def _write(file: Path, content: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
    with suppress(OSError):
        os.utime(file)
