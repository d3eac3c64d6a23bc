"""The export: one way out of the index.

A commit's result follows from it and the history before it, so it is made once and cached: an
export after one more commit makes that commit's result, and reads the others.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset import card
from rsidx.exporters.dataset.croissant import FILE, describe
from rsidx.exporters.dataset.destination import Destination
from rsidx.exporters.dataset.format import read_manifest
from rsidx.exporters.dataset.inventory import sealed
from rsidx.exporters.dataset.layout import MANIFEST, write_checksums, write_json
from rsidx.exporters.dataset.manifest import manifest_of
from rsidx.exporters.dataset.moved import MovedRows
from rsidx.exporters.dataset.order import Sorter, Weights, newest, sort_key
from rsidx.exporters.dataset.sidecars import Sidecars
from rsidx.exporters.dataset.staging import staging
from rsidx.exporters.dataset.text_columns import PromptCompletion
from rsidx.exporters.dataset.writer import Padding, RowWriter
from rsidx.exporters.dedup.duplicates import Deduplicator
from rsidx.exporters.edits.snapshot import depth_first
from rsidx.exporters.filters.registry import Filters
from rsidx.exporters.pipeline.cache_key import CommitKeys, shared_key
from rsidx.exporters.pipeline.commit import CommitPipeline, writing_tools
from rsidx.exporters.pipeline.phases import Phases
from rsidx.exporters.pipeline.result import TokenizedRow
from rsidx.exporters.pipeline.result_cache import ResultCache
from rsidx.exporters.pipeline.statistics import Statistics
from rsidx.exporters.pipeline.workers import PackedResults, make_results
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.splits import frozen
from rsidx.exporters.splits.frozen import split_summary
from rsidx.exporters.splits.history import History, history_of
from rsidx.exporters.splits.split import SPLITS, Plan, Split, select, split_commits
from rsidx.store import queries
from rsidx.store.cache import open_cache
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
    with phases.of("validate"):
        encoder, dialect, renderer = writing_tools(config)
    with database.long_read() as connection, ExitStack() as stack:
        repository_id = queries.indexed_repository(connection, config.name)
        reader = Reader(connection, repository_id)
        statistics = Statistics()
        with phases.of("history"):
            refs = queries.ref_tips(connection, repository_id)
            history, chosen, split = _commits(reader, refs, config, statistics)
            inside = [c for position, c in enumerate(chosen) if not split.is_out(position)]
        # What is asked for can be done: from here on something is written.
        folder = stack.enter_context(staging(destination))
        build = shared_key(config, encoder, dialect, reader)
        with open_cache(database.cache_file, (build, encoder.identity)) as cache_file:
            keys = CommitKeys(reader, history.commits.values())
            cache = ResultCache(cache_file.of(build), keys)
            encoder.keep_in(cache_file.of(encoder.identity))
            with phases.of("make"):
                # It remembers much, and so does its reader: freed before rows are written.
                pipeline = CommitPipeline(Reader(connection, repository_id), config, renderer)
                wanted = depth_first(cache.missing(inside), history.commits)
                made = make_results(
                    pipeline,
                    wanted,
                    database=database,
                    cache_file=cache_file.file,
                    config=config,
                    jobs=jobs,
                )
                n_done = len(inside) - len(wanted)
                for seconds in _keep(cache, made, n_done, len(inside), progress):
                    phases.add(seconds)
                del pipeline, made
            with phases.of("write"):
                plan, keep = Plan(chosen, split), frozenset(config.keep)
                with (
                    closing(Deduplicator(reader, cache, plan, keep, folder)) as deduplicator,
                    closing(MovedRows(destination.path, folder)) as moved,
                ):
                    _write(folder, encoder, deduplicator, moved, statistics, config)
                    statistics.across_splits.update(deduplicator.across_splits())
            _check_licenses(config, statistics)
        with phases.of("data set"):
            encoder.save(folder / "tokenizer", max_tokens=config.max_tokens)
            manifest = manifest_of(config, encoder, dialect.name, reader, history.tips, statistics)
            manifest["splits"] = split_summary(chosen, split)
            files = _describe(folder, manifest)
        manifest = sealed({**manifest, "phases_s": phases.rounded()}, files)
        write_json(folder / MANIFEST, manifest)
    return manifest


def preview(database: Database, destination: Destination, config: ExportConfig) -> dict[str, Any]:
    """Return what an export would replace, and of how many commits each split would be.

    Nothing is written. Raises ExportError or TokenizerError as `export` does.
    """
    writing_tools(config)
    statistics = Statistics()
    with database.long_read() as connection:
        repository_id = queries.indexed_repository(connection, config.name)
        refs = queries.ref_tips(connection, repository_id)
        reader = Reader(connection, repository_id)
        history, chosen, split = _commits(reader, refs, config, statistics)
    splits = split_summary(chosen, split)
    return {
        "out": str(destination.path),
        "replaced_files": destination.files(),
        "tips": {name: tip.hex() for name, tip in history.tips.items()},
        "commits": {name: splits[name]["n_commits"] for name in SPLITS},
        "dropped": {reason: n for reason, n in sorted(statistics.dropped.items()) if n},
    }


def _commits(
    reader: Reader, refs: dict[bytes, bytes], config: ExportConfig, statistics: Statistics
) -> tuple[History, list[CommitRow], Split]:
    """Return the history, the commits to export, and which split each is of."""
    history = history_of(reader, refs, config.revisions)
    reason = Filters("history", config.keep).reason
    chosen, dropped = select(list(history.commits.values()), history.reached, reason, config.since)
    statistics.dropped.update({f"commits_{reason}": n for reason, n in dropped.items()})
    chosen, split = _split(chosen, history.commits, config, statistics)
    statistics.dropped["commits_embargo"] += sum(map(split.is_out, range(len(chosen))))
    return history, chosen, split


def _check_licenses(config: ExportConfig, statistics: Statistics) -> None:
    n_left_out = statistics.dropped["edits_license"]
    if n_left_out and not statistics.examples.total():
        raise ExportError(
            f"--license: no edit is left; {n_left_out:,} are under other licences than "
            f"{', '.join(config.licenses)}, or under none that is known"
        )


def _split(
    chosen: list[CommitRow],
    commits: Mapping[bytes, CommitRow],
    config: ExportConfig,
    statistics: Statistics,
) -> tuple[list[CommitRow], Split]:
    """Return the commits in their order, and which split each goes to."""
    if config.boundaries is None:
        return chosen, split_commits(chosen, config.split, config.embargo)
    boundaries = Path(config.boundaries)
    earlier = frozen.read(read_manifest(boundaries), boundaries)
    new_in_test = config.new_commits == "test"
    ordered, split, n_out = frozen.apply_frozen(chosen, commits, earlier, new_in_test=new_in_test)
    statistics.dropped["commits_new"] += n_out
    return ordered, split


def _rows(folder: Path, encoder: Encoder, config: ExportConfig) -> RowWriter:
    padding = None
    if config.pad:
        padding = Padding(encoder.control(encoder.pad_token), config.max_tokens)
    texts = PromptCompletion(encoder) if config.columns == "text" else None
    return RowWriter(folder, config.format, encoder.n_tokens, padding, texts)


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


def _sidecars(folder: Path, encoder: Encoder, config: ExportConfig) -> Sidecars:
    text = config.columns == "both"
    return Sidecars(folder, encoder, text=text, pack=config.pack)


def _describe(folder: Path, manifest: dict[str, Any]) -> dict[str, str]:
    """Write the files that describe a data set; return the checksums of all files."""
    (folder / "README.md").write_text(card.render(manifest), "utf-8")
    write_json(folder / FILE, describe(folder, manifest, card.description(manifest)))
    return write_checksums(folder)


class _Output:
    """Where rows go: to their files, those of train in the order that was asked for."""

    def __init__(
        self,
        writers: tuple[RowWriter, Sidecars],
        statistics: Statistics,
        moved: MovedRows,
        weights: Weights | None,
        sorter: Sorter | None,
    ) -> None:
        self._writers = writers
        self._statistics = statistics
        self._moved = moved
        self._weights = weights
        self._sorter = sorter

    def put(self, split: str, row: TokenizedRow, time: int) -> None:
        """Take in a row of a commit made at a time."""
        if split == SPLITS[0] and self._weights is not None:
            row = self._weights.with_weight(row, time)
        if split == SPLITS[0] and self._sorter is not None:
            self._sorter.add(row)
        else:
            self._write(split, row)

    def _write(self, split: str, row: TokenizedRow) -> None:
        rows, sidecars = self._writers
        if not rows.write(split, row):
            self._statistics.dropped["text_rows_with_control_tokens"] += 1
            return
        if not sidecars.write(split, row):
            self._statistics.dropped["text_rows_with_control_tokens"] += 1
        self._statistics.count(split, row)
        before = self._moved.split_before(row.brief["id"]) if split == SPLITS[0] else None
        if before is not None:
            self._statistics.now_train[before] += 1

    def finish(self) -> None:
        """Write what waited to be sorted."""
        if self._sorter is not None:
            with closing(self._sorter):
                for row in self._sorter.rows():
                    self._write(SPLITS[0], row)


def _output(
    folder: Path,
    writers: tuple[RowWriter, Sidecars],
    plan: Plan,
    statistics: Statistics,
    moved: MovedRows,
    config: ExportConfig,
) -> _Output:
    weights = None
    if config.half_life is not None:
        train = [plan.commits[n] for n in plan.positions() if not plan.split.number(n)]
        weights = Weights(config.half_life, newest(commit.date for commit in train))
    key = sort_key(config.order, config.seed)
    sorter = Sorter(folder, key) if key is not None else None
    return _Output(writers, statistics, moved, weights, sorter)


def _write(
    folder: Path,
    encoder: Encoder,
    deduplicator: Deduplicator,
    moved: MovedRows,
    statistics: Statistics,
    config: ExportConfig,
) -> None:
    """Write the rows of all commits."""
    plan = deduplicator.plan
    with (
        closing(_rows(folder, encoder, config)) as writer,
        closing(_sidecars(folder, encoder, config)) as sidecars,
    ):
        output = _output(folder, (writer, sidecars), plan, statistics, moved, config)
        for position in plan.positions():
            commit, name = plan.commits[position], plan.split.name(position)
            edits, dropped = deduplicator.keep(position)
            statistics.count_dropped(name, dropped)
            for edit in edits:
                statistics.count_edit(edit)
                for row in edit.rows:
                    output.put(name, row, commit.date)
        output.finish()
    statistics.packed.update(sidecars.n_packed)
