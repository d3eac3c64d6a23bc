"""New code in a file on disk: in the place of an item, or between two, or in a new file."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rsidx.answer import read_answer
from rsidx.api.faults import explained, path_of
from rsidx.errors import PlacementError, RepositoryError, RsidxError
from rsidx.exporters.edits.diff import unified
from rsidx.exporters.questions.hole import offset_of
from rsidx.files import put
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.splice import (
    changed_chunks,
    fill,
    insert,
    names_within,
    new_file,
    replace_line,
    replace_symbol,
)
from rsidx.indexer.undo import UndoLog
from rsidx.store.addresses import check_one_address

Code = bytes | str | Callable[[], bytes]
"""The code itself, or what reads it once the file has been found."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in a file on disk code is put: as `Snapshot.prompt` names it.

    With nothing but a path it is a new file. Of a line's item a `part` may be meant, a range of its
    bytes. A `hole` is at a line and a byte in it, both from 1.
    """

    path: str
    symbol: str = ""
    line: int | None = None
    after: str | int | None = None
    inside: str | int | None = None
    part: tuple[int, int] | None = None
    hole: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        check_one_address(self.symbol, self.line, self.after, self.inside, least=0)

    @property
    def is_file(self) -> bool:
        """Whether it is a file as a whole."""
        named = (self.symbol, self.line, self.after, self.inside, self.hole)
        return named == ("", None, None, None, None)

    def with_code(self, source: bytes | None, code: bytes, *, delete: bool = False) -> bytes:
        """Return a file with the code put there; a file that is not there, or empty, is new."""
        if not self.path.endswith(".rs"):
            raise RsidxError(f"{self.path} is no Rust file")
        if self.is_file:
            if source:
                check_one_address("", None, None, None, least=1)
            return new_file(code)
        source = source or b""
        if self.hole is not None:
            return fill(source, offset_of(source, self.path, *self.hole), code)
        if self.line is not None:
            return replace_line(source, self.path, self.line, code, part=self.part, delete=delete)
        if self.symbol:
            return replace_symbol(source, self.symbol, code, delete=delete)
        return insert(source, self.path, code, after=self.after, inside=self.inside)


@dataclass(frozen=True, slots=True)
class Applied:
    """New code in a file: what was written, or would be; code that is there already is not.

    `diff` are the lines of a unified diff. `old` and `new` are the ranges of bytes of the items
    that differ, in the file before and after; those of `new` define `names`. `left_out` says what
    of the answer is no code.
    """

    path: str
    is_written: bool
    diff: tuple[str, ...]
    old: tuple[int, int]
    new: tuple[int, int]
    names: tuple[str, ...]
    left_out: tuple[str, ...] = ()


class FilesOnDisk:
    """The files of a worktree, and the log of what was written to them."""

    def __init__(self, repository: Repository) -> None:
        """Raise RepositoryError where there is no worktree."""
        if repository.worktree is None:
            raise RepositoryError(f"{repository.git_dir} has no worktree")
        self.root = repository.worktree.resolve()
        self._log = UndoLog(repository.git_dir / "rsidx" / "undo.jsonl")

    def read(self, path: str) -> bytes | None:
        """Return a file's text; None for a file that is not there."""
        file = _file(self.root, path)
        return _read(file, path) if file.exists() else None

    def apply(self, spot: Spot, code: Code, *, write: bool, delete: bool = False) -> Applied:
        """Put an answer into a file; write the file if asked to, and note what it was before."""
        path = spot.path
        file = _file(self.root, path)
        source = None if spot.is_file and not file.exists() else _read(file, path)
        answer = read_answer(code_of(code))
        result = spot.with_code(source, answer.code, delete=delete)
        is_written = write and result != source
        if is_written:
            with self._log.noted(self._name(file), source, result):
                _write(file, path, source, result)
        return _applied(path, source, result, is_written=is_written, left_out=answer.left_out)

    def undo(self, path: str, *, write: bool) -> Applied:
        """Take back the newest write to a file that left it as it is."""
        file = _file(self.root, path)
        name = self._name(file)
        current = _read(file, path) if file.exists() else None
        found = self._log.last(name, current)
        if found is None:
            if self._log.has(name):
                raise PlacementError("changed", f"{path} was changed since, and stays as it is")
            raise RsidxError(f"nothing was written to {path} that is still known")
        before = found.text
        if write:
            with self._log.locked():
                _write(file, path, current, before)
                self._log.remove(found)
        return _applied(path, current, before, is_written=write)

    def name(self, path: str, *, may_be_new: bool = False) -> str:
        """Return a file's path below the worktree; of a link, that of what it leads to.

        Raises RsidxError for what is not in the worktree, or no file.
        """
        file = _file(self.root, path)
        if file.exists() or not may_be_new:
            _read(file, path)
        return self._name(file)

    def _name(self, file: Path) -> str:
        return file.relative_to(self.root).as_posix()


def _applied(
    path: str,
    source: bytes | None,
    result: bytes | None,
    *,
    is_written: bool,
    left_out: tuple[str, ...] = (),
) -> Applied:
    before, after = source or b"", result or b""
    old, new = changed_chunks(after, before), changed_chunks(before, after)
    names = tuple(sorted(names_within(after, *new)))
    lines = (text.decode("utf-8", "replace").splitlines() for text in (before, after))
    heading = [
        "--- /dev/null" if source is None else f"--- a/{path}",
        "+++ /dev/null" if result is None else f"+++ b/{path}",
    ]
    diff = (*heading, *unified(*lines)) if source != result else ()
    return Applied(path, is_written, diff, old, new, names, left_out)


def code_of(code: Code) -> bytes:
    """Return what was given as code, an answer as it is."""
    answer = code() if callable(code) else code
    return answer.encode() if isinstance(answer, str) else answer


def _file(root: Path, path: str) -> Path:
    """Return a file of the worktree; of a link, what it leads to."""
    with explained():
        try:
            file = (root / path_of(path)).resolve()
            is_loop = file.is_symlink()
        except RuntimeError:  # Of Python before 3.13.
            is_loop = True
        if is_loop:
            raise RsidxError(f"{path} is a link that leads to itself")
        if not file.is_relative_to(root) or ".git" in file.relative_to(root).parts:
            raise RsidxError(f"{path} is not in the worktree")
        if file.exists() and not file.is_file():
            raise RsidxError(f"{path} is not a file")
        return file


def _read(file: Path, path: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise RsidxError(f"{path} cannot be read: {error.strerror}") from error


def _write(file: Path, path: str, source: bytes | None, result: bytes | None) -> None:
    """Write a file, or remove it, unless it may not be, or is not what was read any more."""

    def check() -> None:
        now = _read(file, path) if file.exists() else None
        if now != source:
            raise PlacementError(
                "changed", f"{path} was changed meanwhile and stays as it is; run it again"
            )

    if source is not None and (not os.access(file, os.W_OK) or not file.stat().st_mode & 0o222):
        raise RsidxError(f"{path} is read-only")
    try:
        if result is None:
            check()
            file.unlink()
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        put(file, result, check)
    except OSError as error:
        raise RsidxError(f"cannot write {path}: {error.strerror}") from error
