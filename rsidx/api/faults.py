"""Faults of the system, as errors of rsidx."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rsidx.errors import RsidxError

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def path_of(given: str | os.PathLike[str]) -> Path:
    """Return a path that somebody named; raises RsidxError where no file can have it."""
    text = os.fspath(given)
    if not isinstance(text, str) or "\0" in text:
        raise RsidxError(f"{given!r} is no path")
    return Path(text)


@contextmanager
def explained() -> Iterator[None]:
    """Raise RsidxError in place of what the system raises in the block."""
    try:
        yield
    except OSError as error:
        # One without a number is not the system's but a program's, raised by what it had us call;
        # where nobody reads its output any more, the program knows what to do.
        if error.errno is None or isinstance(error, BrokenPipeError):
            raise
        raise RsidxError(_text(error)) from error
    except UnicodeEncodeError as error:
        raise RsidxError(f"{error.object!r} is no text") from error


def _text(error: OSError) -> str:
    reason = error.strerror or str(error)
    if not error.filename:
        return reason
    what = "cannot write " if error.errno in _NO_ROOM else ""
    return f"{what}{error.filename}: {reason}"
