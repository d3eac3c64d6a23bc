"""Watching the refs, for commits by tools that run no hooks.

What the file system says only wakes: whether anything has changed, the refs decide, and they are
looked at now and then in any case, for events get lost.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from rsidx.errors import RepositoryError
from rsidx.hooks import worker
from rsidx.hooks.worker import Report
from rsidx.indexer.git import Repository
from rsidx.indexer.history import ref_state

_QUIET_S = 0.2
_PATIENCE_S = 2.0
_KINDS = ("created", "modified", "moved", "deleted")
_FILES = ("HEAD", "packed-refs", "tables.list")
_FOLDERS = ("refs", "reftable", "worktrees")
_log = logging.getLogger("rsidx")


def watch(
    repository: Repository,
    db: str,
    *,
    max_bytes: int,
    poll_s: float,
    report: Report,
) -> None:
    """Take in what is new whenever a ref moves; returns never, an exception ends it.

    Raises RepositoryError where another one watches this repository.
    """
    with _alone(repository), _events(repository) as changed:
        seen = None
        while True:
            changed.clear()
            refs = ref_state(repository)
            if refs != seen and worker.run(repository, db, max_bytes=max_bytes, report=report):
                seen = refs
            if changed.wait(poll_s):
                _settle(changed)


def _settle(changed: threading.Event) -> None:
    """Wait until nothing has happened for a moment, but not for ever."""
    end = time.monotonic() + _PATIENCE_S
    while changed.is_set() and time.monotonic() < end:
        changed.clear()
        changed.wait(_QUIET_S)


@contextmanager
def _alone(repository: Repository) -> Iterator[None]:
    file = repository.common_dir / "rsidx" / "watch.lock"
    file.parent.mkdir(exist_ok=True, mode=0o700)
    lock = FileLock(file, timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout as error:
        raise RepositoryError(f"another `rsidx watch` is at work in {file.parent}") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _events(repository: Repository) -> Iterator[threading.Event]:
    """Yield what is set when a ref may have moved; where nothing can be watched, it never is."""
    changed = threading.Event()
    observer: Any = Observer()
    handler = _Handler(repository.common_dir, changed, observer)
    try:
        observer.schedule(handler, str(repository.common_dir), recursive=False)
        handler.schedule_folders()
        observer.start()
    except OSError as error:
        _log.warning("nothing can be watched (%s): the refs are only polled", error.strerror)
        yield changed
        return
    try:
        yield changed
    finally:
        observer.stop()
        observer.join()


class _Handler(FileSystemEventHandler):
    """Sets an event when something is written where refs are.

    Reading them, as git does all the time and so does the index, is no event.
    """

    def __init__(self, folder: Path, changed: threading.Event, observer: Any) -> None:
        self._folder = folder
        self._changed = changed
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
            self._changed.set()
        if event.event_type == "created" and any(path.name in _FOLDERS for path in paths):
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
