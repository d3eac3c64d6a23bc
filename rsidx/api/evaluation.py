"""The gate: whether a model's answers compile, and what the results say."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from rsidx.answer import read_answer
from rsidx.api.faults import explained, path_of
from rsidx.api.worktree import Code, FilesOnDisk, Spot, code_of
from rsidx.errors import EvaluationError
from rsidx.evaluation.asking.client import Client, Sampling
from rsidx.evaluation.asking.predict import PredictCounts
from rsidx.evaluation.asking.predict import predict as ask_all
from rsidx.evaluation.asking.predictions import read_predictions
from rsidx.evaluation.asking.prompts import read_prompts
from rsidx.evaluation.compiler.configuration import CheckSettings
from rsidx.evaluation.edits import EditSet, identity_of, read_edits
from rsidx.evaluation.judging.check import CheckCounts, check
from rsidx.evaluation.judging.code_check import CodeCheck
from rsidx.evaluation.judging.code_check import check_code as check_in_clone
from rsidx.evaluation.judging.fetch import FetchCounts, fetch
from rsidx.evaluation.judging.result import ResultLines, read_header, read_result
from rsidx.evaluation.judging.reward import REWARDS, Reward
from rsidx.evaluation.judging.selftest import selftest
from rsidx.evaluation.judging.session import Run
from rsidx.evaluation.report.comparison import Comparison, compare
from rsidx.evaluation.report.report import EvaluationReport, SelfTestReport, report_of, self_test_of
from rsidx.evaluation.report.training import seen_in_training
from rsidx.evaluation.workers import Progress
from rsidx.exporters.dataset.format import read_manifest
from rsidx.exporters.splits.split import SPLITS
from rsidx.indexer.git.blobs import blob_reader
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.gitview import GitView

if TYPE_CHECKING:
    from rsidx.indexer.git.repository import Repository

StrPath = str | os.PathLike[str]
_MAX_BLOB_BYTES = 1 << 31
_CHECK_FOLDER = Path("rsidx") / "check"
"""Where in the git folder new code is checked."""


def _ignore(_done: int, _total: int) -> None:
    """Take no notice of progress."""


class Evaluation:
    """The edits of a data set's split, to be judged in a clone of their repository.

    This runs the repository's code: build scripts and macros of hundreds of commits, and what a
    model wrote. It does so in a sandbox, without the network; `CheckSettings(no_sandbox=True)` does
    without. `scratch` is the folder for clones and what they build: by default beside the data set,
    with `.eval` behind its name. Raises ExportError where the folder is no export.
    """

    def __init__(
        self,
        data_set: StrPath,
        repository: StrPath,
        *,
        split: str = "test",
        settings: CheckSettings | None = None,
        scratch: StrPath | None = None,
    ) -> None:
        if split not in SPLITS:
            raise EvaluationError(f"{split!r} is no split: {', '.join(SPLITS)}")
        self._settings = settings or CheckSettings()
        with explained():
            folder = path_of(data_set).resolve()
            beside = folder.with_name(f"{folder.name}.eval")
            self._scratch = path_of(scratch) if scratch is not None else beside
            self._repository: Repository = discover(path_of(repository), is_named=True)
            self._edits: EditSet = read_edits(folder, split)

    def check(
        self,
        predictions: StrPath,
        to: StrPath,
        *,
        jobs: int | None = None,
        progress: Progress | None = None,
    ) -> CheckCounts:
        """Judge a file of predictions, and write the verdicts as they come.

        `to` is a new folder, or that of an interrupted run, which goes on. `jobs` workers, by
        default one for each processor, each have a clone and a target folder. `progress` is called
        with the edits done and all. Raises EvaluationError.
        """
        with explained():
            found = read_predictions(path_of(predictions))
            return check(self._edits, found, path_of(to), self._run(jobs, progress))

    def selftest(
        self,
        to: StrPath,
        *,
        max_edits: int | None = None,
        jobs: int | None = None,
        progress: Progress | None = None,
    ) -> SelfTestReport:
        """Judge code of which it is known what must come of it, as `check` does; return what came.

        It is the commits' own code, the old code left in place and other code that nobody had to
        write, and the commits' code with seven faults. `max_edits` draws so many edits.
        """
        with explained():
            selftest(self._edits, path_of(to), self._run(jobs, progress), max_edits=max_edits)
            return EvaluationResult(to).self_test()

    def fetch(self, *, progress: Progress | None = None) -> FetchCounts:
        """Fetch the crates that the split's commits ask for, as cargo does, into the cargo home.

        It is the one that the settings name, by default one of the scratch folder's. This uses the
        network, in the sandbox; `check` does not. Raises EvaluationError.
        """
        with explained():
            return fetch(self._edits, self._run(1, progress))

    def reward(self, rewards: Mapping[str, float], *, jobs: int | None = None) -> Reward:
        """Return a reward function, see `rsidx.reward`."""
        with explained():
            return Reward(self._edits, self._run(jobs, None), rewards)

    def _run(self, jobs: int | None, progress: Progress | None) -> Run:
        n_jobs = jobs or os.cpu_count() or 1
        return Run(self._repository, self._scratch, self._settings, n_jobs, progress or _ignore)


class EvaluationResult:
    """The verdicts in a folder; raises EvaluationError where there are none."""

    def __init__(self, folder: StrPath) -> None:
        with explained():
            self.folder = path_of(folder)
            self._header = read_header(self.folder)

    @property
    def is_self_test(self) -> bool:
        """Whether it is a self-test's, which has no predictions."""
        return bool(self._header["purpose"] == "selftest")

    def report(
        self,
        *,
        after: str | None = None,
        trained_on: Sequence[StrPath] = (),
        repository: StrPath = ".",
    ) -> EvaluationReport:
        """Return what share of the answers compile, by everything that they are reported by.

        `after` is a date, as in `2025-03-01`: edits before it and from it on are reported apart.
        Edits that are in, or related to, the train split of a data set in `trained_on` are left out
        and counted; that looks up their code in the `repository`.
        """
        if after is not None:
            after = _date(after)
        with explained():
            result = read_result(self.folder)
            seen = _seen([result], trained_on, repository)
            return report_of(result, after=after, leave_out=seen)

    def report_on(self, data_set: StrPath) -> EvaluationReport:
        """Return the same; raises EvaluationError where the answers are to another data set."""
        with explained():
            if self._header["export"] != identity_of(read_manifest(path_of(data_set))):
                raise EvaluationError(f"{self.folder} is the result of another data set")
        return self.report()

    def compare(
        self,
        other: "EvaluationResult",
        *,
        trained_on: Sequence[StrPath] = (),
        repository: StrPath = ".",
    ) -> Comparison:
        """Compare this result with another one, on the edits that both score.

        Results of different data sets are refused with EvaluationError, unless `trained_on` names
        what the model of each was trained on, this one's first. What is in, or related to, either
        train split is left out.
        """
        with explained():
            results = [read_result(one.folder) for one in (self, other)]
            seen = _seen(results, trained_on, repository)
            return compare(*results, leave_out=seen, is_trained_on=len(trained_on) > 1)

    def self_test(self) -> SelfTestReport:
        """Return what came of a self-test."""
        with explained():
            return self_test_of(read_result(self.folder))


