"""Putting a file in place as a whole."""

import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def put(
    path: Path,
    content: bytes,
    check: Callable[[], None] | None = None,
    *,
    mode: int | None = None,
) -> None:
    """Write a temporary file beside `path` and rename it, with the old file's owner and mode.

    `mode` is used in place of the old file's. `check` is called just before the rename, and may
    raise to cancel it. If anything fails, the old file is left as it was.
    """
    beside = path.with_name(f".rsidx-{secrets.token_hex(6)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with suppress(FileNotFoundError):
                _take_after(file.fileno(), path.stat())
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if check is not None:
            check()
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _take_after(descriptor: int, status: os.stat_result) -> None:
    with suppress(PermissionError):
        os.fchown(descriptor, status.st_uid, status.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
