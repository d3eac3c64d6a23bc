"""The repositories of a corpus on this machine: where they are listed, or cloned from there."""

import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from rsidx.corpus.repositories import Listed
from rsidx.corpus.workspace import Workspace
from rsidx.errors import CorpusError, RepositoryError
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.git.remote import clone
from rsidx.indexer.git.repository import Repository
from rsidx.locking import HeldError, locked

_LOOK_S = 0.2


def repository_of(listed: Listed, work: Workspace, at_once: int = 1) -> Repository:
    """Return a repository; one that is listed by its URL is cloned if it is not there.

    So many are cloned at once on one machine. Raises RepositoryError, CorpusError where clones
    would lie where others could have put them.
    """
    folder = folder_of(listed, work)
    if listed.is_url and not folder.exists():
        with _turn(folder.parent, at_once):
            try:
                clone(listed.address, folder, listed.options)
            except RepositoryError as error:
                # From None: what git says may repeat the address, and logs have each cause.
                raise RepositoryError(_without_user(str(error), listed.address)) from None
    return discover(folder, is_named=True)


def folder_of(listed: Listed, work: Workspace) -> Path:
    """Return where a repository is on this machine, or where its clone would be."""
    return _clones(work) / f"{listed.kept_as}.git" if listed.is_url else Path(listed.address)


def _without_user(text: str, address: str) -> str:
    """Return a text without the user and password of an address."""
    user = address.partition("://")[2].rpartition("@")[0]
    return text.replace(user, "***") if user else text


def _clones(work: Workspace) -> Path:
    """Return the folder of clones; beside an object store it is a temporary one of the user's."""
    if work.folder.is_local():
        return work.local("clones")
    own = Path(tempfile.gettempdir()) / f"rsidx-{os.getuid()}"
    own.mkdir(exist_ok=True, mode=0o700)
    status = own.lstat()
    # Anybody may make a folder of this name there, or a link, and put clones into it.
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise CorpusError(f"{own} is not a folder of this user alone: remove it, or set TMPDIR")
    digest = hashlib.blake2b(work.address.encode(), digest_size=4).hexdigest()
    return own / f"clones-{digest}"


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