def predict(
    data_set: StrPath,
    url: str,
    to: StrPath,
    *,
    split: str = "test",
    model: str | None = None,
    sampling: Sampling | None = None,
    jobs: int = 4,
    timeout_s: float = 600,
    progress: Progress | None = None,
) -> PredictCounts:
    """Ask a model for each row of a split, and write the answers to a file as they come.

    `url` is the address of a server that answers as OpenAI's does, such as
    `http://127.0.0.1:8000/v1`; `model` is by default the first that it lists. Prompts are those of
    the rows, as text or as a chat; a later part of new code is led up to by the model's own. What
    the file has already is not asked again. `jobs` are asked at a time, for `timeout_s` each at
    most. Raises EvaluationError.
    """
    if split not in SPLITS:
        raise EvaluationError(f"{split!r} is no split: {', '.join(SPLITS)}")
    with explained():
        prompts = read_prompts(path_of(data_set), split)
        client = Client(url, model, timeout_s=timeout_s)
        return ask_all(
            prompts, client, path_of(to), sampling or Sampling(),
            jobs=jobs, progress=progress or _ignore,
        )  # fmt: skip


def reward(
    data_set: StrPath,
    repository: StrPath,
    *,
    split: str = "train",
    rewards: Mapping[str, float] = REWARDS,
    settings: CheckSettings | None = None,
    scratch: StrPath | None = None,
    jobs: int | None = None,
) -> Reward:
    """Return a reward function over the gate, for the rows of a split.

    TRL's GRPOTrainer takes it as it is: called with prompts, completions and the rows' columns, of
    which it needs `id`, it returns a number for each completion. `rewards` says what an outcome is
    worth: `exact` (the commit's own code), `compiles`, `unchanged` (it compiles, and is the old
    code), and the other verdicts of `rsidx eval`; what it does not name is worth 0. This runs the
    repository's code and what the model wrote, as `Evaluation` does, whose `settings`, `scratch`
    and `jobs` these are; each process that trains (`RANK`) has a folder of its own. Raises
    EvaluationError.
    """
    evaluation = Evaluation(data_set, repository, split=split, settings=settings, scratch=scratch)
    return evaluation.reward(rewards, jobs=jobs)


