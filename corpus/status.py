"""How far a run is, and what became of each repository."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from rsidx.corpus.configuration import CorpusConfig
from rsidx.corpus.outcome import Outcome
from rsidx.corpus.run import Run, Stage
from rsidx.corpus.workspace import Workspace
from rsidx.errors import CorpusError


@dataclass(frozen=True, slots=True)
class StageStatus:
    """How many tasks of a stage are done; `n_tasks` is None for one that has not begun."""

    name: str
    n_done: int
    n_tasks: int | None


@dataclass(frozen=True, slots=True)
class CorpusStatus:
    """How far a corpus is with its present list and options.

    `failures` are the repositories that could not be taken in, each with `name` and `failure`, the
    reason; `n_waiting` are those that nothing was tried with yet.
    """

    n_repositories: int
    n_taken_in: int
    n_waiting: int
    failures: tuple[Outcome, ...]
    stages: tuple[StageStatus, ...]


def status_of(config: CorpusConfig) -> CorpusStatus:
    """Return how far the run of a configuration is."""
    run = Run(config)
    outcomes = run.outcomes()
    known = [one for one in outcomes.values() if one is not None]
    failures = tuple(one for one in known if one.failure is not None)
    return CorpusStatus(
        n_repositories=len(outcomes),
        n_taken_in=len(known) - len(failures),
        n_waiting=len(outcomes) - len(known),
        failures=failures,
        stages=tuple(_stages(run)),
    )


def _stages(run: Run) -> Iterator[StageStatus]:
    first, *others = Stage
    yield _stage(run.folder, first)
    out = None
    with suppress(CorpusError):  # None could be taken in yet.
        out = run.out(run.taken_in())
    for name in others:
        yield _stage(out, name) if out is not None else StageStatus(name.value, 0, None)


def _stage(folder: Workspace, stage: Stage) -> StageStatus:
    logs = folder.within(stage.logs)
    executor = logs.read_json("executor.json")
    if executor is None:
        return StageStatus(stage.value, 0, None)
    n_done = len(logs.folder.list_files("completions")) if logs.folder.exists("completions") else 0
    return StageStatus(stage.value, n_done, executor["world_size"])
