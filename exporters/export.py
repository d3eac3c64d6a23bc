"""The export: one way out of the index.

A commit's result follows from it and the history before it, so it is made once and cached: an
export after one more commit makes that commit's result, and reads the others.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rsidx.errors import ExportError
from rsidx.exporters.answers.failed import FailedAnswers
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
from rsidx.exporters.dedup.leakage import CherryPickLinks, commits_named
from rsidx.exporters.pipeline.commit import writing_tools
from rsidx.exporters.pipeline.phases import Phases
from rsidx.exporters.pipeline.result import Dropped
from rsidx.exporters.pipeline.result_cache import ResultCache
from rsidx.exporters.pipeline.session import Progress, Session, session
from rsidx.exporters.pipeline.statistics import Statistics
from rsidx.exporters.splits import frozen
from rsidx.exporters.splits.frozen import split_summary
from rsidx.exporters.splits.history import History
from rsidx.exporters.splits.split import SPLITS, Plan, split_commits
from rsidx.store.cache import open_cache
from rsidx.store.database import Database
from rsidx.store.records import CommitRow


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
        with open_cache(database.cache_file, plan.session.builds) as cache_file:
            cache = plan.session.results(
                plan.history, plan.wanted(), cache_file, phases, jobs=jobs, progress=progress
            )
            with phases.of("write"):
                _write(plan, cache, Files(folder, destination.path))
        with phases.of("data set"):
            encoder, *_ = plan.session.tools
            encoder.save(folder / "tokenizer", max_tokens=config.max_tokens)
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
        open_cache(database.cache_file, plan.session.builds, is_copy=True) as cache_file,
    ):
        cache = plan.session.results(
            plan.history, plan.wanted(), cache_file, phases, jobs=jobs, progress=progress
        )
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
    """An export whose commits are chosen."""

    session: Session
    history: History
    commits: Plan
    left_out: Sequence[tuple[CommitRow, str]]
    statistics: Statistics

    def wanted(self) -> list[CommitRow]:
        """Return the commits that are in a split."""
        return [self.commits.commits[position] for position in self.commits.positions()]

    def manifest(self) -> dict[str, Any]:
        """Return the manifest, but for the times of the phases and the files."""
        encoder, dialect, _ = self.session.tools
        manifest = manifest_of(
            self.session.config,
            encoder,
            dialect.name,
            self.session.reader.repository_name(),
            self.history.tips,
            self.statistics,
        )
        manifest["splits"] = split_summary(self.commits.commits, self.commits.split)
        return manifest


@contextmanager
def _planned(database: Database, config: ExportConfig, phases: Phases) -> Iterator[_Planned]:
    with phases.of("validate"):
        tools = writing_tools(config)
    with session(database, config, tools) as opened:
        with phases.of("history"):
            history, plan, left_out = _commits(opened)
        _check_held_out(config, plan)
        statistics = Statistics()
        statistics.dropped.update(f"commits_{reason}" for _, reason in left_out)
        yield _Planned(opened, history, plan, left_out, statistics)


def _commits(opened: Session) -> tuple[History, Plan, list[tuple[CommitRow, str]]]:
    """Return the history, the commits to export with their splits, and the others, with reasons."""
    selection = opened.selection()
    plan, new = _split(selection.chosen, selection.history.commits, opened.config)
    embargo = [c for position, c in enumerate(plan.commits) if plan.split.is_out(position)]
    left_out = [
        *selection.left_out,
        *((commit, "new") for commit in new),
        *((commit, "embargo") for commit in embargo),
    ]
    return selection.history, plan, left_out


def _check_held_out(config: ExportConfig, plan: Plan) -> None:
    """Raise ExportError where train would have what a model was told of edits of val and test."""
    if not config.from_results:
        return
    held_out = FailedAnswers(config.from_results).held_out()
    for position in plan.positions():
        commit = plan.commits[position].oid.hex()
        if commit in held_out and not plan.split.number(position):
            raise ExportError(
                f"--from has verdicts on edits of val or test, and commit {commit[:12]} of these "
                "would be in train: keep the splits of the data set that was judged, with "
                "--boundaries"
            )


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


def _describe(folder: Path, manifest: dict[str, Any]) -> dict[str, str]:
    """Write the files that describe a data set; return the checksums of all files."""
    (folder / "README.md").write_text(card.render(manifest), "utf-8")
    write_json(folder / FILE, describe(folder, manifest, card.description(manifest)))
    return write_checksums(folder)


def _write(plan: _Planned, cache: ResultCache, files: Files) -> None:
    """Write the rows of all commits, and what was left out; count both."""
    config, reader = plan.session.config, plan.session.reader
    commits, statistics = plan.commits, plan.statistics
    encoder, *_ = plan.session.tools
    links = CherryPickLinks(lambda one: commits_named(reader.message(one.id)), commits)
    keep = frozenset(config.keep)
    with (
        closing(Deduplicator(cache, commits, keep, links, files.spill)) as deduplicator,
        closing(Output(files, encoder, config, commits, statistics)) as output,
    ):
        for commit, reason in plan.left_out:
            output.drop(commit.oid.hex(), [Dropped(f"commits_{reason}", None, "")])
        for position in commits.positions():
            _write_commit(plan, position, deduplicator, output)
        output.finish()
        statistics.across_splits.update(deduplicator.across_splits())
    _check_licenses(config, statistics)


def _write_commit(
    plan: _Planned, position: int, deduplicator: Deduplicator, output: Output
) -> None:
    commit, split = plan.commits.commits[position], plan.commits.split.name(position)
    edits, left_out, counts = deduplicator.keep(position)
    output.drop(commit.oid.hex(), left_out)
    plan.statistics.count_dropped(split, counts + Counter(one.reason for one in left_out))
    for edit in edits.values():
        plan.statistics.count_edit(edit)
        output.drop(commit.oid.hex(), of_rows(edit.dropped, *edit.name))
        for row in edit.rows:
            output.put(split, row, commit.date)
