"""The repositories of a corpus on this machine: where they are listed, or cloned from there."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rsidx.corpus.repositories import Listed
from rsidx.corpus.workspace import Workspace
from rsidx.errors import RepositoryError
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.git.remote import clone
from rsidx.indexer.git.repository import Repository
from rsidx.locking import HeldError, locked

_LOOK_S = 0.2


@dataclass(frozen=True)
class Fetching:
    """How repositories are cloned: with options of git, and so many at once on one machine."""

    options: tuple[str, ...] = ()
    at_once: int = 2


ONE_AT_A_TIME = Fetching(at_once=1)


def repository_of(
    listed: Listed, work: Workspace, fetching: Fetching = ONE_AT_A_TIME
) -> Repository:
    """Return a repository; one that is listed by its URL is cloned if it is not there.

    Where the work folder is an object store, clones are in the system's temporary folder. Raises
    RepositoryError.
    """
    if not listed.is_url:
        return discover(Path(listed.address), is_named=True)
    clones = _clones(work)
    folder = clones / f"{listed.slug}.git"
    if not folder.exists():
        with _turn(clones, fetching.at_once):
            try:
                clone(listed.address, folder, fetching.options)
            except RepositoryError as error:
                # From None: what git says may repeat the address, and logs have each cause.
                raise RepositoryError(_without_user(str(error), listed.address)) from None
    return discover(folder, is_named=True)


def _without_user(text: str, address: str) -> str:
    """Return a text without the user and password of an address."""
    user = address.partition("://")[2].rpartition("@")[0]
    return text.replace(user, "***") if user else text


def _clones(work: Workspace) -> Path:
    if work.folder.is_local():
        return work.local("clones")
    return Path(tempfile.gettempdir()) / "rsidx-clones"


@contextmanager
def _turn(clones: Path, at_once: int) -> Iterator[None]:
    """Wait until fewer than so many tasks of this machine clone."""
    clones.mkdir(parents=True, exist_ok=True, mode=0o700)
    with ExitStack() as stack:
        while True:
            for number in range(at_once):
                with suppress(HeldError):
                    stack.enter_context(locked(clones / f".turn-{number}"))
                    yield
                    return
            time.sleep(_LOOK_S)
