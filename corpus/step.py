"""What all steps share: a step counts what it does in datatrove's statistics."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from multiprocessing.connection import wait
from os import _exit
from typing import Any, TypeAlias

import multiprocess
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from rsidx.corpus.logs import keep_sinks

Documents: TypeAlias = Iterable[Document]

# Each process that runs tasks imports this module before datatrove adds the log of a task.
keep_sinks()


class Step(PipelineStep):
    """A step of a pipeline; each of its tasks counts what it did."""

    type = "rsidx"

    def run(
        self, data: Documents | None = None, rank: int = 0, world_size: int = 1
    ) -> Iterator[Document]:
        """Yield the documents of a task; datatrove calls it."""
        _end_with_parent()
        with self.track_time():
            yield from self.documents(data or (), rank, world_size)

    def documents(self, data: Documents, rank: int, world_size: int) -> Iterator[Document]:
        """Yield the documents of a task, of `world_size` tasks."""
        raise NotImplementedError

    def count(self, counts: Counter[str]) -> None:
        """Add to the statistics."""
        for name, n in counts.items():
            self.stat_update(name, value=n)


class TaskStep(Step):
    """A step that reads and writes files, and passes no documents on."""

    def documents(self, data: Documents, rank: int, world_size: int) -> Iterator[Document]:
        """Do the task, once what comes before it is done."""
        yield from data
        self.count(self.task(rank, world_size))

    def task(self, rank: int, world_size: int) -> Counter[str]:
        """Do a task; return counts of what it did."""
        raise NotImplementedError


_watcher: threading.Thread | None = None


def _end_with_parent() -> None:
    """End this process with the one that started it, even if that is killed.

    The workers of a pool hold both ends of the queue that they read: nothing else tells them.
    """
    global _watcher  # noqa: PLW0603  (a process has one)
    parent: Any = multiprocess.parent_process()
    if parent is not None and _watcher is None:
        _watcher = threading.Thread(target=_wait_for, args=(parent.sentinel,), daemon=True)
        _watcher.start()


def _wait_for(sentinel: int) -> None:
    wait([sentinel])
    _exit(1)
