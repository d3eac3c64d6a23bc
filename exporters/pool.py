"""Making entries on all cores: each process has a stretch of history of its own.

A stretch is walked in the order of history, so that a process sees versions of the same files
and goes from one tree to the next. Who is done takes over from the end of the longest stretch
that is left.
"""

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

from sqlalchemy import make_url

from rsidx.errors import ExportError
from rsidx.exporters.config import Config
from rsidx.exporters.entries import pack
from rsidx.exporters.make import Maker, writing_tools
from rsidx.exporters.phases import Phases
from rsidx.processes import begin_as_worker
from rsidx.store import queries
from rsidx.store.cache import share_cache
from rsidx.store.database import Database
from rsidx.store.reader import Reader
from rsidx.store.rows import CommitRow

_COMMITS_A_TASK = 24
_TASKS_AHEAD = 2
SERIAL_COMMITS = 48
"""So many commits and fewer are made in this process: others take longer to start."""

Made = list[tuple[bytes, bytes]]
"""Packed entries by commit."""
_Task = Sequence[CommitRow]


def make_here(maker: Maker, commits: Sequence[CommitRow]) -> Generator[Made]:
    """Yield the entries of commits, some at a time, made in this process."""
    for start in range(0, len(commits), _COMMITS_A_TASK):
        yield _make(maker, commits[start : start + _COMMITS_A_TASK])


def make_on_cores(
    database: Database,
    cache_file: Path,
    config: Config,
    commits: Sequence[CommitRow],
    *,
    jobs: int,
    phases: Phases,
) -> Generator[Made]:
    """Yield the entries of commits, in any order, made by `jobs` processes.

    Raises ExportError where one of them dies.
    """
    tasks = [commits[i : i + _COMMITS_A_TASK] for i in range(0, len(commits), _COMMITS_A_TASK)]
    edges = [len(tasks) * number // jobs for number in range(jobs + 1)]
    stretches = [deque(tasks[a:b]) for a, b in pairwise(edges)]
    url = database.url.render_as_string(hide_password=False)
    with ExitStack() as stack:
        workers = [_Worker(url, cache_file, config) for _ in range(jobs)]
        for worker in workers:
            stack.callback(worker.close)
        running: dict[Future[tuple[Made, dict[str, float]]], int] = {}
        for number in list(range(jobs)) * _TASKS_AHEAD:
            _send(workers, number, stretches, running)
        try:
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    number = running.pop(future)
                    made, seconds = future.result()
                    _send(workers, number, stretches, running)
                    phases.add(seconds)
                    yield made
        except BrokenProcessPool as error:
            raise ExportError(
                "a process of the export died (out of memory?); what was made is kept: run the "
                "command again, with --jobs 1 if it happens again"
            ) from error


class _Worker:
    """A process; it keeps its reader and resolver from task to task."""

    def __init__(self, url: str, cache_file: Path, config: Config) -> None:
        self._executor = ProcessPoolExecutor(
            1,
            mp_context=get_context("spawn"),
            initializer=_start_worker,
            initargs=(url, cache_file, config),
        )

    def submit(self, task: _Task) -> Future[tuple[Made, dict[str, float]]]:
        return self._executor.submit(_make_in_worker, task)

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)


def _send(
    workers: Sequence[_Worker],
    number: int,
    stretches: Sequence[deque[_Task]],
    running: dict[Future[tuple[Made, dict[str, float]]], int],
) -> None:
    """Give a worker the next task of its stretch, or the last one of the longest."""
    longest = max(stretches, key=len)
    if stretches[number] or longest:
        task = stretches[number].popleft() if stretches[number] else longest.pop()
        running[workers[number].submit(task)] = number


def _make(maker: Maker, commits: _Task) -> Made:
    entries = zip(commits, maker.entries(commits), strict=True)
    return [(commit.oid, pack(entry)) for commit, entry in entries]


_maker: Maker | None = None
_worker_stack = ExitStack()


def _start_worker(url: str, cache_file: Path, config: Config) -> None:
    global _maker  # noqa: PLW0603  (a worker process has exactly one)
    begin_as_worker()
    encoder, _, renderer = writing_tools(config)
    encoder.keep_in(_worker_stack.enter_context(share_cache(cache_file, encoder.identity)))
    database = Database(make_url(url), create=False)
    connection = _worker_stack.enter_context(database.browsing())
    repository_id = queries.repository_id(connection, config.name)
    assert repository_id is not None
    reader = Reader(connection, repository_id)
    _maker = Maker(reader, config, renderer)


def _make_in_worker(commits: _Task) -> tuple[Made, dict[str, float]]:
    assert _maker is not None
    _maker.phases = Phases()
    made = _make(_maker, commits)
    return made, _maker.phases.seconds
