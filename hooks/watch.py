"""Watching the refs, for commits by tools that run no hooks.

What the file system says only wakes: whether anything has changed, the refs decide, and they are
looked at now and then in any case, for events get lost.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from rsidx.errors import NewerIndexError, RepositoryError, RsidxError
from rsidx.hooks.worker import FAILED
from rsidx.indexer.git.history import ref_state
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.ingest import Progress
from rsidx.locking import HeldError, locked

_QUIET_S = 0.2
_PATIENCE_S = 2.0
_KINDS = ("created", "modified", "moved", "deleted")
_FILES = ("HEAD", "packed-refs", "tables.list")
_FOLDERS = ("refs", "reftable", "worktrees")
_log = logging.getLogger("rsidx")


class Wakes:
    """What wakes the watcher, and what ends it; a signal's handler may call `stop`.

    A handler runs between any two steps of the main thread, so it may neither raise there nor
    take a lock that this thread may hold, as setting a `threading.Event` does.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.is_stopping = False

    def wake(self) -> None:
        """Have the refs looked at."""
        if self._queue.empty():
            self._queue.put(None)

    def stop(self) -> None:
        """End the watcher: at once, or after the batch that is being written."""
        self.is_stopping = True
        self._queue.put(None)

    def wait(self, seconds: float) -> bool:
        """Wait to be woken; tell whether that came before so many seconds were over."""
        try:
            self._queue.get(timeout=seconds)
        except queue.Empty:
            return False
        return True


class _StoppedError(Exception):
    """The watcher was asked to end while it was writing."""


Update = Callable[[Progress], None]
"""Brings the index up to date; what the `Progress` that it calls raises ends it."""


def watch(
    repository: Repository,
    wakes: Wakes,
    update: Update,
    *,
    poll_s: float,
    ready: Callable[[], None],
) -> None:
    """Take in what is new whenever a ref moves, until `wakes` is stopped; calls `ready` once.

    Raises RepositoryError where another one watches this repository, and NewerIndexError.
    """
    with _alone(repository), _events(repository, wakes):
        ready()
        seen, complaint = None, ""
        while not wakes.is_stopping:
            refs = ref_state(repository)
            if refs != seen:
                text = _complaint_of(update, wakes)
                seen = refs if text is None else None
                if text is not None and text != complaint:
                    _log.error("%s: %s", FAILED, text)
                complaint = text or ""
            if wakes.wait(poll_s):
                _settle(wakes)


def _complaint_of(update: Update, wakes: Wakes) -> str | None:
    """Bring the index up to date and return what went wrong, None where nothing did."""

    def end_if_stopped(_done: int, _total: int) -> None:
        if wakes.is_stopping:
            raise _StoppedError

    try:
        update(end_if_stopped)
    except NewerIndexError:
        raise
    except _StoppedError:
        return None
    except Exception as error:
        # Ctrl-C reaches the gits that are at work, too: that they ended is no fault then.
        if wakes.is_stopping:
            return None
        if not isinstance(error, RsidxError):
            _log.info("%s", FAILED, exc_info=True)
        return str(error) if isinstance(error, RsidxError) else f"{type(error).__name__}: {error}"
    return None


def _settle(wakes: Wakes) -> None:
    """Wait until nothing has happened for a moment, but not for ever."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end and not wakes.is_stopping:
        if not wakes.wait(_QUIET_S):
            return


@contextmanager
def _alone(repository: Repository) -> Iterator[None]:
    file = repository.common_dir / "rsidx" / "watch.lock"
    file.parent.mkdir(exist_ok=True, mode=0o700)
    try:
        with locked(file):
            yield
    except HeldError as error:
        raise RepositoryError(f"another `rsidx watch` is at work in {file.parent}") from error


@contextmanager
def _events(repository: Repository, wakes: Wakes) -> Iterator[None]:
    """Have the file system wake the watcher; where nothing can be watched, it is only polled."""
    observer: Any = Observer()
    handler = _Handler(repository.common_dir, wakes, observer)
    before = threading.excepthook
    threading.excepthook = _log_dead_thread
    try:
        try:
            observer.schedule(handler, str(repository.common_dir), recursive=False)
            handler.schedule_folders()
            observer.start()
        except OSError as error:
            _log.warning("nothing can be watched (%s): the refs are only polled", error.strerror)
        yield
    finally:
        observer.stop()
        if observer.is_alive():
            observer.join()
        threading.excepthook = before


def _log_dead_thread(dead: threading.ExceptHookArgs) -> None:
    """Log why one of watchdog's threads ended; the refs are polled in any case."""
    if dead.exc_value is not None:
        info = (dead.exc_type, dead.exc_value, dead.exc_traceback)
        _log.info("a thread that watches files ended", exc_info=info)


class _Handler(FileSystemEventHandler):
    """Wakes the watcher when something is written where refs are.

    Reading them, as git does all the time and so does the index, is no event.
    """

    def __init__(self, folder: Path, wakes: Wakes, observer: Any) -> None:
        self._folder = folder
        self._wakes = wakes
        self._observer = observer
        self._scheduled: set[str] = set()

    def schedule_folders(self) -> None:
        """Watch those of the folders with refs that are there."""
        for name in _FOLDERS:
            if name not in self._scheduled and (self._folder / name).is_dir():
                self._observer.schedule(self, str(self._folder / name), recursive=True)
                self._scheduled.add(name)

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in _KINDS:
            return
        paths = [Path(_text(path)) for path in (event.src_path, event.dest_path) if path]
        if any(self._is_of_refs(path) for path in paths):
            self._wakes.wake()
        if event.event_type == "created" and any(path.name in _FOLDERS for path in paths):
            # A folder may be gone again, and the watches of the system used up.
            with suppress(OSError):
                self.schedule_folders()

    def _is_of_refs(self, path: Path) -> bool:
        if path.suffix == ".lock":
            return False
        try:
            parts = path.relative_to(self._folder).parts
        except ValueError:
            return False
        return path.name in _FILES or parts[:1] == ("refs",)


def _text(path: str | bytes) -> str:
    return path if isinstance(path, str) else path.decode("utf-8", "surrogateescape")
