"""Making entries on all cores: each process has a stretch of history of its own.

A stretch is walked in the order of history, so that a process sees versions of the same files
and goes from one tree to the next. Who is done takes over from the end of the longest stretch
that is left. The process that asks makes entries itself, too: another one for it to wait for would
take a fifth of a gigabyte more.
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
from rsidx.processes import begin_as_worker, keep_little_memory
from rsidx.store import queries
from rsidx.store.cache import share_cache
from rsidx.store.database import Database
from rsidx.store.reader import Reader
from rsidx.store.rows import CommitRow

_COMMITS_A_TASK = 24
_TASKS_AHEAD = 2
_ALONE_COMMITS = 48
"""So many commits and fewer are made by one process: others take longer to start."""

Made = list[tuple[bytes, bytes]]
"""Packed entries by commit."""
_Task = Sequence[CommitRow]
_Running = dict[Future[tuple[Made, dict[str, float]]], int]


def make_entries(
    maker: Maker,
    commits: Sequence[CommitRow],
    *,
    database: Database,
    cache_file: Path,
    config: Config,
    jobs: int,
) -> Generator[Made]:
    """Yield the entries of commits, in any order, made by `jobs` processes with this one.

    Raises ExportError where one of the others dies.
    """
    keep_little_memory()
    tasks = [commits[i : i + _COMMITS_A_TASK] for i in range(0, len(commits), _COMMITS_A_TASK)]
    n_helpers = jobs - 1 if len(commits) > _ALONE_COMMITS else 0
    edges = [len(tasks) * number // (n_helpers + 1) for number in range(n_helpers + 2)]
    # The last one is this process's own.
    stretches = [deque(tasks[a:b]) for a, b in pairwise(edges)]
    url = database.url.render_as_string(hide_password=False)
    with ExitStack() as stack:
        helpers = [_Helper(url, cache_file, config) for _ in range(n_helpers)]
        for helper in helpers:
            stack.callback(helper.close)
        running: _Running = {}
        for number in list(range(n_helpers)) * _TASKS_AHEAD:
            _send(helpers, number, stretches, running)
        try:
            while (own := _next_task(stretches, n_helpers)) or running:
                if own:
                    yield _make(maker, own)
                done, _ = wait(running, timeout=0 if own else None, return_when=FIRST_COMPLETED)
                for future in done:
                    number = running.pop(future)
                    made, seconds = future.result()
                    _send(helpers, number, stretches, running)
                    maker.phases.add(seconds)
                    yield made
        except BrokenProcessPool as error:
            raise ExportError(
                "a process of the export died (out of memory?); what was made is kept: run the "
                "command again, with --jobs 1 if it happens again"
            ) from error


class _Helper:
    """Another process; it keeps its reader and resolver from task to task."""

    def __init__(self, url: str, cache_file: Path, config: Config) -> None:
        self._executor = ProcessPoolExecutor(
            1,
            mp_context=get_context("spawn"),
            initializer=_start_helper,
            initargs=(url, cache_file, config),
        )

    def submit(self, task: _Task) -> Future[tuple[Made, dict[str, float]]]:
        return self._executor.submit(_make_in_helper, task)

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)


def _send(
    helpers: Sequence[_Helper],
    number: int,
    stretches: Sequence[deque[_Task]],
    running: _Running,
) -> None:
    """Give a helper its next task."""
    task = _next_task(stretches, number)
    if task:
        running[helpers[number].submit(task)] = number


def _next_task(stretches: Sequence[deque[_Task]], number: int) -> _Task:
    """Take the next task of a process's stretch, or the last one of the longest; () for none."""
    if stretches[number]:
        return stretches[number].popleft()
    longest = max(stretches, key=len)
    return longest.pop() if longest else ()


def _make(maker: Maker, commits: _Task) -> Made:
    entries = zip(commits, maker.entries(commits), strict=True)
    return [(commit.oid, pack(entry)) for commit, entry in entries]


_maker: Maker | None = None
_helper_stack = ExitStack()


def _start_helper(url: str, cache_file: Path, config: Config) -> None:
    global _maker  # noqa: PLW0603  (a helper has exactly one)
    begin_as_worker()
    encoder, _, renderer = writing_tools(config)
    encoder.keep_in(_helper_stack.enter_context(share_cache(cache_file, encoder.identity)))
    database = Database(make_url(url), create=False)
    connection = _helper_stack.enter_context(database.browsing())
    repository_id = queries.repository_id(connection, config.name)
    assert repository_id is not None
    reader = Reader(connection, repository_id)
    _maker = Maker(reader, config, renderer)


def _make_in_helper(commits: _Task) -> tuple[Made, dict[str, float]]:
    assert _maker is not None
    _maker.phases = Phases()
    made = _make(_maker, commits)
    return made, _maker.phases.seconds
