"""Running a program in a sandbox until it ends, or for as long as it may."""

import os
import select
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

_MAX_OUTPUT_BYTES = 64 << 20
_LOOK_S = 0.1
_GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a program.

    `status` is its exit status, negative for a signal; `output` and `errors` are the beginnings of
    what it wrote. `seconds` is wall time.
    """

    status: int
    output: bytes
    errors: bytes
    seconds: float
    is_timeout: bool


class StoppedError(Exception):
    """Somebody asked for all to end."""


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    timeout_s: float,
    stop: threading.Event,
    folder: str | None = None,
) -> Finished:
    """Run a command in a session of its own, which ends with it.

    Raises StoppedError when `stop` is set meanwhile, after the program has ended. What it writes
    goes to files, so nothing that it leaves behind keeps us waiting.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        held, holds = os.pipe()
        try:
            start = time.monotonic()
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, cwd=folder,
                env=dict(environment), start_new_session=True, pass_fds=(holds,),
            )  # fmt: skip
            os.close(holds)
            try:
                is_over = _wait(process, start + timeout_s, stop)
            finally:
                _end(process, held)
        finally:
            os.close(held)
        if not is_over and stop.is_set():
            raise StoppedError
        seconds = time.monotonic() - start
        return Finished(
            process.returncode, _beginning(output), _beginning(errors), seconds, not is_over
        )


def _wait(process: "subprocess.Popen[bytes]", deadline: float, stop: threading.Event) -> bool:
    """Wait for the end of a program; tell whether it came in time."""
    with _ended(process) as ended:
        while process.poll() is None:
            left = deadline - time.monotonic()
            if left <= 0 or stop.is_set():
                return False
            if ended is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(min(left, _LOOK_S))
            else:
                select.select([ended], [], [], min(left, _LOOK_S))
    return True


@contextmanager
def _ended(process: "subprocess.Popen[bytes]") -> Iterator[int | None]:
    """Give a descriptor that can be read once a program has ended; None where there is none.

    Python itself looks again and again, up to every 50 ms, which is a tenth of a short check.
    """
    if not hasattr(os, "pidfd_open"):
        yield None
        return
    descriptor = os.pidfd_open(process.pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _end(process: "subprocess.Popen[bytes]", held: int) -> None:
    """End a program, and wait until nothing that it started holds the pipe any more."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + _GRACE_S
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([held], [], [], left)[0] or not os.read(held, 4096):
            return


def _beginning(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read(_MAX_OUTPUT_BYTES)
