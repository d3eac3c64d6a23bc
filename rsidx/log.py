"""Logging: by level to stderr, and everything from INFO on to a bounded file beside the index."""

import copy
import logging
import os
import re
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path

from rsidx.passwords import masked

_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+ \d+ ([A-Z]+) (.*)")
LEVELS = ("debug", "info", "warning", "error")
_MAX_BYTES = 500_000
_MAX_LINE_BYTES = 1000
_FORMAT = "%(asctime)s %(process)d %(levelname)s %(message)s"
logger = logging.getLogger("rsidx")


class _Formatter(logging.Formatter):
    """Leaves out the passwords of addresses, of those in a traceback, too."""

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


class _PrivateFileHandler(RotatingFileHandler):
    """A rotating file that only its owner can read; says nothing where there is no index yet."""

    def emit(self, record: logging.LogRecord) -> None:
        if Path(self.baseFilename).parent.is_dir():
            super().emit(record)

    def _open(self):  # type: ignore[no-untyped-def]  # The base class has no public type for it.
        os.close(os.open(self.baseFilename, os.O_CREAT | os.O_WRONLY, 0o600))
        return super()._open()


class _LibraryHandler(logging.Handler):
    """Writes what libraries log into our log file alone, as warnings.

    Without it Python prints them on stderr, where the user can do nothing about them. They are no
    errors of ours: where one is, an error of ours follows.
    """

    def __init__(self, file: logging.Handler | None) -> None:
        super().__init__(logging.WARNING)
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        if self._file is None or record.name.partition(".")[0] == logger.name:
            return
        own = copy.copy(record)
        own.levelno, own.levelname = logging.WARNING, "WARNING"
        own.msg, own.args = f"{record.name}: {record.getMessage()}", None
        self._file.handle(own)


def _is_ours(file: Path) -> bool:
    """Tell whether a file is a log of rsidx, empty or absent."""
    try:
        with file.open("rb") as lines:
            first = lines.readline(_MAX_LINE_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return not first or _LINE.match(first) is not None


def log_file(index: Path) -> Path:
    """Return where the log of an index is."""
    return Path(f"{index}.log")


def configure(level: str, file: Path | None) -> None:
    """Set up logging for this process.

    A file that cannot be written is done without, and so is one that is no log of rsidx.
    """
    logging.raiseExceptions = False
    logger.setLevel(logging.DEBUG)
    root = logging.getLogger()
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    for handler in list(root.handlers):
        if isinstance(handler, _LibraryHandler):
            root.removeHandler(handler)
    stderr = logging.StreamHandler()
    stderr.setLevel(level.upper())
    stderr.setFormatter(_Formatter("rsidx: %(message)s"))
    logger.addHandler(stderr)
    to_file: logging.Handler | None = None
    if file is not None and _is_ours(file) and _is_ours(Path(f"{file}.1")):
        to_file = _PrivateFileHandler(file, maxBytes=_MAX_BYTES, backupCount=1, delay=True)
        to_file.setLevel(min(logging.INFO, logging.getLevelName(level.upper())))
        to_file.setFormatter(_Formatter(_FORMAT))
        logger.addHandler(to_file)
    root.addHandler(_LibraryHandler(to_file))


@dataclass(frozen=True, slots=True)
class LastError:
    """The newest error in a log: when (local time), what, and whether a sync went well since."""

    time: str
    text: str
    is_over: bool


def last_error(file: Path) -> LastError | None:
    """Find the newest error in a log and the file that it was rotated from."""
    found: LastError | None = None
    for path in (Path(f"{file}.1"), file):
        try:
            lines = path.read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
        for line in lines:
            entry = _LINE.match(line)
            if entry is None:
                # The last line of a traceback is the error itself.
                if found is not None and not found.is_over and line[:1].strip():
                    found = LastError(found.time, line, is_over=False)
            elif entry[2] in ("ERROR", "CRITICAL"):
                found = LastError(entry[1], entry[3], is_over=False)
            elif found is not None and entry[3].startswith("sync: "):
                found = LastError(found.time, found.text, is_over=True)
    return found
