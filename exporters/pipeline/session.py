"""An index opened to make rows of it: which commits there are, and their results."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.edits.snapshot import depth_first
from rsidx.exporters.filters.registry import Filters
from rsidx.exporters.pipeline.cache_key import CommitKeys, shared_key
from rsidx.exporters.pipeline.commit import CommitPipeline, Tools
from rsidx.exporters.pipeline.phases import Phases
from rsidx.exporters.pipeline.result_cache import ResultCache
from rsidx.exporters.pipeline.workers import PackedResults, make_results
from rsidx.exporters.splits.history import History, history_of
from rsidx.exporters.splits.split import select
from rsidx.store import queries
from rsidx.store.cache import CacheFile
from rsidx.store.database import Database
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow

Progress = Callable[[int, int], None]
"""Called with the commits done and the commits to do."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A history, its commits that are wanted in their order, and the others with their reasons."""

    history: History
    chosen: list[CommitRow]
    left_out: list[tuple[CommitRow, str]]


@dataclass(frozen=True, slots=True)
class Session:
    """An open index, and what turns its commits into rows.

    `builds` are the keys of the cache: of results, and of encoded texts.
    """

    database: Database
    connection: Connection
    reader: Reader
    config: ExportConfig
    tools: Tools
    builds: tuple[bytes, bytes]

    def selection(self) -> Selection:
        """Return the commits that are asked for and that no filter rejects, splits aside."""
        history = history_of(self.reader, self.reader.ref_tips(), self.config.revisions)
        rejected = Filters("history", self.config.keep).reason
        every = list(history.commits.values())
        chosen, left_out = select(every, history.reached, rejected, self.config.since)
        return Selection(history, chosen, left_out)

    def results(
        self,
        history: History,
        commits: Sequence[CommitRow],
        cache_file: CacheFile,
        phases: Phases,
        *,
        jobs: int,
        progress: Progress | None = None,
    ) -> ResultCache:
        """Make the results that are missing of some commits of a history; return those of all."""
        encoder, _, renderer = self.tools
        build, texts = self.builds
        cache = ResultCache(cache_file.of(build), CommitKeys(self.reader, history.commits.values()))
        encoder.keep_in(cache_file.of(texts))
        with phases.of("make"):
            # It remembers much, and so does its reader: freed before rows are written.
            name = self.config.name
            reader = Reader(self.connection, queries.indexed_repository(self.connection, name))
            pipeline = CommitPipeline(reader, self.config, renderer)
            wanted = depth_first(cache.missing(commits), history.commits)
            made = make_results(
                pipeline,
                wanted,
                database=self.database,
                cache_file=cache_file.file,
                config=self.config,
                jobs=jobs,
            )
            n_done = len(commits) - len(wanted)
            for seconds in _keep(cache, made, n_done, len(commits), progress):
                phases.add(seconds)
        return cache


@contextmanager
def session(database: Database, config: ExportConfig, tools: Tools) -> Iterator[Session]:
    """Read an index with the tools of a configuration; raises ExportError or IndexStoreError."""
    encoder, dialect, _ = tools
    with database.long_read() as connection:
        reader = Reader(connection, queries.indexed_repository(connection, config.name))
        build = shared_key(config, encoder, dialect, reader)
        yield Session(database, connection, reader, config, tools, (build, encoder.identity))


def _keep(
    cache: ResultCache,
    made: Generator[PackedResults],
    n_done: int,
    n_all: int,
    progress: Progress | None,
) -> Iterator[dict[str, float]]:
    """Put results into the cache as they are made, so that an interrupted export goes on.

    Yields the seconds that each step of them took.
    """
    # Closed here: the processes must end even where a failure's traceback keeps them alive.
    with closing(made):
        for results, seconds in made:
            cache.put(results)
            n_done += len(results)
            if progress is not None:
                progress(n_done, n_all)
            yield seconds
