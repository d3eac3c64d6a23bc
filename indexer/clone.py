"""What tells one clone from another: the id in its git folder, and the address of its `origin`."""

import hashlib
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from rsidx.files import put
from rsidx.indexer.git.repository import Repository

ID_FILE = "rsidx/id"
_ID_BYTES = 16
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:[^/@]*@)?(?P<host>[^/]*)(?P<path>.*)")
_SCP = re.compile(r"(?:[^/@:]*@)?(?P<host>[^/:]+):(?P<path>.*)")


def origin_of(repository: Repository) -> str | None:
    """Return where a repository's `origin` is, the same however its address is written.

    That is host and path, without scheme, user and password, or a path on this machine.
    """
    address = repository.origin_url
    return same_address(address, repository.folder) if address else None


def same_address(address: str, folder: Path) -> str:
    """Return the address of a repository, the same however it is written.

    That is host and path, without scheme, user and password, or a path on this machine: a relative
    one is relative to `folder`.
    """
    url, scp = _URL.fullmatch(address), _SCP.fullmatch(address)
    if url is not None and url["scheme"].lower() != "file":
        host = url["host"].lower()
        if "ssh" in url["scheme"].lower():
            host = host.partition(":")[0]
        return f"{host}/{_path(url['path'])}"
    if url is None and scp is not None:
        return f"{scp['host'].lower()}/{_path(scp['path'])}"
    path = url["path"] if url is not None else address
    whole = os.path.normpath(folder / path)
    return "/" + _path(whole.removesuffix("/.git"))


def _path(path: str) -> str:
    return path.strip("/").removesuffix(".git").rstrip("/")


def read_id(repository: Repository) -> bytes | None:
    """Return a clone's id; for one that can have no file, a digest of its place."""
    found = id_in(repository.common_dir)
    if found is None and not os.access(repository.common_dir, os.W_OK):
        return _digest(repository)
    return found


def id_in(git_folder: Path) -> bytes | None:
    """Return the id of the clone with this git folder; None where it has no such file."""
    with suppress(OSError, ValueError):
        found = bytes.fromhex((git_folder / ID_FILE).read_text("ascii").strip())
        return found if len(found) == _ID_BYTES else None
    return None


def write_id(repository: Repository) -> bytes:
    """Give a clone a new id and return it: where it can have no file, a digest of its place."""
    fresh = secrets.token_bytes(_ID_BYTES)
    file = repository.common_dir / ID_FILE
    try:
        file.parent.mkdir(exist_ok=True, mode=0o700)
        put(file, f"{fresh.hex()}\n".encode(), mode=0o600)
    except OSError:
        return _digest(repository)
    return fresh


def _digest(repository: Repository) -> bytes:
    place = os.fsencode(repository.common_dir)
    return hashlib.blake2b(place, digest_size=_ID_BYTES).digest()
