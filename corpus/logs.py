"""datatrove's logger, which leaves the sinks of the program alone that it works for.

datatrove removes all sinks of loguru, and adds one on stderr, when it is imported and around each
task. So it gets a logger whose sinks are its own. What it says goes to the sinks of the program,
too; its own are the files of the tasks.
"""

import sys
from contextlib import suppress
from typing import Any

import loguru
import multiprocess

_logger = loguru.logger


class _Logger:
    """loguru's logger, but for what datatrove adds and removes.

    Tracebacks of its sinks show no variables: addresses may hold passwords.
    """

    def __init__(self) -> None:
        self._own: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(_logger, name)

    def add(self, sink: Any, **options: Any) -> None:
        """Add a sink, but for stderr: the program says what happens."""
        if sink is not sys.stderr:
            self._own.append(_logger.add(sink, **{**options, "diagnose": False}))

    def remove(self) -> None:
        """Remove the sinks that were added; in a process that does tasks alone, all."""
        if multiprocess.parent_process() is not None:
            _logger.remove()
            self._own.clear()
        while self._own:
            with suppress(ValueError):  # The program has removed it.
                _logger.remove(self._own.pop())


def keep_sinks() -> None:
    """Have datatrove leave the sinks of the program alone, also when it is imported now."""
    loguru.logger = _Logger()  # type: ignore[assignment]
    try:
        import datatrove.utils.logging  # noqa: PLC0415  (where it imports loguru's logger)
    finally:
        loguru.logger = _logger
    if not isinstance(datatrove.utils.logging.logger, _Logger):
        datatrove.utils.logging.logger = _Logger()
