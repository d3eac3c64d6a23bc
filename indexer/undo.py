"""What was written over a file's text, so that it can be taken back.

The log is a file of JSON lines for a worktree, with the text before each write; the newest is last.
A write is undone only while the file is as the write left it, so nothing else is ever lost.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rsidx.errors import RsidxError
from rsidx.files import put
from rsidx.locking import HeldError, locked

MAX_WRITES = 20
_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Write:
    """A write to a file: its text before, None for a new file, and a digest of it after."""

    path: str
    before: str | None
    after: str

    @property
    def text(self) -> bytes | None:
        """The text before."""
        if self.before is None:
            return None
        return zlib.decompress(base64.b64decode(self.before))


class UndoLog:
    """The log of a worktree, which holds the last `MAX_WRITES` writes."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers of the worktree out; raises RsidxError where one is at it."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with locked(self._file.with_suffix(".lock")):
                yield
        except HeldError as error:
            raise RsidxError("another rsidx writes to this worktree; run it again") from error

    @contextmanager
    def noted(self, path: str, before: bytes | None, after: bytes) -> Iterator[None]:
        """Note the write that is made in the block, and forget it where that fails.

        It is noted first: whoever is killed in between has a write too many in the log, which is
        never undone, since no file is as it would have left it.
        """
        packed = None if before is None else base64.b64encode(zlib.compress(before)).decode()
        write = Write(path, packed, _digest(after))
        with self.locked():
            earlier = self._read()
            self._write([*earlier, write][-MAX_WRITES:])
            try:
                yield
            except BaseException:
                self._write(earlier)
                raise

    def last(self, path: str, current: bytes | None) -> Write | None:
        """Return the newest write that left a file as it is; None where none did."""
        now = _digest(current) if current is not None else ""
        return next(
            (one for one in reversed(self._read()) if (one.path, one.after) == (path, now)), None
        )

    def has(self, path: str) -> bool:
        """Tell whether a write to a file is known."""
        return any(one.path == path for one in self._read())

    def remove(self, write: Write) -> None:
        """Forget a write that was taken back, and those to its file that came later."""
        writes = self._read()
        at = max((n for n, one in enumerate(writes) if one == write), default=len(writes))
        self._write([one for n, one in enumerate(writes) if n < at or one.path != write.path])

    def _read(self) -> list[Write]:
        try:
            lines = self._file.read_bytes().splitlines()
            return [Write(**json.loads(line)) for line in lines]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError) as error:
            raise RsidxError(f"{self._file} cannot be read; remove it: {error}") from error

    def _write(self, writes: Sequence[Write]) -> None:
        text = "".join(json.dumps(asdict(one)) + "\n" for one in writes)
        put(self._file, text.encode(), mode=_MODE)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
