"""The locks beside an index's file: one writer at a time, and nothing dropped under a reader.

A long reader holds no transaction, so that no writer waits for it: with a rollback journal, an
open one would keep every commit out. What it reads is only ever added to; what drops or rewrites
rows waits for no reader either, but says so and does nothing.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from rsidx.errors import IndexStoreError


@contextmanager
def writers_lock(file: Path, timeout_s: float = -1) -> Iterator[None]:
    """Hold the lock of all that write to an index; -1 waits without end.

    Raises IndexStoreError when it is not had in time.
    """
    lock = FileLock(f"{file}.lock", timeout=timeout_s, mode=0o600)
    try:
        lock.acquire()
    except Timeout as error:
        raise IndexStoreError("another process is writing to the index") from error
    except OSError as error:
        raise IndexStoreError(f"cannot write beside {file}: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def readers_lock(file: Path) -> Iterator[None]:
    """Keep what is in an index from being dropped; any number of readers may."""
    try:
        descriptor = _open(file)
    except OSError:
        # Nobody drops anything where nothing can be written.
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def without_readers(file: Path) -> Iterator[None]:
    """Let nobody read for long; raises IndexStoreError at once where somebody does."""
    try:
        descriptor = _open(file)
    except OSError as error:
        raise IndexStoreError(f"cannot write beside {file}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise IndexStoreError(
                "an export is reading the index; run this again when it is done"
            ) from error
        yield
    finally:
        os.close(descriptor)


def is_on_network(file: Path, mounts: Path = Path("/proc/mounts")) -> bool:
    """Tell whether a file is on a file system of another machine, as far as can be told."""
    found = ("", "")
    with suppress(OSError):
        for line in mounts.read_text("utf-8", "replace").splitlines():
            _, point, kind = line.split(" ")[:3]
            place = point.replace("\\040", " ")
            if file.is_relative_to(place) and len(place) >= len(found[0]):
                found = (place, kind)
    return found[1].removeprefix("fuse.") in _NETWORK


_NETWORK = frozenset(
    "9p afs beegfs ceph cifs glusterfs lustre nfs nfs4 smb3 smbfs sshfs virtiofs vboxsf".split()
)


def _open(file: Path) -> int:
    return os.open(f"{file}.readers", os.O_CREAT | os.O_RDWR, 0o600)
