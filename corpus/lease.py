"""What keeps a second task out: in a folder a lock, in an object store a lease."""

import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rsidx.corpus.workspace import Workspace
from rsidx.errors import CorpusError
from rsidx.locking import HeldError, locked

_RENEW_S = 20.0
_DEAD_S = 180.0
"""A lease that was not renewed for so long is a dead task's. Clocks of machines differ by less."""
_LOOK_S = 2.0

Check = Callable[[], None]
"""Raises CorpusError if the lease was lost."""


@contextmanager
def alone(work: Workspace, name: str) -> Iterator[Check]:
    """Keep others out of a work folder; raises HeldError at once if another is in it."""
    if work.folder.is_local():
        file = work.local(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        with locked(file):
            yield lambda: None
    else:
        with leased(work, name) as check:
            yield check


@contextmanager
def leased(store: Workspace, name: str, *, waits: bool = False) -> Iterator[Check]:
    """Hold a lease in an object store; raises HeldError if another holds it, unless it `waits`.

    Who asks writes a file of its own, and holds the lease if there is no other then: of two who ask
    at once one sees the other, or both do. The file is renewed as long as the block runs.
    """
    leases = store.within(f"{name}.leases")
    own = uuid.uuid4().hex
    while not _take(leases, own):
        if not waits:
            raise HeldError
        # Not all at once: they would see each other again.
        time.sleep(_LOOK_S * random.uniform(0.5, 1.5))
    is_over, is_lost = threading.Event(), threading.Event()
    renewing = threading.Thread(
        target=_renew, args=(leases, own, is_over, is_lost), name=name, daemon=True
    )

    def check() -> None:
        if is_lost.is_set() or not _is_there(leases, own):
            raise CorpusError(f"it took too long to renew a lease ({name}): another task has it")

    renewing.start()
    try:
        yield check
    finally:
        is_over.set()
        renewing.join()
        leases.remove(own)


def _take(leases: Workspace, own: str) -> bool:
    if _others(leases, own):
        return False
    _write(leases, own)
    if _others(leases, own):
        leases.remove(own)
        return False
    return True


def _others(leases: Workspace, own: str) -> bool:
    """Return whether another holds or asks for a lease; remove those of the dead."""
    is_any = False
    for name in leases.files():
        if name == own:
            continue
        renewed = None
        with suppress(ValueError, OSError):
            renewed = leases.read_json(name)
        # One that cannot be read is being written, or was removed just now.
        if renewed is not None and time.time() - renewed > _DEAD_S:
            leases.remove(name)
        else:
            is_any = True
    return is_any


def _renew(leases: Workspace, own: str, is_over: threading.Event, is_lost: threading.Event) -> None:
    while not is_over.wait(_RENEW_S):
        # A store that does not answer once may answer the next time.
        with suppress(OSError):
            if not _is_there(leases, own):
                is_lost.set()
                return
            _write(leases, own)


def _is_there(leases: Workspace, own: str) -> bool:
    return own in leases.files()


def _write(leases: Workspace, own: str) -> None:
    leases.write_json(own, time.time())
