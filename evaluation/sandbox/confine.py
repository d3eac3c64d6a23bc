"""Starts a program with limits, and if asked to with Landlock; ends whatever it leaves behind.

A script of its own, which needs nothing but Python, Linux and what it is told:

    python -I -S confine.py '{"limits": {...}, "read": [...], "write": [...]}' PROGRAM ARGUMENTS...

It stays as the program's parent and becomes the parent of what is left behind. On SIGTERM it ends
the program. It exits as the program does, with 128 and the signal's number where one ended it.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from types import FrameType
from typing import Any

_SET_DEATH_SIGNAL = 1
_SET_SUBREAPER = 36
_SET_NO_NEW_PRIVILEGES = 38
_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446
_VERSION_FLAG = 1
_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_ALL_OF = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights on files there are, by the ABI version that brought more."""
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15
"""The rights that a file can have; the others are of folders."""
_TCP = 3
_SCOPES = 3


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def landlock_version() -> int:
    """Return the version of Landlock's ABI that the kernel has; 0 for none."""
    if sys.platform != "linux":
        return 0
    found = _libc().syscall(
        _CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG)
    )
    return max(int(found), 0)


class _Rules(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _Below(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def _restrict(read: list[str], write: list[str], *, network: bool) -> None:
    """Allow this process and its children these folders only, and without `network` no TCP."""
    version = landlock_version()
    n_rights = max(n for since, n in _ALL_OF.items() if since <= version)
    every = (1 << n_rights) - 1
    rules = _Rules(
        every, _TCP if version >= 4 and not network else 0, _SCOPES if version >= 6 else 0
    )
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    libc = _libc()
    ruleset = libc.syscall(
        _CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), ctypes.c_uint32(0)
    )
    _check(ruleset)
    for paths, rights in ((read, _READ), (write, every)):
        for path in paths:
            folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
            allowed = rights & every
            if not os.path.isdir(path):  # noqa: PTH112  (nothing but what it needs is imported)
                allowed &= _OF_FILES
            below = _Below(allowed, folder)
            done = libc.syscall(
                _ADD_RULE, ruleset, ctypes.c_int(_BENEATH), ctypes.byref(below), ctypes.c_uint32(0)
            )
            _check(done)
            os.close(folder)
    _check(libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _check(libc.syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0)))
    os.close(ruleset)


def _check(returned: int) -> None:
    if returned < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _end_children() -> None:
    """Kill all that is left of the program, until nothing is."""
    while True:
        try:
            with open("/proc/self/task/" + str(os.getpid()) + "/children") as file:  # noqa: PTH123
                children = [int(word) for word in file.read().split()]
        except OSError:
            return
        if not children:
            return
        for child in children:
            try:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            except (ProcessLookupError, ChildProcessError):
                pass


def main(arguments: list[str]) -> int:
    """Run the program that the arguments name."""
    asked = json.loads(arguments[0])
    libc = _libc()
    if sys.platform == "linux":
        libc.prctl(_SET_SUBREAPER, 1, 0, 0, 0)
        libc.prctl(_SET_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
    child = os.fork()
    if child == 0:
        try:
            for name, limit in asked["limits"].items():
                number = getattr(resource, name)
                hard = resource.getrlimit(number)[1]
                most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
                resource.setrlimit(number, (most, most))
            if asked["is_restricted"]:
                _restrict(asked["read"], asked["write"], network=asked["network"])
            os.execve(arguments[1], arguments[1:], os.environ)
        except OSError as error:
            print("rsidx cannot confine a check:", error, file=sys.stderr)
        os._exit(127)

    def end(_number: int, _frame: FrameType | None) -> None:
        os.kill(child, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    _, status = os.waitpid(child, 0)
    _end_children()
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
