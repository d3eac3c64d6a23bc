"""A run: the stages in their order, each of which goes on where an earlier run stopped."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cached_property, partial
from pathlib import Path
from time import perf_counter
from typing import Any

from datatrove.pipeline.base import PipelineStep

from rsidx.corpus.assembly import assemble
from rsidx.corpus.candidates import CONFIG, EditSignatures, buckets
from rsidx.corpus.clones import Fetching
from rsidx.corpus.configuration import CorpusConfig
from rsidx.corpus.decision import Decide
from rsidx.corpus.examples import Examples
from rsidx.corpus.executors import run_stage
from rsidx.corpus.ingest import Ingest, Repositories
from rsidx.corpus.outcome import Outcome, read_outcome
from rsidx.corpus.plan import Planner
from rsidx.corpus.repositories import Listed, identities, read_list, read_repositories
from rsidx.corpus.shards import WriteShards, shards_of
from rsidx.corpus.workspace import Workspace
from rsidx.errors import CorpusError, RepositoryError
from rsidx.exporters.dataset.destination import Destination
from rsidx.exporters.pipeline.cache_key import code_digest, code_files
from rsidx.exporters.pipeline.commit import writing_tools
from rsidx.indexer.clone import origin_of
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.git.history import resolve
from rsidx.locking import HeldError, locked

Progress = Callable[[str, int, int], None]
"""Called with the stage, and its tasks done and to do."""
STAGES = ("ingest", "plan", "examples", "pairs", "decide", "write")
_ELSEWHERE = frozenset(
    {"_", "repositories", "out", "work", "opt_out", "remove", "executor", "workers", "slurm"}
    | {"clone_filter", "clone_depth", "clones_at_once"}
)
"""Options that say where something is, and what does the work: they decide no byte."""
_MOST_TASKS = 1000
"""The stage of near duplicates opens a file of each task that made examples at once."""


@dataclass(frozen=True)
class Run:
    """A corpus that is to be made; what decides its bytes names its folder."""

    config: CorpusConfig

    @cached_property
    def work(self) -> Workspace:
        """The folder of indexes, clones and runs."""
        return Workspace(self.config.work)

    @cached_property
    def listed(self) -> list[Listed]:
        """The repositories that are to be taken in; raises CorpusError for none."""
        found = [one for one in self._every if one not in self.unwanted]
        if not found:
            raise CorpusError(f"{self.config.repositories} names no repository but what opted out")
        return found

    @cached_property
    def unwanted(self) -> frozenset[Listed]:
        """What is never taken in: as the lists have it, and clones of that."""
        named = self._named()
        places = identities(named)
        clones = {one for one in self._every if places & {one.identity, _origin(one)}}
        return frozenset(named) | clones

    @property
    def n_opted_out(self) -> int:
        """How many of the list are never taken in."""
        return len(self._every) - len(self.listed)

    @cached_property
    def _every(self) -> list[Listed]:
        return read_repositories(Path(self.config.repositories))

    def _named(self) -> list[Listed]:
        lists = (self.config.opt_out, self.config.remove)
        return [
            one
            for path in lists
            if path is not None
            for one in read_list(Path(path))
            if one.revision is None
        ]

    @cached_property
    def folder(self) -> Workspace:
        """The folder of what is made of this list with these options."""
        tips = [(one.identity, one.revision, _tip(one)) for one in self.listed]
        return self.work.within(f"runs/{self._digest(tips)}")

    def _digest(self, *parts: Any) -> str:
        names = (one.name for one in fields(self.config) if one.name not in _ELSEWHERE)
        decides = {name: getattr(self.config, name) for name in names}
        code = (*code_files(), *sorted(Path(__file__).parent.glob("*.[pt]*")))
        digest = hashlib.blake2b(code_digest(code), digest_size=8)
        digest.update(repr((decides, parts)).encode())
        return digest.hexdigest()

    def taken_in(self) -> list[Listed]:
        """Return the repositories that were taken in; raises CorpusError for none."""
        outcomes = self.outcomes()
        found = [
            one
            for one in self.listed
            if (outcome := outcomes[one.name]) is not None and outcome.failure is None
        ]
        if not found:
            failures = [one.failure for one in outcomes.values() if one is not None]
            raise CorpusError(
                f"no repository could be taken in: {failures[0] if failures else '?'}"
            )
        return found

    def outcomes(self) -> dict[str, Outcome | None]:
        """Return what became of each repository, None where nothing did yet."""
        return {one.name: read_outcome(self.folder, one.slug) for one in self.listed}

    def out(self, taken_in: Sequence[Listed]) -> Workspace:
        """Return the folder of what is made of the repositories that were taken in."""
        return self.folder.within(self._digest([one.identity for one in taken_in]))


def run(config: CorpusConfig, progress: Progress) -> dict[str, Any]:
    """Make a corpus and return its manifest.

    Raises CorpusError where another run works in the same folder, or a stage does not end well;
    ExportError for a folder that it must not replace.
    """
    made = Run(config)
    destination = Destination(Path(config.out))
    writing_tools(config.export)  # What is wrong with the tokenizer is said before anything else.
    if not made.work.folder.is_local():
        return _run(made, destination, progress)
    lock = made.work.local("lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with locked(lock):
            return _run(made, destination, progress)
    except HeldError as error:
        raise CorpusError(f"another run works in {config.work}; wait for it") from error


def _run(made: Run, destination: Destination, progress: Progress) -> dict[str, Any]:
    config, folder = made.config, made.folder
    _forget_unwanted(made)
    _remove_other_runs(made)
    _retry_failures(made)
    seconds: dict[str, float] = {}

    def stage(name: str, pipeline: Sequence[PipelineStep], n_tasks: int, logs: Workspace) -> None:
        start = perf_counter()
        run_stage(config, pipeline, n_tasks, logs.within(f"logs/{name}"), partial(progress, name))
        seconds[name] = round(perf_counter() - start, 3)

    listed = made.listed
    options = [f"--filter={config.clone_filter}"] if config.clone_filter else []
    options += [f"--depth={config.clone_depth}"] if config.clone_depth else []
    fetching = Fetching(tuple(options), config.clones_at_once)
    take_in = [Repositories(listed), Ingest(made.work, folder, config.export, fetching)]
    stage("ingest", take_in, len(listed), folder)
    taken_in = made.taken_in()
    out = made.out(taken_in)
    n_tasks = min(len(taken_in), _MOST_TASKS)
    stage("plan", [Planner(folder, out, taken_in, config)], 1, out)
    make = [
        Repositories(taken_in),
        Examples(made.work, folder, out, config.export),
        EditSignatures(out),
    ]
    stage("examples", make, n_tasks, out)
    stage("pairs", [buckets(out)], CONFIG.num_buckets, out)
    stage("decide", [Decide(out, taken_in, config, n_tasks)], 1, out)
    stage("write", [WriteShards(out, taken_in, config)], len(shards_of(out)), out)
    failed = [one.name for one in listed if one not in taken_in]
    counts = {"failed": failed, "n_opted_out": made.n_opted_out}
    return assemble(config, destination, out, taken_in, {"phases_s": seconds, "corpus": counts})


def _forget_unwanted(made: Run) -> None:
    """Remove the indexes and clones of what opted out."""
    for one in made.unwanted:
        made.work.remove(f"clones/{one.slug}.git")
        for file in made.work.within("indexes").files(f"{one.slug}.db"):
            made.work.remove(f"indexes/{file}")


def _remove_other_runs(made: Run) -> None:
    """Remove what runs with other lists or options left, but for what they made of each repository.

    So nothing is left of a repository that is listed no more.
    """
    current = made.folder.address.rpartition("/")[2]
    runs = made.work.within("runs")
    for name in runs.files():
        if name != current:
            runs.remove(name)


def _retry_failures(made: Run) -> None:
    """Have the tasks done again whose repositories could not be taken in."""
    outcomes = made.outcomes()
    for rank, one in enumerate(made.listed):
        outcome = outcomes[one.name]
        if outcome is not None and outcome.failure is not None:
            made.folder.remove(f"logs/ingest/completions/{rank:05d}")


def _origin(listed: Listed) -> str | None:
    """Return what tells where a clone is from; None for no clone of something else."""
    if listed.is_url:
        return None
    with suppress(RepositoryError):
        origin = origin_of(discover(Path(listed.address), is_named=True))
        return origin.casefold() if origin is not None else None
    return None


def _tip(listed: Listed) -> str | None:
    """Return the commit that a repository of this machine is at; None where that is not known."""
    if listed.is_url:
        return None
    with suppress(RepositoryError):
        return resolve(discover(Path(listed.address), is_named=True), listed.revision or "HEAD")
    return None
