"""Logging: by level to stderr, and everything from INFO on to a bounded file beside the index."""

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

LEVELS = ("debug", "info", "warning", "error")
_MAX_BYTES = 500_000
_FORMAT = "%(asctime)s %(process)d %(levelname)s %(message)s"
logger = logging.getLogger("rsidx")


class _PrivateFileHandler(RotatingFileHandler):
    """A rotating file that only its owner can read; says nothing where there is no index yet."""

    def emit(self, record: logging.LogRecord) -> None:
        if Path(self.baseFilename).parent.is_dir():
            super().emit(record)

    def _open(self):  # type: ignore[no-untyped-def]  # The base class has no public type for it.
        os.close(os.open(self.baseFilename, os.O_CREAT | os.O_WRONLY, 0o600))
        return super()._open()


def configure(level: str, file: Path | None) -> None:
    """Set up logging for this process; a file that cannot be written is done without."""
    logging.raiseExceptions = False
    logger.setLevel(logging.DEBUG)
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    stderr = logging.StreamHandler()
    stderr.setLevel(level.upper())
    stderr.setFormatter(logging.Formatter("rsidx: %(message)s"))
    logger.addHandler(stderr)
    if file is not None:
        handler = _PrivateFileHandler(file, maxBytes=_MAX_BYTES, backupCount=1, delay=True)
        handler.setLevel(min(logging.INFO, logging.getLevelName(level.upper())))
        handler.setFormatter(logging.Formatter(_FORMAT))
        logger.addHandler(handler)
