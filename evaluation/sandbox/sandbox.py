"""Sandboxes: how a program of a repository is kept from files, network and other processes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from rsidx.errors import EvaluationError
from rsidx.evaluation.sandbox import confine

MAX_MEMORY_BYTES = 8 << 30
MAX_FILE_BYTES = 2 << 30
MAX_CPU_S = 300
MAX_TMP_BYTES = 1 << 30
_LIMITS = {
    "RLIMIT_AS": MAX_MEMORY_BYTES,
    "RLIMIT_FSIZE": MAX_FILE_BYTES,
    "RLIMIT_CPU": MAX_CPU_S,
    "RLIMIT_CORE": 0,
}
_PROBE_S = 30
# What programs, and a linker, need of the system; all of it may be read by anybody.
_SYSTEM = ("/usr", "/nix/store")
_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SETTINGS = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d")
_NETWORK_SETTINGS = (
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/hosts",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
)
_TREE, _TARGET = "/rsidx/tree", "/rsidx/target"


@dataclass(frozen=True, slots=True)
class Places:
    """The folders that a program is given.

    `tree` may be read, with `is_tree_writable` also written; `target` may be written, and so may
    `temporary`, where the sandbox has no folder of its own for temporary files. `read` are
    further folders that may be read, `write` those that may be written, each at its own path.
    """

    tree: Path
    target: Path
    temporary: Path
    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    is_tree_writable: bool = False
    has_network: bool = False


class Inside(NamedTuple):
    """What the folders are called inside."""

    tree: str
    target: str
    temporary: str


class Sandbox(Protocol):
    """Makes the command that runs another one in a sandbox."""

    @property
    def name(self) -> str:
        """What it is called in results."""

    def inside(self, places: Places) -> Inside:
        """Return what the folders are called inside."""

    def command(self, program: Sequence[str], places: Places) -> list[str]:
        """Return the command for a program, which is started in the tree."""


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """Namespaces by bubblewrap: no network, no home, no other processes, a read-only system."""

    program: str
    prlimit: str
    flags: tuple[str, ...]
    name: str = "bubblewrap"

    def inside(self, places: Places) -> Inside:  # noqa: ARG002  (the same for all)
        """Return fixed paths, so that what one worker built is of use to another."""
        return Inside(_TREE, _TARGET, "/tmp")

    def command(self, program: Sequence[str], places: Places) -> list[str]:
        """Return the command for a program."""
        return [
            *(self.prlimit, f"--as={MAX_MEMORY_BYTES}", f"--fsize={MAX_FILE_BYTES}"),
            *(f"--cpu={MAX_CPU_S}", "--core=0"),
            *(self.program, *self.flags, *(("--share-net",) if places.has_network else ())),
            *_system_mounts(network=places.has_network),
            *("--dev", "/dev", "--proc", "/proc"),
            *("--size", str(MAX_TMP_BYTES), "--tmpfs", "/tmp"),
            *(word for path in places.read for word in ("--ro-bind", str(path), str(path))),
            *(word for path in places.write for word in ("--bind", str(path), str(path))),
            *("--bind" if places.is_tree_writable else "--ro-bind", str(places.tree), _TREE),
            *("--bind", str(places.target), _TARGET),
            *("--remount-ro", "/", "--chdir", _TREE, "--", *program),
        ]


def _system_mounts(*, network: bool) -> Iterator[str]:
    for path in _SYSTEM:
        yield from ("--ro-bind-try", path, path)
    for path in _LINKS:
        if Path(path).is_symlink():
            yield from ("--symlink", str(Path(path).readlink()), path)
        else:
            yield from ("--ro-bind-try", path, path)
    for path in (*_SETTINGS, *(_NETWORK_SETTINGS if network else ())):
        yield from ("--ro-bind-try", path, path)


@dataclass(frozen=True, slots=True)
class Confined:
    """No namespaces: limits, and with `is_restricted` Landlock's rules on files and TCP.

    Other processes can be seen, and without Landlock everything else the user can do.
    """

    is_restricted: bool

    @property
    def name(self) -> str:
        """What it is called in results."""
        return "landlock" if self.is_restricted else "none"

    def inside(self, places: Places) -> Inside:
        """Return the paths as they are."""
        return Inside(str(places.tree), str(places.target), str(places.temporary))

    def command(self, program: Sequence[str], places: Places) -> list[str]:
        """Return the command for a program."""
        network = _NETWORK_SETTINGS if places.has_network else ()
        system = (*_SYSTEM, *_LINKS, *_SETTINGS, *network, "/dev", "/proc")
        read = [path for path in system if Path(path).exists()]
        write = [str(places.target), str(places.temporary), *(map(str, places.write)), "/dev/null"]
        (write if places.is_tree_writable else read).append(str(places.tree))
        asked = {
            "limits": _LIMITS,
            "is_restricted": self.is_restricted,
            "read": [*read, *map(str, places.read)],
            "write": write,
            "network": places.has_network,
        }
        script = [sys.executable, "-I", "-S", str(Path(confine.__file__))]
        return [*script, json.dumps(asked), *program]


def choose(*, no_sandbox: bool) -> Sandbox:
    """Return the best sandbox that works here: bubblewrap, else Landlock.

    Raises EvaluationError where neither does, unless `no_sandbox` says to do without.
    """
    if no_sandbox:
        return Confined(is_restricted=False)
    found = _bubblewrap()
    if found is not None:
        return found
    if confine.landlock_version():
        return Confined(is_restricted=True)
    raise EvaluationError(
        "checking runs build scripts and macros of the repository, and this system has neither "
        "bubblewrap (bwrap) nor Landlock to confine them; --no-sandbox runs them as you"
    )


def _bubblewrap() -> Bubblewrap | None:
    program, prlimit = shutil.which("bwrap"), shutil.which("prlimit")
    if program is None or prlimit is None:
        return None
    base = (
        *("--unshare-all", "--unshare-user", "--die-with-parent", "--new-session"),
        *("--cap-drop", "ALL", "--uid", "1000", "--gid", "1000"),
    )
    # Versions before 0.8 cannot forbid namespaces inside of theirs.
    for more in (("--disable-userns",), ()):
        candidate = Bubblewrap(program, prlimit, (*base, *more))
        places = Places(Path("/usr"), Path("/usr"), Path("/usr"))
        probe = candidate.command(["/usr/bin/env", "true"], places)
        # Nothing needs to be written for that.
        probe = ["--ro-bind" if word == "--bind" else word for word in probe]
        if _succeeds(probe):
            return candidate
    return None


def _succeeds(command: Sequence[str]) -> bool:
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, timeout=_PROBE_S, stdin=subprocess.DEVNULL,
            env=environment({}),
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return all that a program in a sandbox finds in its environment."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": os.devnull, **variables}
