"""Commits on all cores: each process has a stretch of history of its own.

Stretches come in the order of `rsidx.exporters.edits.snapshot.depth_first`, so that a process sees
versions of the same files and goes from one tree to the next. An idle process takes over from the
end of the longest stretch that is left. The parent process is also a worker: a parent that only
waited would cost another 200 MB.
"""

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from threading import Lock

from sqlalchemy import make_url

from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.pipeline.commit import CommitPipeline, writing_tools
from rsidx.exporters.pipeline.phases import Phases
from rsidx.exporters.pipeline.result import pack
from rsidx.processes import WorkerContext, begin_as_worker, keep_little_memory
from rsidx.store import queries
from rsidx.store.cache import share_cache
from rsidx.store.database import Database
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow

_COMMITS_A_TASK = 24
_TASKS_AHEAD = 2
_ALONE_COMMITS = 48
"""For this many commits or fewer, one process does it all: others take longer to start."""

PackedResults = tuple[list[tuple[bytes, bytes]], dict[str, float]]
"""Packed results by commit, and the seconds that each step took."""
_Task = Sequence[CommitRow]
_Answer = Future[PackedResults]


def make_results(
    pipeline: CommitPipeline,
    commits: Sequence[CommitRow],
    *,
    database: Database,
    cache_file: Path,
    config: ExportConfig,
    jobs: int,
) -> Generator[PackedResults]:
    """Yield the results of commits, in any order, made by `jobs` processes, this one included.

    Raises ExportError where one of the others dies.
    """
    keep_little_memory()
    n_helpers = jobs - 1 if len(commits) > _ALONE_COMMITS else 0
    tasks = _Tasks(commits, n_helpers + 1)
    n_left = tasks.n_tasks
    answers: SimpleQueue[_Answer] = SimpleQueue()
    url = database.url.render_as_string(hide_password=False)
    with ExitStack() as stack:
        for number in range(n_helpers):
            helper = _Helper(number, tasks, answers, (url, cache_file, config))
            stack.callback(helper.close)
            helper.start()
        try:
            while n_left:
                task = tasks.next_of(n_helpers)
                if task:
                    yield _make(pipeline, task)
                    n_left -= 1
                while n_left and not (task and answers.empty()):
                    yield answers.get().result()
                    n_left -= 1
        except BrokenProcessPool as error:
            raise ExportError(
                "a process of the export died (out of memory?); what was made is kept: run the "
                "command again, with --jobs 1 if it happens again"
            ) from error


class _Tasks:
    """Commits in stretches, one for each process."""

    def __init__(self, commits: Sequence[CommitRow], n_processes: int) -> None:
        n = _COMMITS_A_TASK
        tasks = [commits[start : start + n] for start in range(0, len(commits), n)]
        edges = [len(tasks) * number // n_processes for number in range(n_processes + 1)]
        self.n_tasks = len(tasks)
        self._stretches = [deque(tasks[a:b]) for a, b in pairwise(edges)]
        self._lock = Lock()

    def next_of(self, number: int) -> _Task:
        """Take the next task of a process, or the last one of the longest stretch; () for none."""
        with self._lock:
            if self._stretches[number]:
                return self._stretches[number].popleft()
            longest = max(self._stretches, key=len)
            return longest.pop() if longest else ()


class _Helper:
    """Another process; it keeps its reader and resolver from task to task.

    It gets its next task when it has done one, whatever this process is busy with.
    """

    def __init__(
        self,
        number: int,
        tasks: _Tasks,
        answers: "SimpleQueue[_Answer]",
        arguments: tuple[str, Path, ExportConfig],
    ) -> None:
        self._number = number
        self._tasks = tasks
        self._answers = answers
        self._is_closing = False
        self._executor = ProcessPoolExecutor(
            1, mp_context=WorkerContext(), initializer=_start_helper, initargs=arguments
        )

    def start(self) -> None:
        """Send the first tasks."""
        for _ in range(_TASKS_AHEAD):
            self._send()

    def _send(self) -> None:
        task = self._tasks.next_of(self._number)
        if task:
            try:
                self._executor.submit(_make_in_helper, task).add_done_callback(self._finished)
            except RuntimeError as error:  # It is broken, or was closed meanwhile.
                answer: _Answer = Future()
                answer.set_exception(error)
                self._answers.put(answer)

    def _finished(self, answer: _Answer) -> None:
        if not self._is_closing and not answer.cancelled() and answer.exception() is None:
            self._send()
        self._answers.put(answer)

    def close(self) -> None:
        """End the process; it does not begin another task."""
        self._is_closing = True
        self._executor.shutdown(wait=True, cancel_futures=True)


def _make(pipeline: CommitPipeline, commits: _Task) -> PackedResults:
    phases = Phases()
    results = zip(commits, pipeline.results(commits, phases), strict=True)
    return [(commit.oid, pack(result)) for commit, result in results], phases.seconds


_pipeline: CommitPipeline | None = None
_helper_stack = ExitStack()


def _start_helper(url: str, cache_file: Path, config: ExportConfig) -> None:
    global _pipeline  # noqa: PLW0603  (a helper has exactly one)
    begin_as_worker()
    encoder, _, renderer = writing_tools(config)
    encoder.keep_in(_helper_stack.enter_context(share_cache(cache_file, encoder.identity)))
    database = Database(make_url(url), create=False, is_known=True)
    connection = _helper_stack.enter_context(database.long_read())
    repository_id = queries.repository_id(connection, config.name)
    assert repository_id is not None
    reader = Reader(connection, repository_id)
    _pipeline = CommitPipeline(reader, config, renderer)


def _make_in_helper(commits: _Task) -> PackedResults:
    assert _pipeline is not None
    return _make(_pipeline, commits)
