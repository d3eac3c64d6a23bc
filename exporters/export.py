"""The export: one way out of the index.

A commit's result follows from it and the history before it, so it is made once and cached: an
export after one more commit makes that commit's result, and reads the others.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset import card
from rsidx.exporters.dataset.croissant import FILE, describe
from rsidx.exporters.dataset.destination import Destination
from rsidx.exporters.dataset.dropped import of_rows
from rsidx.exporters.dataset.format import read_manifest
from rsidx.exporters.dataset.inventory import sealed
from rsidx.exporters.dataset.layout import MANIFEST, write_checksums, write_json
from rsidx.exporters.dataset.manifest import manifest_of
from rsidx.exporters.dataset.output import Files, Output
from rsidx.exporters.dataset.staging import staging
from rsidx.exporters.dedup.duplicates import Deduplicator
from rsidx.exporters.edits.snapshot import depth_first
from rsidx.exporters.filters.registry import Filters
from rsidx.exporters.pipeline.cache_key import CommitKeys, shared_key
from rsidx.exporters.pipeline.commit import CommitPipeline, writing_tools
from rsidx.exporters.pipeline.phases import Phases
from rsidx.exporters.pipeline.result import Dropped
from rsidx.exporters.pipeline.result_cache import ResultCache
from rsidx.exporters.pipeline.statistics import Statistics
from rsidx.exporters.pipeline.workers import PackedResults, make_results
from rsidx.exporters.rendering.base import Dialect
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.rendering.renderer import Renderer
from rsidx.exporters.splits import frozen
from rsidx.exporters.splits.frozen import split_summary
from rsidx.exporters.splits.history import History, history_of
from rsidx.exporters.splits.split import SPLITS, Plan, select, split_commits
from rsidx.store import queries
from rsidx.store.cache import CacheFile, open_cache
from rsidx.store.database import Database
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow

Progress = Callable[[int, int], None]
"""Called with the commits done and the commits to do."""


def export(
    database: Database,
    out: Path | Destination,
    config: ExportConfig,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write a data set and return its manifest.

    The output appears only when it is complete, and replaces only an earlier export: see
    `Destination`. Raises ExportError or TokenizerError for a request that cannot be met.
    """
    destination = out if isinstance(out, Destination) else Destination(out)
    phases = Phases()
    # What is asked for can be done once it is planned: from then on something is written.
    with _planned(database, config, phases) as plan, staging(destination) as folder:
        with open_cache(database.cache_file, plan.builds) as cache_file:
            cache = _made(plan, cache_file, phases, jobs=jobs, progress=progress)
            with phases.of("write"):
                _write(plan, cache, Files(folder, destination.path))
        with phases.of("data set"):
            plan.encoder.save(folder / "tokenizer", max_tokens=config.max_tokens)
            manifest = plan.manifest()
            files = _describe(folder, manifest)
        manifest = sealed({**manifest, "phases_s": phases.rounded()}, files)
        write_json(folder / MANIFEST, manifest)
    return manifest


