"""Writing a folder beside its place, and putting it there in one step."""

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
from rsidx.exporters.dataset.destination import Destination
from rsidx.exporters.dataset.inventory import is_ours, read_files, walk
from rsidx.exporters.dataset.layout import CHECKSUMS, MANIFEST

_MARK = "made-by-rsidx"
"""The file in rsidx's own work folders; one that has such a name by chance lacks it."""
_MARK_TEXT = "rsidx writes an export here. If it is killed, the next export removes this folder.\n"
_UNFINISHED = "unfinished"
"""The folder that is being written; only rsidx writes into it."""
_NEW, _OLD = "new", "old"
"""The folder that takes OUT's place, and the one that stood there: after an exchange that a kill
cut short, `new` holds what stood there. So of these two only an export's own files are removed."""
# Of linux/fs.h, and of macOS's sys/stdio.h.
_EXCHANGE = 2
_AT_FDCWD = {"linux": -100, "darwin": -2}


@contextmanager
def staging(destination: Destination) -> Iterator[Path]:
    """Yield a folder to write into; at the end it takes the destination's place.

    The destination stays as it was if the block fails, or if a file that is not the export's
    appeared in it meanwhile. What killed exports left is removed. Raises ExportError.
    """
    out = destination.path
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _clear(out)
        work, lock = _begun(out)
    except OSError as error:
        raise ExportError(f"cannot write to {out.parent}: {error.strerror}") from error
    try:
        unfinished = work / _UNFINISHED
        unfinished.mkdir()
        if out.exists():
            unfinished.chmod(stat.S_IMODE(out.stat().st_mode))
        yield unfinished
        _swap(work, destination)
    except OSError as error:
        raise ExportError(f"cannot write {out}: {error.strerror}") from error
    finally:
        _discard(work)
        os.close(lock)
    if work.exists():
        raise ExportError(
            f"{out} is exported; the old folder could not be removed completely: the rest is in "
            f"{work}"
        )


def _begun(out: Path) -> tuple[Path, int]:
    """Make and lock a work folder beside `out`; return it with the lock's descriptor."""
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
    """Lock a folder until its descriptor is closed; raises OSError if another process has it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _clear(out: Path) -> None:
    """Remove what killed exports to `out` left; an old folder that one moved away comes back."""
    name = re.compile(re.escape(_prefix(out)) + r"[a-z0-9_]+")
    for left in sorted(out.parent.iterdir()):
        if not name.fullmatch(left.name) or left.is_symlink() or not (left / _MARK).is_file():
            continue
        try:
            lock = _locked(left)
        except OSError:
            continue
        if (left / _OLD).is_dir() and not os.path.lexists(out):
            (left / _OLD).rename(out)
        _discard(left)
        os.close(lock)


def _discard(work: Path) -> None:
    """Remove a work folder, but for files in an old or new folder that rsidx did not write."""
    with suppress(OSError):
        if (work / _UNFINISHED).is_dir():
            _remove_unfinished(work / _UNFINISHED)
        for name in (_OLD, _NEW):
            if (work / name).is_dir():
                _remove_export(work / name)
        if [left.name for left in work.iterdir()] == [_MARK]:
            (work / _MARK).unlink()
            work.rmdir()


def _remove_export(folder: Path) -> None:
    """Remove the files of an export, and those of its folders that are empty then."""
    files = read_files(folder) or {}
    ours = [name for name, status in walk(folder, files) if is_ours(name, status, files)]
    # The manifest goes last: as long as it is there, the next export knows what to remove.
    last = (CHECKSUMS, MANIFEST)
    for name in sorted(ours, key=lambda name: last.index(name) if name in last else -1):
        (folder / name).unlink()
    parents = {PurePosixPath(), *(p for name in files for p in PurePosixPath(name).parents)}
    for parent in sorted(parents, key=lambda parent: -len(parent.parts)):
        # A folder with other files in it stays.
        with suppress(OSError):
            (folder / parent).rmdir()


def _remove_unfinished(folder: Path) -> None:
    """Remove an unfinished export, unless something is mounted in it."""
    device = folder.lstat().st_dev
    for at, folders, _ in os.walk(folder):
        if any(os.lstat(os.path.join(at, name)).st_dev != device for name in folders):  # noqa: PTH118
            return
    shutil.rmtree(folder, ignore_errors=True)


def _swap(work: Path, destination: Destination) -> None:
    """Put the new export in its place, and what was there into `work`."""
    out, new, old = destination.path, work / _NEW, work / _OLD
    destination.check()
    (work / _UNFINISHED).rename(new)
    if not os.path.lexists(out):
        new.rename(out)
    elif _exchange(new, out):
        try:
            # No file can come in any more; those that came in until now are seen.
            destination.check_content(new)
        except BaseException:
            _exchange(new, out)
            raise
        new.rename(old)
    else:
        # A file system that cannot exchange folders: for a moment there is no `out`.
        out.rename(old)
        try:
            destination.check_content(old)
            new.rename(out)
        except BaseException:
            old.rename(out)
            raise


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; return False if the system cannot."""
    name = {"linux": "renameat2", "darwin": "renameatx_np"}.get(sys.platform, "")
    here = _AT_FDCWD.get(sys.platform, 0)
    try:
        call = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (AttributeError, OSError):
        return False
    return bool(call(here, os.fsencode(one), here, os.fsencode(other), _EXCHANGE) == 0)
