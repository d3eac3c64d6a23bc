"""A run: workers that judge the edits of one commit after another, and write as they go."""

import itertools
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rsidx.errors import EvaluationError
from rsidx.evaluation.compiler.cargo import Cargo
from rsidx.evaluation.compiler.configuration import CheckSettings
from rsidx.evaluation.compiler.memo import Memo
from rsidx.evaluation.compiler.toolchain import Toolchain, find_toolchain
from rsidx.evaluation.compiler.workspace import Workspace
from rsidx.evaluation.edits import EditSet, JudgedEdit
from rsidx.evaluation.judging.judge import Judge
from rsidx.evaluation.judging.result import by_commit
from rsidx.evaluation.sandbox import sandbox as sandboxes
from rsidx.evaluation.sandbox.process import StoppedError
from rsidx.evaluation.sandbox.sandbox import Sandbox
from rsidx.evaluation.workers import Progress, work_off
from rsidx.indexer.git.repository import Repository
from rsidx.locking import HeldError, locked

MAX_TARGET_BYTES = 8 << 30
_COMMITS_BETWEEN_LOOKS = 20
_CONFIGURATION_FILES = (".cargo/config.toml", ".cargo/config")

Work = Callable[[Judge, JudgedEdit], None]


@dataclass(frozen=True, slots=True)
class Run:
    """Where and how edits are judged.

    `scratch` is the folder that `jobs` workers have their clones in; `progress` is called with the
    edits done and all.
    """

    repository: Repository
    scratch: Path
    settings: CheckSettings
    jobs: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class Bench:
    """What all workers of a run share."""

    repository: Repository
    scratch: Path
    home: Path
    settings: CheckSettings
    toolchain: Toolchain
    sandbox: Sandbox
    memo: Memo
    stop: threading.Event

    def folder(self, number: int) -> Path:
        """Return the folder of a worker."""
        return self.scratch / "workers" / str(number)

    def warm(self, n_workers: int) -> None:
        """Give workers that are new what the first one has built; none of them is at work yet."""
        built = self.folder(0) / "target"
        for number in range(1, n_workers):
            if built.is_dir() and not self.folder(number).exists():
                # Beside, so that an interruption leaves no half of it.
                beside = self.folder(number).with_suffix(".new")
                shutil.rmtree(beside, ignore_errors=True)
                shutil.copytree(built, beside / "target", symlinks=True)
                beside.rename(self.folder(number))

    def judge(self, number: int) -> Judge:
        """Return the judge of a worker, with a workspace of its own."""
        workspace, cargo = self.worker(number)
        return Judge(workspace, cargo, self.memo, self.settings, self.toolchain.version)

    def worker(self, number: int) -> tuple[Workspace, Cargo]:
        """Return the workspace of a worker, and the cargo that checks in it."""
        workspace = Workspace(self.repository, self.folder(number))
        cargo = Cargo(workspace, self.toolchain, self.sandbox, self.home, self.stop)
        return workspace, cargo

    def header(self, edits: EditSet, purpose: str) -> dict[str, Any]:
        """Return what a result says of how it was made."""
        return {
            "purpose": purpose,
            "export": edits.export,
            "split": edits.split,
            "kind": edits.kind,
            "n_edits": len(edits.edits),
            "n_rows": sum(len(edit.rows) for edit in edits.edits),
            "rustc": self.toolchain.version,
            "checks": [command.text for command in self.settings.commands],
            "unlocked": self.settings.unlocked,
            "sandbox": self.sandbox.name,
            "cargo": cargo_home_kind(self.settings),
        }


def cargo_home_kind(settings: CheckSettings) -> str:
    """Tell where crates are from, as results say it: the run's own cargo home, or the user's."""
    return "own" if settings.cargo_home is None else "given"


@contextmanager
def bench(run: Run) -> Iterator[Bench]:
    """Get everything ready; raises EvaluationError where it cannot be, or another run is there."""
    settings, scratch = run.settings, run.scratch
    settings.commands  # noqa: B018  (what is no command is found before anything is made)
    toolchain = find_toolchain()
    sandbox = sandboxes.choose(no_sandbox=settings.no_sandbox)
    scratch.mkdir(parents=True, exist_ok=True)
    scratch = scratch.resolve()
    _check_above(scratch, sandbox)
    home = (settings.cargo_home or scratch / "cargo").resolve()
    if settings.cargo_home is None:
        home.mkdir(exist_ok=True)
    elif not home.is_dir():
        raise EvaluationError(f"{home} is no folder")
    try:
        with locked(scratch / "lock"):
            memo = Memo(scratch / "memo.jsonl")
            yield Bench(
                run.repository, scratch, home, settings, toolchain, sandbox, memo, threading.Event()
            )
    except HeldError as error:
        raise EvaluationError(f"another run uses {scratch}; wait for it to end") from error


def _check_above(scratch: Path, sandbox: Sandbox) -> None:
    """Raise EvaluationError where cargo would read the user's own configuration."""
    if sandbox.name == "bubblewrap":
        return
    for folder in (scratch, *scratch.parents):
        for name in _CONFIGURATION_FILES:
            if (folder / name).exists():
                raise EvaluationError(
                    f"cargo would read {folder / name} in {scratch}; name a folder elsewhere with "
                    "--scratch"
                )


def work_through(bench: Bench, edits: Sequence[JudgedEdit], work: Work, run: Run) -> None:
    """Have workers do something with each edit, commit by commit in the order of history.

    Where one fails or the run is interrupted, the others end what they are at, too.
    """
    groups = by_commit(edits)
    n_done = 0
    lock = threading.Lock()

    def count() -> None:
        nonlocal n_done
        with lock:
            n_done += 1
            run.progress(n_done, len(edits))

    def begin(number: int) -> Callable[[tuple[JudgedEdit, ...]], None]:
        judge, numbers = bench.judge(number), itertools.count(1)

        def judge_commit(group: tuple[JudgedEdit, ...]) -> None:
            for edit in group:
                if bench.stop.is_set():
                    return
                try:
                    work(judge, edit)
                except StoppedError:
                    return
                count()
            if next(numbers) % _COMMITS_BETWEEN_LOOKS == 0:
                judge.limit_target(MAX_TARGET_BYTES)

        return judge_commit

    n_workers = max(1, min(run.jobs, len(groups)))
    bench.warm(n_workers)
    run.progress(0, len(edits))
    work_off(groups, n_workers, begin, bench.stop)
