"""The folder that an export writes to, and whether it may replace what is there."""

import hashlib
import os
import pwd
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from rsidx.errors import ExportError
from rsidx.exporters.dataset.inventory import is_ours, read_files, walk

_MAX_NAMED = 5
_OCTAL = re.compile(r"\\([0-7]{3})")


class Destination:
    """A folder that is absent, empty, or an earlier export with nothing else in it.

    With `replace_edited`, the files of that export may have been changed or removed; nothing
    allows files that rsidx did not write. Raises ExportError otherwise, here and in `check`.
    """

    def __init__(self, out: Path, *, replace_edited: bool = False) -> None:
        self.path = _without_links(out)
        self._replace_edited = replace_edited
        self._digests: dict[tuple[int, ...], str] = {}
        self.check()

    def check(self) -> None:
        """Check again: files may have appeared since."""
        try:
            if any(_is_git_folder(parent) for parent in self.path.parents):
                raise ExportError(f"{self.path} is inside a git folder; name another folder")
            if not os.path.lexists(self.path):
                return
            if self.path.is_symlink() or not self.path.is_dir():
                raise ExportError(f"{self.path} is not a folder")
            reason = _why_never(self.path)
            if reason is not None:
                raise ExportError(f"{self.path} {reason}; name another folder")
            self.check_content(self.path)
        except OSError as error:
            raise ExportError(f"cannot read {self.path}: {error.strerror}") from error

    def files(self) -> list[str]:
        """Return the names of the files that would be replaced."""
        if not self.path.exists():
            return []
        return sorted(name for name, _ in walk(self.path, read_files(self.path) or {}))

    def check_content(self, folder: Path) -> None:
        """Raise ExportError unless a folder is empty, or holds an export and nothing else."""
        files = read_files(folder)
        present = dict(walk(folder, files or {}))
        foreign = [
            name + "/" * stat.S_ISDIR(status.st_mode)
            for name, status in present.items()
            if not is_ours(name, status, files or {})
        ]
        if foreign:
            what = "holds no export" if files is None else "holds an export and other files"
            raise ExportError(f"{self.path} {what} ({_named(foreign)}); name another folder")
        if files is None or self._replace_edited:
            return
        edited = [
            name
            for name, digest in files.items()
            if name not in present or self._digest(folder / name, present[name]) != digest
        ]
        if edited:
            raise ExportError(
                f"{self.path} was changed since it was exported ({_named(edited)}); name another "
                "folder, or replace it anyway with --replace-edited"
            )

    def _digest(self, file: Path, status: os.stat_result) -> str:
        """Return a file's checksum; the file is read again only if its lstat has changed."""
        identity = (
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
        )
        if identity not in self._digests:
            with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW), "rb") as content:
                self._digests[identity] = hashlib.file_digest(content, "sha256").hexdigest()
        return self._digests[identity]


def _without_links(out: Path) -> Path:
    """Return a path in which only the last part may be a link."""
    try:
        return out.resolve() if out.name in ("", "..") else out.parent.resolve() / out.name
    except (OSError, RuntimeError) as error:
        raise ExportError(f"{out} is not a usable path: {error}") from error


def _named(names: Sequence[str]) -> str:
    names = sorted(names)
    n_more = len(names) - _MAX_NAMED
    return ", ".join(names[:_MAX_NAMED]) + (f" and {n_more:,} more" if n_more > 0 else "")


def _why_never(folder: Path) -> str | None:
    """Return why a folder must not be replaced, whatever it holds; None if it may be."""
    if folder == folder.parent:
        return "is the root of the file system"
    if os.path.ismount(folder) or str(folder) in _mount_points():
        return "is a mount point"
    if any(home.is_relative_to(folder) for home in _homes()):
        return "is, or holds, a home folder"
    if Path.cwd().is_relative_to(folder):
        return "is, or holds, the current folder"
    if os.path.lexists(folder / ".git") or _is_git_folder(folder):
        return "is a git repository"
    if not os.access(folder, os.W_OK):
        return "is read-only"
    return None


def _homes() -> Iterator[Path]:
    named = [os.path.expanduser("~")]  # noqa: PTH111  (Path.home() raises where there is none)
    with suppress(KeyError):
        named.append(pwd.getpwuid(os.getuid()).pw_dir)
    for home in named:
        if os.path.isabs(home) and home != "/":  # noqa: PTH117
            yield Path(home).resolve()


def _is_git_folder(folder: Path) -> bool:
    return folder.name == ".git" or (
        os.path.lexists(folder / "HEAD")
        and (folder / "objects").is_dir()
        and (folder / "refs").is_dir()
    )


def _mount_points() -> set[str]:
    """Return all mount points, where the system lists them; `ismount` misses bind mounts."""
    try:
        lines = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return set()
    points = (line.split(" ")[4] for line in lines)
    return {_OCTAL.sub(lambda octal: chr(int(octal[1], 8)), p) for p in points}
