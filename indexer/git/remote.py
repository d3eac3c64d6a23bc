"""Cloning a repository from where it is, without anything that runs programs."""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from rsidx.errors import RepositoryError
from rsidx.indexer.git.launcher import FLAGS, SAFE_ENVIRONMENT, execute, first_line

_ATTEMPTS = 3
_PAUSE_S = 5.0
_CLONE = (
    # In this protocol an address is a command.
    "-c",
    "protocol.ext.allow=never",
    "-c",
    "maintenance.auto=false",
    "clone",
    "--bare",
    "--quiet",
    "--template=",
)


def clone(address: str, folder: Path, options: Sequence[str] = ()) -> None:
    """Make a bare clone, without hooks and submodules; one that breaks off is begun anew.

    `options` are git's, such as `--filter=blob:limit=1m` or `--depth=1000`. Raises
    RepositoryError where git refuses several times.
    """
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    folder.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, _ATTEMPTS + 1):
        shutil.rmtree(unfinished, ignore_errors=True)
        status, _, err = execute(
            ["git", *FLAGS, *_CLONE, *options, "--", address, str(unfinished)],
            with_extended_output=True,
            with_exceptions=False,
            env=SAFE_ENVIRONMENT,
        )
        if not status:
            unfinished.rename(folder)
            return
        if attempt < _ATTEMPTS:
            time.sleep(_PAUSE_S * attempt)
    shutil.rmtree(unfinished, ignore_errors=True)
    raise RepositoryError(f"git cannot clone it: {first_line(err)}")
