"""Locks on files, which go with the process that holds them."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rsidx.errors import LockError

_REFUSED = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})


class HeldError(Exception):
    """Another process, or another part of this one, holds the lock."""


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the lock on a file, which is made for its owner alone and stays.

    Raises HeldError at once if another holds it, LockError if the file system refuses locks, and
    OSError if the file cannot be opened.
    """
    descriptor = acquire(file)
    try:
        yield
    finally:
        os.close(descriptor)


def acquire(file: Path) -> int:
    """Return a descriptor that holds the lock until it is closed; raises as `locked` does."""
    while True:
        descriptor = _open(file)
        try:
            lock(descriptor, file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(descriptor, file):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        # Somebody removed it meanwhile: a lock on what is gone keeps nobody out.
        os.close(descriptor)


def lock(descriptor: int, file: Path, how: int) -> None:
    """Call `flock` on an open file; raises HeldError and LockError."""
    try:
        fcntl.flock(descriptor, how)
    except BlockingIOError as error:
        raise HeldError from error
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        raise LockError(
            f"{file.parent} is on a file system that refuses file locks ({error.strerror}); keep "
            "the repository on another, or name an index on another with --db"
        ) from error


def _open(file: Path) -> int:
    return os.open(file, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _is_at(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False
