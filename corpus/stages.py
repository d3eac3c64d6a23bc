"""The stages of a run in their order, each of which goes on where an earlier run stopped."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from datatrove.pipeline.base import PipelineStep

from rsidx.corpus.assembly import assemble, finished, write_again
from rsidx.corpus.candidates import CONFIG, EditSignatures, buckets
from rsidx.corpus.configuration import CorpusConfig
from rsidx.corpus.decision import Decide
from rsidx.corpus.examples import Examples
from rsidx.corpus.executors import run_stage
from rsidx.corpus.ingest import Ingest, Repositories
from rsidx.corpus.lease import Check, alone
from rsidx.corpus.leftovers import forget_unwanted, mark, remove_others, take_in_again
from rsidx.corpus.plan import SUMMARY as PLAN
from rsidx.corpus.plan import Planner
from rsidx.corpus.run import Run, Stage
from rsidx.corpus.shards import WriteShards, shards_of
from rsidx.corpus.workspace import Workspace
from rsidx.errors import CorpusError
from rsidx.exporters.dataset.destination import Destination
from rsidx.locking import HeldError

Progress = Callable[[str, int, int], None]
"""Called with the stage, and its tasks done and to do."""
_MOST_TASKS = 1000
"""The stage of near duplicates opens a file of each task that made examples at once."""


def run(config: CorpusConfig, progress: Progress) -> dict[str, Any]:
    """Make a corpus and return its manifest.

    Raises CorpusError where another run works in the same folder, or a stage does not end well;
    ExportError for a folder that it must not replace.
    """
    made = Run(config)
    destination = Destination(Path(config.out))
    _ = made.folder  # What is wrong with the tokenizer is said before anything else.
    try:
        with alone(made.work, "lock") as check:
            return _run(made, destination, progress, check)
    except HeldError as error:
        raise CorpusError(
            f"another run works in {config.work}; wait for it, or if it was killed beside an "
            "object store, for three minutes"
        ) from error


def _run(made: Run, destination: Destination, progress: Progress, check: Check) -> dict[str, Any]:
    config, folder = made.config, made.folder
    forget_unwanted(made)
    mark(folder)
    remove_others(folder)
    take_in_again(made)
    seconds: dict[str, float] = {}

    def stage(name: Stage, pipeline: Sequence[PipelineStep], n_tasks: int, at: Workspace) -> None:
        check()
        start = perf_counter()
        run_stage(config, pipeline, n_tasks, at.within(name.logs), partial(progress, name.value))
        seconds[name.value] = round(perf_counter() - start, 3)

    listed = made.listed
    take_in = Ingest(made.work, folder, config.export, config.clones_at_once)
    stage(Stage.INGEST, [Repositories(listed), take_in], len(listed), folder)
    tips = made.taken_in()
    taken_in, out = list(tips), made.out(tips)
    mark(out)
    remove_others(out)
    stage(Stage.PLAN, [Planner(folder, out, taken_in, config)], 1, out)
    order = _largest_first(out)
    make = [
        Repositories([taken_in[number] for number in order]),
        Examples(made.work, folder, out, config.export),
        EditSignatures(out),
    ]
    n_tasks = min(len(order), _MOST_TASKS)
    stage(Stage.EXAMPLES, make, n_tasks, out)
    stage(Stage.PAIRS, [buckets(out)], CONFIG.num_buckets, out)
    signed = [order[task::n_tasks] for task in range(n_tasks)]
    stage(Stage.DECIDE, [Decide(out, taken_in, config, signed)], 1, out)
    manifest = finished(destination, out)
    if manifest is not None:
        return manifest
    write_again(out)
    stage(Stage.WRITE, [WriteShards(out, taken_in, config)], len(shards_of(out)), out)
    failed = [one.name for one in listed if one not in taken_in]
    counts = {"failed": failed, "n_opted_out": made.n_opted_out}
    return assemble(config, destination, out, taken_in, {"phases_s": seconds, "corpus": counts})


def _largest_first(out: Workspace) -> list[int]:
    """Return the numbers of the repositories, those with most commits first.

    So no worker is left with a large one at the end.
    """
    n_commits: list[int] = out.read_json(PLAN)["n_commits"]
    return sorted(range(len(n_commits)), key=lambda number: (-n_commits[number], number))
