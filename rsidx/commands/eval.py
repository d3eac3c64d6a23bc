"""`rsidx eval`."""

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import wraps
from pathlib import Path
from typing import Any

import click

from rsidx import (
    CheckSettings,
    DataSet,
    Evaluation,
    EvaluationResult,
    Index,
    Sampling,
)
from rsidx import predict as ask_all
from rsidx.commands.check_settings import check_options
from rsidx.commands.figures import comparison_lines, report_lines, self_test_lines
from rsidx.commands.options import (
    config_option,
    jobs_option,
    json_option,
    repository_options,
)
from rsidx.option import option
from rsidx.output import counted, emit, progress, resumable

_TEMPERATURE = 0.8
_NOT_OK = 10


@click.group(name="eval")
def eval() -> None:  # noqa: A001  (the command's name)
    """Judge a model's answers to the rows of a data set: what share of them compile.

    This compiles the repository at many commits: it runs their build scripts and macros, and what
    the model wrote, in a sandbox without the network and without your files.
    """


def _evaluation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what decides how edits are checked; the command gets an `evaluation`."""

    @click.option("--split", type=click.Choice(DataSet.SPLITS), default="test", show_default=True)
    @check_options(
        goes_to="an edit goes to the first that compiles it",
        package_of="the edited file",
        cargo_home="A cargo home with the crates; its config.toml may name other places for them.  "
        "[default: OUT.eval/cargo]",
        timeout="The seconds in which a commit must build.",
        scratch="The folder for clones and what they build.  [default: OUT.eval]",
    )
    @click.option("--unlocked", is_flag=True, help="Leave the commits' Cargo.lock aside.")
    @jobs_option
    @repository_options
    @wraps(command)
    def with_evaluation(
        index: Index,
        out: Path,
        split: str,
        settings: CheckSettings,
        unlocked: bool,
        scratch: Path | None,
        **options: Any,
    ) -> Any:
        settings = replace(settings, unlocked=unlocked)
        repository = index.worktree or index.git_folder
        evaluation = Evaluation(out, repository, split=split, settings=settings, scratch=scratch)
        return command(evaluation=evaluation, **options)

    return with_evaluation


_out = click.argument("out", type=click.Path(path_type=Path, exists=True, file_okay=False))
_to = click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="RESULT",
    help="The folder for the verdicts.",
)


@eval.command()
@_out
@click.option("--url", required=True, help="The server, such as http://127.0.0.1:8000/v1.")
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="PREDICTIONS",
    help="The file for the answers.",
)
@click.option("--model", help="The model.  [default: the first that the server lists]")
@click.option("--split", type=click.Choice(DataSet.SPLITS), default="test", show_default=True)
@click.option("--samples", type=click.IntRange(min=1), default=1, show_default=True)
@click.option(
    "--temperature",
    type=click.FloatRange(min=0),
    help="[default: 0 for one sample, 0.8 for several]",
)
@click.option(
    "--max-tokens",
    type=click.IntRange(min=1),
    default=Sampling().max_tokens,
    show_default=True,
    help="The longest answer.",
)
@click.option("--seed", type=int, default=Sampling().seed, show_default=True)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Prompts that are asked at a time.",
)
@click.option(
    "--timeout",
    type=click.IntRange(min=1),
    default=600,
    show_default=True,
    help="The seconds in which an answer must be there.",
)
@config_option
def predict(
    out: Path,
    url: str,
    to: Path,
    model: str | None,
    split: str,
    samples: int,
    temperature: float | None,
    max_tokens: int,
    seed: int,
    jobs: int,
    timeout: int,
) -> None:
    """Ask a model for each row of the data set OUT, as the rows ask, and write its answers.

    The server answers as OpenAI's does: completions, or chats for rows with messages. Prompts are
    sent as text. A key for it is taken from OPENAI_API_KEY. Run it again after an interruption, and
    it goes on.
    """
    default = 0.0 if samples == 1 else _TEMPERATURE
    with resumable(), progress("answers", "answers") as update:
        counts = ask_all(
            out,
            url,
            to,
            split=split,
            model=model,
            sampling=Sampling(
                max_tokens, default if temperature is None else temperature, seed, samples
            ),
            jobs=jobs,
            timeout_s=timeout,
            progress=update,
        )
    lines = [
        f"{to}: {counted(counts.n_answers, 'answer')} of {counts.model}, "
        f"{counted(counts.n_before, 'answer')} there before"
    ]
    if counts.n_cut_off:
        lines.append(f"{counted(counts.n_cut_off, 'answer')} cut off at --max-tokens")
    if counts.n_too_long:
        lines.append(f"{counted(counts.n_too_long, 'prompt')} too long: {counts.refusal}")
    if counts.n_left_out:
        lines.append(f"{counted(counts.n_left_out, 'row')} of edits that lack a part not asked")
    emit(None, lines, as_json=False)


@eval.command()
@_out
@click.argument("predictions", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_to
@_evaluation_options
def check(evaluation: Evaluation, predictions: Path, to: Path, jobs: int | None) -> None:
    """Judge PREDICTIONS for the data set OUT: JSON lines with `id`, `completion` and `sample`.

    Each answer is put in the place of the commit's own code, in the commit's tree, and checked.
    Verdicts are written as they come; run it again after an interruption, and it goes on.
    """
    with resumable(), progress("edits", "edits") as update:
        counts = evaluation.check(predictions, to, jobs=jobs, progress=update)
    lines = [
        f"{to}: {counted(counts.n_verdicts, 'new verdict')}, "
        f"{counted(counts.n_from_memo, 'check')} known before"
    ]
    if counts.n_rows_without:
        lines.append(f"{counted(counts.n_rows_without, 'row')} of the split without a prediction")
    if counts.n_unknown:
        lines.append(f"{counted(counts.n_unknown, 'prediction')} for no row of the split")
    emit(None, [*lines, *report_lines(EvaluationResult(to).report())], as_json=False)


@eval.command()
@_out
@_evaluation_options
def fetch(evaluation: Evaluation, jobs: int | None) -> None:  # noqa: ARG001  (one at a time)
    """Fetch the crates that the commits of the data set OUT ask for; `check` is offline.

    They go into the cargo home. cargo has the network for this, in the sandbox; of the repository
    nothing is compiled.
    """
    with resumable(), progress("edits", "edits") as update:
        found = evaluation.fetch(progress=update)
    lines = [f"{n:,} failed: {said}" for said, n in found.failures.items()]
    emit(None, [*lines, f"fetched for {counted(found.n_fetched, 'commit')}"], as_json=False)


@eval.command()
@_out
@_to
@click.option("--edits", type=click.IntRange(min=1), help="Draw so many edits.  [default: all]")
@_evaluation_options
def selftest(evaluation: Evaluation, to: Path, edits: int | None, jobs: int | None) -> None:
    """Check the gate on the data set OUT, with code of which it is known what must come of it.

    The commits' own code must compile, and seven planted faults must be errors of their class;
    otherwise it names them and exits with 10. It also shows what compiles that nobody had to write.
    """
    with resumable(), progress("edits", "edits") as update:
        found = evaluation.selftest(to, max_edits=edits, jobs=jobs, progress=update)
    emit(None, self_test_lines(found), as_json=False)
    if not found.ok:
        raise click.exceptions.Exit(_NOT_OK)


_repository_option = option(
    "-C",
    "--repo",
    "repository",
    type=click.Path(path_type=Path),
    default=Path(),
    envvar="RSIDX_REPO",
    is_eager=True,
    help="The repository, for --trained-on.  [default: the current folder's]",
)
_trained_on = click.option(
    "--trained-on",
    "trained_on",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="OUT",
    help="Leave out edits that are in, or related to, the train split of a data set.",
)


@eval.command()
@click.argument("result", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--after", metavar="DATE", help="Report edits before a date and from it on apart.")
@_trained_on
@json_option
@_repository_option
@config_option
def report(
    result: Path,
    after: str | None,
    trained_on: tuple[Path, ...],
    repository: Path,
    as_json: bool,
) -> None:
    """Show the figures of RESULT: what share compiles, by length, kind of change, and phase.

    Intervals are for 95%, over commits drawn with replacement.
    """
    found = EvaluationResult(result)
    if found.is_self_test:
        test = found.self_test()
        emit({**asdict(test), "ok": test.ok}, self_test_lines(test), as_json=as_json)
        return
    shown = found.report(after=after, trained_on=trained_on, repository=repository)
    emit(asdict(shown), report_lines(shown), as_json=as_json)


@eval.command()
@click.argument("first", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("second", type=click.Path(path_type=Path, exists=True, file_okay=False))
@_trained_on
@json_option
@_repository_option
@config_option
def compare(
    first: Path,
    second: Path,
    trained_on: tuple[Path, ...],
    repository: Path,
    as_json: bool,
) -> None:
    """Compare two results on the edits that both score.

    Results of different data sets are compared only where --trained-on is given twice: what the
    first result's model was trained on, then what the second's was.
    """
    results = [EvaluationResult(folder) for folder in (first, second)]
    found = results[0].compare(results[1], trained_on=trained_on, repository=repository)
    emit(asdict(found), comparison_lines(found), as_json=as_json)
