"""datatrove's executors, as a configuration asks for one, and running a stage on it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from subprocess import CalledProcessError
from typing import Any

import datatrove.executor.base
import multiprocess
from datatrove.executor.base import ExecutorJSONEncoder, PipelineExecutor
from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep

from rsidx.corpus.configuration import CorpusConfig
from rsidx.corpus.ingest import Repositories
from rsidx.corpus.repositories import Listed
from rsidx.corpus.workspace import Workspace
from rsidx.errors import CorpusError
from rsidx.passwords import masked
from rsidx.processes import keep_little_memory

Progress = Callable[[int, int], None]
"""Called with the tasks done and the tasks to do."""
_LOOK_S = 0.5
_JOBS_A_WORKER = 8
_SLURM = {"time": "24:00:00", "partition": "main"}


class _Encoder(ExecutorJSONEncoder):
    """Writes repositories without their addresses, which may hold passwords."""

    def default(self, o: Any) -> Any:
        if isinstance(o, Listed):
            return {"name": o.name, "revision": o.revision}
        return super().default(o)


datatrove.executor.base.ExecutorJSONEncoder = _Encoder


class LeanExecutor(LocalPipelineExecutor):
    """datatrove's local executor, whose workers keep little memory."""

    def run(self) -> Any:
        """Run all tasks that are not done."""
        keep_little_memory()
        # What each worker of each stage needs is imported once, and not for a second in each.
        multiprocess.set_forkserver_preload(["rsidx.corpus.stages"])
        return super().run()


def run_stage(
    config: CorpusConfig,
    pipeline: Sequence[PipelineStep],
    n_tasks: int,
    logs: Workspace,
    progress: Progress,
) -> None:
    """Run the tasks of a stage that are not done; raises CorpusError where some did not end well.

    What a task itself raises comes through from the local executor.
    """
    executor = _executor(config, list(pipeline), n_tasks, logs.address)
    # A job of Slurm that is waited for fails with its tasks; those that are left are counted below.
    with _watched(executor, n_tasks, progress), suppress(CalledProcessError):
        executor.run()
    n_left = len(executor.get_incomplete_ranks())
    if n_left:
        raise CorpusError(
            f"{n_left:,} of {n_tasks:,} tasks did not end well; {logs.address}/logs says why; run "
            "it again to go on"
        )


def _executor(
    config: CorpusConfig, pipeline: list[PipelineStep], n_tasks: int, logs: str
) -> PipelineExecutor:
    workers = min(config.workers, n_tasks)
    # A cluster starts a process for each job.
    jobs = {"tasks_per_job": max(1, n_tasks // (workers * _JOBS_A_WORKER))}
    if config.executor == "ray":
        import ray  # noqa: PLC0415  (an extra)
        from datatrove.executor.ray import RayPipelineExecutor  # noqa: PLC0415

        if (
            not ray.is_initialized()
        ):  # RAY_ADDRESS names a cluster; without it, this machine is one.
            ray.init(include_dashboard=False, log_to_driver=False)
        return RayPipelineExecutor(
            pipeline, tasks=n_tasks, workers=workers, logging_dir=logs, **jobs
        )
    if config.executor == "slurm":
        from datatrove.executor.slurm import SlurmPipelineExecutor  # noqa: PLC0415

        _require_no_password(pipeline)
        # The next stage asks what came of this one, so the command stays until the job ends.
        given = {**_SLURM, **jobs, **config.slurm}
        sbatch = {"wait": "", **given.pop("sbatch_args", {})}
        return SlurmPipelineExecutor(
            pipeline, tasks=n_tasks, workers=workers, logging_dir=logs, sbatch_args=sbatch, **given
        )
    return LeanExecutor(pipeline, tasks=n_tasks, workers=workers, logging_dir=logs)


def _require_no_password(pipeline: Sequence[PipelineStep]) -> None:
    """Raise CorpusError for an address with a password: what Slurm runs is kept in a file."""
    for step in pipeline:
        for one in step.listed if isinstance(step, Repositories) else ():
            if masked(one.address) != one.address:
                raise CorpusError(
                    f"the address of {one.name} has a password, which the jobs of Slurm would keep "
                    "in a file: leave it to git, as with a credential helper"
                )


@contextmanager
def _watched(executor: PipelineExecutor, n_tasks: int, progress: Progress) -> Iterator[None]:
    """Tell how many tasks are done while the block runs."""
    is_over = threading.Event()

    def look() -> None:
        n_seen = None
        while not is_over.wait(_LOOK_S):
            n_done = n_tasks - len(executor.get_incomplete_ranks())
            if n_done != n_seen:
                progress(n_done, n_tasks)
            n_seen = n_done

    progress(n_tasks - len(executor.get_incomplete_ranks()), n_tasks)
    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()
    progress(n_tasks - len(executor.get_incomplete_ranks()), n_tasks)
