"""New code in a file on disk: in the place of an item, or between two."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rsidx.api.faults import path_of
from rsidx.errors import RsidxError
from rsidx.exporters.edits.diff import unified
from rsidx.files import put
from rsidx.indexer.splice import insert, replace_line, replace_symbol
from rsidx.store.addresses import check_one_address

Code = bytes | str | Callable[[], bytes]
"""The code itself, or what reads it once the file has been found."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in a file on disk code is put: as `Snapshot.prompt` names it."""

    path: str
    symbol: str = ""
    line: int | None = None
    after: str | int | None = None
    inside: str | int | None = None

    def __post_init__(self) -> None:
        check_one_address(self.symbol, self.line, self.after, self.inside, least=1)

    def with_code(self, source: bytes, code: bytes, *, delete: bool) -> bytes:
        """Return a file with the code put there."""
        if self.line is not None:
            return replace_line(source, self.path, self.line, code, delete=delete)
        if self.symbol:
            return replace_symbol(source, self.symbol, code, delete=delete)
        return insert(source, self.path, code, after=self.after, inside=self.inside)


def apply_code(worktree: Path, spot: Spot, code: Code, *, write: bool, delete: bool) -> list[str]:
    """Return the lines of the diff of a file with the code; write the file if asked to."""
    path = spot.path
    file = _file(worktree, path)
    source = _read(file, path)
    result = spot.with_code(source, code_of(code), delete=delete)
    if write:
        _write(file, path, source, result)
    old, new = (text.decode("utf-8", "replace").splitlines() for text in (source, result))
    return [f"--- a/{path}", f"+++ b/{path}", *unified(old, new)] if old != new else []


def code_of(code: Code) -> bytes:
    """Return the code itself."""
    answer = code() if callable(code) else code
    return answer.encode() if isinstance(answer, str) else answer


def inside_worktree(worktree: Path, path: str) -> str:
    """Return a file's path below its worktree; of a link, that of what it leads to.

    Raises RsidxError for what is not in the worktree, or no file.
    """
    file = _file(worktree, path)
    _read(file, path)
    return file.relative_to(worktree.resolve()).as_posix()


def _file(root: Path, path: str) -> Path:
    """Return a file of the worktree; of a link, what it leads to."""
    root = root.resolve()
    file = (root / path_of(path)).resolve()
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


def _write(file: Path, path: str, source: bytes, result: bytes) -> None:
    """Write a file unless it may not be written, or is not what was read any more."""

    def check() -> None:
        if _read(file, path) != source:
            raise RsidxError(f"{path} was changed meanwhile and stays as it is; run it again")

    if not os.access(file, os.W_OK) or not file.stat().st_mode & 0o222:
        raise RsidxError(f"{path} is read-only")
    try:
        put(file, result, check)
    except OSError as error:
        raise RsidxError(f"cannot write {path}: {error.strerror}") from error