def preview(
    database: Database,
    destination: Destination,
    config: ExportConfig,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return what an export would replace and count, in the terms of its manifest.

    Nothing is written but to temporary files. Raises ExportError or TokenizerError as `export`
    does.
    """
    phases = Phases()
    with (
        _planned(database, config, phases) as plan,
        tempfile.TemporaryDirectory(prefix="rsidx-") as folder,
        open_cache(database.cache_file, plan.builds, is_copy=True) as cache_file,
    ):
        cache = _made(plan, cache_file, phases, jobs=jobs, progress=progress)
        _write(plan, cache, Files(None, destination.path, Path(folder)))
        manifest = plan.manifest()
    return {
        "out": str(destination.path),
        "replaced_files": destination.files(),
        "tips": manifest["tips"],
        "commits": {name: manifest["splits"][name]["n_commits"] for name in SPLITS},
        **{name: manifest[name] for name in _COUNTED},
    }


_COUNTED = ("counts", "licenses", "relations", "now_train", "dropped")
"""What a preview has of a manifest."""


@dataclass(frozen=True, slots=True)
class _Planned:
    """An export whose commits are chosen: an open index, and what turns examples into rows."""

    database: Database
    connection: Connection
    reader: Reader
    config: ExportConfig
    encoder: Encoder
    dialect: Dialect
    renderer: Renderer
    history: History
    commits: Plan
    left_out: Sequence[tuple[CommitRow, str]]
    statistics: Statistics
    builds: tuple[bytes, bytes]
    """The keys of the cache: of results, and of encoded texts."""

    def manifest(self) -> dict[str, Any]:
        """Return the manifest, but for the times of the phases and the files."""
        manifest = manifest_of(
            self.config,
            self.encoder,
            self.dialect.name,
            self.reader,
            self.history.tips,
            self.statistics,
        )
        manifest["splits"] = split_summary(self.commits.commits, self.commits.split)
        return manifest


@contextmanager
def _planned(database: Database, config: ExportConfig, phases: Phases) -> Iterator[_Planned]:
    with phases.of("validate"):
        encoder, dialect, renderer = writing_tools(config)
    with database.long_read() as connection:
        repository_id = queries.indexed_repository(connection, config.name)
        reader = Reader(connection, repository_id)
        with phases.of("history"):
            refs = queries.ref_tips(connection, repository_id)
            history, plan, left_out = _commits(reader, refs, config)
            statistics = Statistics()
            statistics.dropped.update(f"commits_{reason}" for _, reason in left_out)
        build = shared_key(config, encoder, dialect, reader)
        yield _Planned(
            database,
            connection,
            reader,
            config,
            encoder,
            dialect,
            renderer,
            history,
            plan,
            left_out,
            statistics,
            (build, encoder.identity),
        )


def _made(
    plan: _Planned,
    cache_file: CacheFile,
    phases: Phases,
    *,
    jobs: int,
    progress: Progress | None,
) -> ResultCache:
    """Make the results that are missing, and return those of all commits."""
    build, texts = plan.builds
    cache = ResultCache(
        cache_file.of(build), CommitKeys(plan.reader, plan.history.commits.values())
    )
    plan.encoder.keep_in(cache_file.of(texts))
    commits = [plan.commits.commits[position] for position in plan.commits.positions()]
    with phases.of("make"):
        # It remembers much, and so does its reader: freed before rows are written.
        reader = Reader(
            plan.connection, queries.indexed_repository(plan.connection, plan.config.name)
        )
        pipeline = CommitPipeline(reader, plan.config, plan.renderer)
        wanted = depth_first(cache.missing(commits), plan.history.commits)
        made = make_results(
            pipeline,
            wanted,
            database=plan.database,
            cache_file=cache_file.file,
            config=plan.config,
            jobs=jobs,
        )
        n_done = len(commits) - len(wanted)
        for seconds in _keep(cache, made, n_done, len(commits), progress):
            phases.add(seconds)
    return cache


def _commits(
    reader: Reader, refs: dict[bytes, bytes], config: ExportConfig
) -> tuple[History, Plan, list[tuple[CommitRow, str]]]:
    """Return the history, the commits to export with their splits, and the others, with reasons."""
    history = history_of(reader, refs, config.revisions)
    reason = Filters("history", config.keep).reason
    every = list(history.commits.values())
    chosen, left_out = select(every, history.reached, reason, config.since)
    plan, new = _split(chosen, history.commits, config)
    embargo = [c for position, c in enumerate(plan.commits) if plan.split.is_out(position)]
    left_out += [(commit, "new") for commit in new]
    left_out += [(commit, "embargo") for commit in embargo]
    return history, plan, left_out


def _check_licenses(config: ExportConfig, statistics: Statistics) -> None:
    n_left_out = statistics.dropped["edits_license"]
    if n_left_out and not statistics.examples.total():
        raise ExportError(
            f"--license: no edit is left; {n_left_out:,} are under other licences than "
            f"{', '.join(config.licenses)}, or under none that is known"
        )


def _split(
    chosen: list[CommitRow], commits: Mapping[bytes, CommitRow], config: ExportConfig
) -> tuple[Plan, list[CommitRow]]:
    """Return the commits in their order with their splits, and those that are too new for any."""
    if config.boundaries is None:
        return Plan(chosen, split_commits(chosen, config.split, config.embargo)), []
    boundaries = Path(config.boundaries)
    earlier = frozen.read(read_manifest(boundaries), boundaries)
    new_in_test = config.new_commits == "test"
    ordered, split, out = frozen.apply_frozen(chosen, commits, earlier, new_in_test=new_in_test)
    return Plan(ordered, split), out


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


def _describe(folder: Path, manifest: dict[str, Any]) -> dict[str, str]:
    """Write the files that describe a data set; return the checksums of all files."""
    (folder / "README.md").write_text(card.render(manifest), "utf-8")
    write_json(folder / FILE, describe(folder, manifest, card.description(manifest)))
    return write_checksums(folder)


def _write(plan: _Planned, cache: ResultCache, files: Files) -> None:
    """Write the rows of all commits, and what was left out; count both."""
    keep = frozenset(plan.config.keep)
    commits, statistics = plan.commits, plan.statistics
    with (
        closing(Deduplicator(plan.reader, cache, commits, keep, files.spill)) as deduplicator,
        closing(Output(files, plan.encoder, plan.config, commits, statistics)) as output,
    ):
        for commit, reason in plan.left_out:
            output.drop(commit.oid.hex(), [Dropped(f"commits_{reason}", None, "")])
        for position in commits.positions():
            _write_commit(plan, position, deduplicator, output)
        output.finish()
        statistics.across_splits.update(deduplicator.across_splits())
    _check_licenses(plan.config, statistics)


def _write_commit(
    plan: _Planned, position: int, deduplicator: Deduplicator, output: Output
) -> None:
    commit, split = plan.commits.commits[position], plan.commits.split.name(position)
    edits, left_out, counts = deduplicator.keep(position)
    output.drop(commit.oid.hex(), left_out)
    plan.statistics.count_dropped(split, counts + Counter(one.reason for one in left_out))
    for edit in edits:
        plan.statistics.count_edit(edit)
        output.drop(commit.oid.hex(), of_rows(edit.dropped, *edit.name))
        for row in edit.rows:
            output.put(split, row, commit.date)