def check_code(
    repository: StrPath,
    path: str,
    symbol: str,
    code: Code,
    *,
    line: int | None = None,
    after: str | int | None = None,
    in_: str | int | None = None,
    settings: CheckSettings | None = None,
    scratch: StrPath | None = None,
) -> CodeCheck:
    """Check new code in the place of a symbol of a file on disk, in a scratch clone.

    The place is named as for `Index.apply`, which must take the code. The worktree stays as it is.
    Its build scripts and macros run, in a sandbox without the network; crates are those
    of the user's cargo home, unless `settings` name another. `scratch` is the folder for the clone:
    by default beside the index, in the git folder. Raises EvaluationError where nothing can be
    checked.
    """
    spot = Spot(path, symbol, line, after, in_)
    return check_spot(repository, spot, code, settings=settings, scratch=scratch)


def check_spot(
    repository: StrPath,
    spot: Spot,
    code: Code,
    *,
    settings: CheckSettings | None = None,
    scratch: StrPath | None = None,
) -> CodeCheck:
    """Check new code at a spot of a file on disk, see `check_code`."""
    with explained():
        found = discover(path_of(repository), is_named=True)
        worktree = FilesOnDisk(found)
        placed = replace(spot, path=worktree.name(spot.path, may_be_new=spot.is_file))
        chosen = settings or CheckSettings()
        if chosen.cargo_home is None:
            chosen = replace(chosen, cargo_home=_cargo_home())
        folder = path_of(scratch) if scratch is not None else found.git_dir / _CHECK_FOLDER
        run = Run(found, folder, chosen, 1, _ignore)

        def splice(source: bytes | None) -> bytes:
            return placed.with_code(source, read_answer(code_of(code)).code)

        return check_in_clone(run, worktree.root, placed.path, splice)


def _cargo_home() -> Path | None:
    """Return the user's own cargo home; None where there is none."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    return home if home.is_dir() else None


def _seen(
    results: Sequence[ResultLines], trained_on: Sequence[StrPath], repository: StrPath
) -> dict[str, str]:
    """Return the edits that a model may have seen in training, and why."""
    if not trained_on:
        return {}
    found: dict[str, str] = {}
    git = discover(path_of(repository), is_named=True)
    lines = [line for result in results for line in result.edits]
    with blob_reader(git, max_bytes=_MAX_BLOB_BYTES) as reader:
        view = GitView(git, reader)
        for folder in trained_on:
            found |= seen_in_training(lines, path_of(folder), view)
    return found


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise EvaluationError(f"{text!r} is no date, such as 2025-03-01") from error
