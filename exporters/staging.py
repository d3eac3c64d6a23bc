"""A folder that is written beside its place, and takes it in one step."""

import ctypes
import fcntl
import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rsidx.errors import ExportError
from rsidx.exporters.writer import MANIFEST

_OLD = "-old"
"""Behind the name of an export that is about to be replaced."""
# Of linux/fs.h, and of macOS's sys/stdio.h.
_EXCHANGE = 2
_AT_FDCWD = {"linux": -100, "darwin": -2}


@contextmanager
def staging(out: Path) -> Iterator[Path]:
    """Yield a folder to write into; at the end it takes the place of `out`.

    Where the block fails, `out` stays as it was. What a killed export left is removed. Raises
    ExportError for an `out` that holds anything but an earlier export.
    """
    out = Path(os.path.abspath(out))  # noqa: PTH100  (resolve() would follow a link away)
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise ExportError(f"{out} is not a folder")
    if out.exists() and any(out.iterdir()) and not (out / MANIFEST).is_file():
        raise ExportError(f"{out} is not empty and holds no export; name another folder")
    prefix = f".rsidx-{out.name}-"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for left in out.parent.glob(f"{glob.escape(prefix)}*"):
            if left.name.endswith(_OLD) and not out.exists():
                left.rename(out)
            _remove_left(left)
        fresh = Path(tempfile.mkdtemp(prefix=prefix, dir=out.parent))
        lock = _locked(fresh)
    except OSError as error:
        raise ExportError(f"cannot write to {out.parent}: {error.strerror}") from error
    try:
        fresh.chmod(0o755)
        yield fresh
        _swap(fresh, out)
    except OSError as error:
        raise ExportError(f"cannot write {out}: {error.strerror}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        os.close(lock)


def _locked(folder: Path) -> int:
    """Hold a folder, for as long as this process lives; raises OSError where another does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_left(folder: Path) -> None:
    try:
        lock = _locked(folder)
    except OSError:
        return
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


def _swap(fresh: Path, out: Path) -> None:
    """Put `fresh` in the place of `out`, which is in `fresh`'s then."""
    if not out.exists():
        fresh.rename(out)
    elif not _exchange(fresh, out):
        # A file system that cannot: for a moment there is no `out`.
        old = fresh.with_name(f"{fresh.name}{_OLD}")
        out.rename(old)
        try:
            fresh.rename(out)
        except OSError:
            old.rename(out)
            raise
        shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; tell whether the system can."""
    name = {"linux": "renameat2", "darwin": "renameatx_np"}.get(sys.platform, "")
    here = _AT_FDCWD.get(sys.platform, 0)
    try:
        call = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (AttributeError, OSError):
        return False
    return bool(call(here, os.fsencode(one), here, os.fsencode(other), _EXCHANGE) == 0)
