"""Unit files that keep `rsidx watch` running."""

import plistlib
import sys
from pathlib import Path

from rsidx.errors import IndexStoreError
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.hook_api import has_password


def unit(system: str, repository: Repository, db: str) -> str:
    """Return the unit file of `systemd` or `launchd` for a repository and its index.

    Raises IndexStoreError for an address with a password, which would stand in the file.
    """
    if has_password(db):
        raise IndexStoreError(
            "a unit file cannot keep the password in --db; leave it out, and put it into ~/.pgpass"
        )
    place = repository.worktree or repository.git_dir
    command = [sys.executable, "-P", "-m", "rsidx", "watch", "-C", str(place), "--db", db]
    if system == "launchd":
        return _launchd(place, command)
    return f"""\
# ~/.config/systemd/user/rsidx-{place.name}.service; then
# systemctl --user enable --now rsidx-{place.name}.service
[Unit]
Description=rsidx: the index of {_escaped(place.name)}

[Service]
ExecStart={" ".join(f'"{_escaped(word)}"' for word in command)}
Restart=on-failure
RestartSec=10
Nice=10
IOSchedulingClass=idle
UMask=0077

[Install]
WantedBy=default.target
"""


def _escaped(word: str) -> str:
    r"""Escape what systemd would expand: `%` is a specifier, `$` a variable, `\` an escape."""
    for character, escape in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        word = word.replace(character, escape)
    return word


def _launchd(place: Path, command: list[str]) -> str:
    return plistlib.dumps(
        {
            "Label": f"rsidx.{place.name}",
            "ProgramArguments": command,
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "LowPriorityIO": True,
            "Nice": 10,
            "Umask": 0o077,
        }
    ).decode()
