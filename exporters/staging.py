"""A folder that is written beside its place, and takes it in one step."""

import ctypes
import fcntl
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from rsidx.errors import ExportError
from rsidx.exporters.destination import Destination
from rsidx.exporters.inventory import is_ours, read_files, walk
from rsidx.exporters.writer import CHECKSUMS, MANIFEST

_MARK = "made-by-rsidx"
"""The file that tells a folder of ours from one that has such a name by chance."""
_MARK_TEXT = "An export is written here. What a killed one left, the next one removes.\n"
# Of linux/fs.h, and of macOS's sys/stdio.h.
_EXCHANGE = 2
_AT_FDCWD = {"linux": -100, "darwin": -2}


@contextmanager
def staging(destination: Destination) -> Iterator[Path]:
    """Yield a folder to write into; at the end it takes the destination's place.

    Where the block fails, or a file of somebody else came into the destination meanwhile, that
    stays as it was. What a killed export left is removed. Raises ExportError.
    """
    out = destination.path
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _clear(out)
        work, lock = _begun(out)
    except OSError as error:
        raise ExportError(f"cannot write to {out.parent}: {error.strerror}") from error
    try:
        new = work / "new"
        new.mkdir()
        if out.exists():
            new.chmod(stat.S_IMODE(out.stat().st_mode))
        yield new
        _swap(work, destination)
    except OSError as error:
        raise ExportError(f"cannot write {out}: {error.strerror}") from error
    finally:
        _discard(work)
        os.close(lock)
    if work.exists():
        raise ExportError(
            f"{out} is exported; what was there before could not be removed as a whole, and the "
            f"rest is in {work}"
        )


def _begun(out: Path) -> tuple[Path, int]:
    """Make a folder of ours beside `out`; return it with the descriptor that holds it."""
    work = Path(tempfile.mkdtemp(prefix=_prefix(out), dir=out.parent))
    try:
        (work / _MARK).write_text(_MARK_TEXT)
        return work, _locked(work)
    except OSError:
        _discard(work)
        raise


def _prefix(out: Path) -> str:
    return f".rsidx-{out.name}-"


def _locked(folder: Path) -> int:
    """Hold a folder, for as long as this process lives; raises OSError where another does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _clear(out: Path) -> None:
    """Remove what killed exports to `out` left; what was there before comes back first."""
    name = re.compile(re.escape(_prefix(out)) + r"[a-z0-9_]+")
    for left in sorted(out.parent.iterdir()):
        if not name.fullmatch(left.name) or left.is_symlink() or not (left / _MARK).is_file():
            continue
        try:
            lock = _locked(left)
        except OSError:
            continue
        if (left / "old").is_dir() and not os.path.lexists(out):
            (left / "old").rename(out)
        _discard(left)
        os.close(lock)


def _discard(work: Path) -> None:
    """Remove a folder of ours with all but what somebody else put into an export in it."""
    old, new = work / "old", work / "new"
    with suppress(OSError):
        # One that was killed in the moment of the exchange left what was replaced as `new`.
        if new.is_dir() and read_files(new) is None:
            _remove_unfinished(new)
        for folder in (old, new):
            if folder.is_dir():
                _remove_export(folder)
        if [left.name for left in work.iterdir()] == [_MARK]:
            (work / _MARK).unlink()
            work.rmdir()


def _remove_export(folder: Path) -> None:
    """Remove the files of an export, and its folders as far as they are empty then."""
    files = read_files(folder) or {}
    ours = [name for name, status in walk(folder, files) if is_ours(name, status, files)]
    # The manifest goes last: as long as it is there, the next export knows what to remove.
    last = (CHECKSUMS, MANIFEST)
    for name in sorted(ours, key=lambda name: last.index(name) if name in last else -1):
        (folder / name).unlink()
    parents = {PurePosixPath(), *(p for name in files for p in PurePosixPath(name).parents)}
    for parent in sorted(parents, key=lambda parent: -len(parent.parts)):
        # Where there is more in it, it stays.
        with suppress(OSError):
            (folder / parent).rmdir()


def _remove_unfinished(folder: Path) -> None:
    """Remove what an export was writing, unless something is mounted in it."""
    device = folder.lstat().st_dev
    for at, folders, _ in os.walk(folder):
        if any(os.lstat(os.path.join(at, name)).st_dev != device for name in folders):  # noqa: PTH118
            return
    shutil.rmtree(folder, ignore_errors=True)


def _swap(work: Path, destination: Destination) -> None:
    """Put the new export in its place; what was there is in `work` then."""
    out, new, old = destination.path, work / "new", work / "old"
    destination.check()
    if not os.path.lexists(out):
        new.rename(out)
    elif _exchange(new, out):
        try:
            # Nobody finds it any more: what came in before is seen now.
            destination.check_content(new)
        except BaseException:
            _exchange(new, out)
            raise
        new.rename(old)
    else:
        # A file system that cannot exchange: for a moment there is no `out`.
        out.rename(old)
        try:
            destination.check_content(old)
            new.rename(out)
        except BaseException:
            old.rename(out)
            raise


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; tell whether the system can."""
    name = {"linux": "renameat2", "darwin": "renameatx_np"}.get(sys.platform, "")
    here = _AT_FDCWD.get(sys.platform, 0)
    try:
        call = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (AttributeError, OSError):
        return False
    return bool(call(here, os.fsencode(one), here, os.fsencode(other), _EXCHANGE) == 0)
