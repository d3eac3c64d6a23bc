"""The locks of an index: one writer at a time, and nothing dropped under a reader.

A long reader holds no transaction, so that no writer waits for it: with a rollback journal, an
open one would keep every commit out. What it reads is only ever added to; what drops or rewrites
rows waits for no reader either, but says so and does nothing.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, func, select

from rsidx.errors import IndexInUseError, IndexStoreError
from rsidx.locking import HeldError, acquire, lock

_WRITERS, _READERS = 0x72736964_78000001, 0x72736964_78000002
"""What the two are called on a server, for each of its databases."""
_POLL_S = 0.1
_WRITTEN = "another process is writing to the index"
_READ = "an export is reading the index; run this again when it is done"


Waiting = Callable[[], None]
"""Called again and again while a lock is waited for."""


class Locks(Protocol):
    """The locks of one index."""

    def writing(
        self, timeout_s: float, waiting: Waiting | None = None
    ) -> AbstractContextManager[None]:
        """Hold the lock of all that write; -1 waits without end.

        `waiting` is called now and then meanwhile, and may raise to give up. Raises
        IndexInUseError if the lock cannot be acquired in time.
        """

    def reading(self) -> AbstractContextManager[None]:
        """Keep what is there from being dropped; any number of readers may."""

    def without_readers(self) -> AbstractContextManager[None]:
        """Let nobody read for long; raises IndexInUseError at once where somebody does."""


class FileLocks:
    """Locks on files beside the index's, which go with the process that holds them."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @contextmanager
    def writing(self, timeout_s: float, waiting: Waiting | None = None) -> Iterator[None]:
        """Hold the writers' lock, see `Locks`."""
        file = self._file.with_name(f"{self._file.name}.lock")
        end = time.monotonic() + timeout_s
        while True:
            try:
                descriptor = acquire(file)
                break
            except HeldError as error:
                if timeout_s >= 0 and time.monotonic() >= end:
                    raise IndexInUseError(_WRITTEN) from error
                if waiting is not None:
                    waiting()
                time.sleep(_POLL_S)
            except OSError as error:
                raise self._unwritable(error) from error
        try:
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the readers' lock with other readers, see `Locks`."""
        try:
            descriptor = self._open()
        except OSError:
            # Nobody drops anything where nothing can be written.
            yield
            return
        try:
            lock(descriptor, self._file, fcntl.LOCK_SH)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def without_readers(self) -> Iterator[None]:
        """Hold the readers' lock alone, see `Locks`."""
        try:
            descriptor = self._open()
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            try:
                lock(descriptor, self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except HeldError as error:
                raise IndexInUseError(_READ) from error
            yield
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        return os.open(f"{self._file}.readers", os.O_CREAT | os.O_RDWR, 0o600)

    def _unwritable(self, error: OSError) -> IndexStoreError:
        return IndexStoreError(f"cannot write beside {self._file}: {error.strerror}")


class ServerLocks:
    """Advisory locks of PostgreSQL, which go with the session that holds them.

    A session of its own holds each, so that a commit does not let go of it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def writing(self, timeout_s: float, waiting: Waiting | None = None) -> Iterator[None]:
        """Hold the writers' lock, see `Locks`."""
        end = time.monotonic() + timeout_s
        with self._engine.connect() as session:
            while not _call(session, "pg_try_advisory_lock", _WRITERS):
                if timeout_s >= 0 and time.monotonic() > end:
                    raise IndexInUseError(_WRITTEN)
                if waiting is not None:
                    waiting()
                time.sleep(_POLL_S)
            try:
                yield
            finally:
                _call(session, "pg_advisory_unlock", _WRITERS)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the readers' lock with other readers, see `Locks`."""
        with self._engine.connect() as session:
            _call(session, "pg_advisory_lock_shared", _READERS)
            try:
                yield
            finally:
                _call(session, "pg_advisory_unlock_shared", _READERS)

    @contextmanager
    def without_readers(self) -> Iterator[None]:
        """Hold the readers' lock alone, see `Locks`."""
        with self._engine.connect() as session:
            if not _call(session, "pg_try_advisory_lock", _READERS):
                raise IndexInUseError(_READ)
            try:
                yield
            finally:
                _call(session, "pg_advisory_unlock", _READERS)


def _call(session: Connection, function: str, key: int) -> bool:
    answer = session.execute(select(getattr(func, function)(key))).scalar()
    # An open transaction would keep the server from cleaning up.
    session.commit()
    return bool(answer)


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
