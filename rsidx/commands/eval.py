"""`rsidx eval`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any

import click

from rsidx import (
    CheckSettings,
    DataSet,
    Evaluation,
    EvaluationReport,
    EvaluationResult,
    Index,
    SelfTestReport,
)
from rsidx.commands.options import (
    config_option,
    jobs_option,
    json_option,
    repository_options,
)
from rsidx.output import counted, emit, progress, resumable, table

_FEW = 10


@click.group(name="eval")
def eval() -> None:  # noqa: A001  (the command's name)
    """Judge a model's answers to the rows of a data set: what share of them compile.

    This compiles the repository at many commits: it runs their build scripts and macros, and what
    the model wrote, in a sandbox without the network and without your files.
    """


def _evaluation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what decides how edits are checked; the command gets an `evaluation`."""

    @click.option("--split", type=click.Choice(DataSet.SPLITS), default="test", show_default=True)
    @click.option(
        "--check",
        "checks",
        multiple=True,
        metavar="ARGUMENTS",
        help="The arguments of a `cargo check`, RUSTFLAGS=... before them; may be given more than "
        "once: an edit goes to the first that compiles it.  [default: none, then --tests, each for "
        "the package of the edited file]",
    )
    @click.option(
        "--cargo-home",
        type=click.Path(path_type=Path, file_okay=False),
        help="A cargo home with the crates; its config.toml may name other places for them.  "
        "[default: OUT.eval/cargo]",
    )
    @click.option("--unlocked", is_flag=True, help="Leave the commits' Cargo.lock aside.")
    @click.option("--no-sandbox", is_flag=True, help="Run the repository's code as you.")
    @click.option(
        "--timeout",
        type=click.IntRange(min=1),
        default=CheckSettings().timeout_s,
        show_default=True,
        help="The seconds in which a commit must build.",
    )
    @click.option(
        "--scratch",
        type=click.Path(path_type=Path, file_okay=False),
        help="The folder for clones and what they build.  [default: OUT.eval]",
    )
    @jobs_option
    @repository_options
    @wraps(command)
    def with_evaluation(
        index: Index,
        out: Path,
        split: str,
        checks: tuple[str, ...],
        cargo_home: Path | None,
        unlocked: bool,
        no_sandbox: bool,
        timeout: int,
        scratch: Path | None,
        **options: Any,
    ) -> Any:
        settings = CheckSettings(
            checks=checks or CheckSettings().checks,
            cargo_home=cargo_home,
            unlocked=unlocked,
            no_sandbox=no_sandbox,
            timeout_s=timeout,
        )
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
    emit(None, [*lines, *_report_lines(EvaluationResult(to).report())], as_json=False)


@eval.command()
@_out
@_to
@click.option("--edits", type=click.IntRange(min=1), help="Draw so many edits.  [default: all]")
@_evaluation_options
def selftest(evaluation: Evaluation, to: Path, edits: int | None, jobs: int | None) -> None:
    """Check the gate on the data set OUT, with code of which it is known what must come of it.

    The commits' own code must compile, and seven planted faults must be errors of their class;
    otherwise it names them and exits with 1. It also shows what compiles that nobody had to write.
    """
    with resumable(), progress("edits", "edits") as update:
        found = evaluation.selftest(to, max_edits=edits, jobs=jobs, progress=update)
    emit(None, _self_test_lines(found), as_json=False)
    if not found.ok:
        raise click.exceptions.Exit(1)


@eval.command()
@click.argument("result", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--after", metavar="DATE", help="Report edits before a date and from it on apart.")
@json_option
@config_option
def report(result: Path, after: str | None, as_json: bool) -> None:
    """Show the figures of RESULT: what share compiles, by length, kind of change, and phase.

    Intervals are for 95%, over commits drawn with replacement.
    """
    found = EvaluationResult(result)
    if found.is_self_test:
        test = found.self_test()
        emit({**asdict(test), "ok": test.ok}, _self_test_lines(test), as_json=as_json)
    else:
        shown = found.report(after=after)
        emit(asdict(shown), _report_lines(shown), as_json=as_json)


def _report_lines(found: EvaluationReport) -> Iterator[str]:
    yield from _head(found.header)
    yield (
        f"{counted(found.n_edits, 'edit')}: {found.n_scorable:,} scorable, "
        f"{found.n_unanswered:,} without a prediction, {found.n_left_out:,} left out"
    )
    yield from _counts("not scorable", found.not_scorable)
    yield from _counts("checked by", found.checks)
    yield from _counts("Cargo.lock", found.locks)
    yield ""
    yield f"{'':<26}{'edits':>6}  {'compiles':<18}{'old code':<18}where it does not"
    by = ""
    for group in found.groups:
        if group.by not in (by, "all"):
            yield f"by {_TITLES[group.by]}"
        by = group.by
        indent = "" if by == "all" else "  "
        few = group.rate.n < _FEW
        yield (
            f"{indent + group.name:<26}{group.rate.n:>6,}  {_rate(group.rate, few=few):<18}"
            f"{_rate(group.floor, few=few):<18}"
            f"{_rate(group.hard, few=group.hard.n < _FEW)} of {group.hard.n:,}"
        )
    yield ""
    yield "answers that pass a phase, of those that come to it"
    for phase in found.phases:
        yield f"  {phase.name:<24}{phase.rate.n:>6,}  {_rate(phase.rate)}"
    for k, rate in found.pass_at.items():
        yield f"  {f'pass@{k}':<24}{rate.n:>6,}  {_rate(rate)}"
    yield ""
    yield from _counts("verdicts", found.verdicts)
    yield from _counts("errors", found.classes)
    yield from _counts("the error is in", found.places)
    yield f"the commit's own code: {counted(found.n_exact, 'answer')}"
    kept = found.attributes_kept
    if kept.n:
        yield f"attributes and documentation kept: {_rate(kept)} of {kept.n:,} that compile"


_TITLES = {
    "lines": "lines of the commit's code",
    "change": "kind of change",
    "needed": "whether the prompt shows what the code needs",
    "parts": "number of parts",
    "code": "code",
    "date": "date",
}


def _self_test_lines(found: SelfTestReport) -> Iterator[str]:
    yield from _head(found.header)
    yield f"{counted(found.n_edits, 'edit')}: {found.n_scorable:,} scorable"
    yield from _counts("not scorable", found.not_scorable)
    yield ""
    for name, rate in found.floors.items():
        yield f"{_PROBES[name]:<32}{rate.n:>6,}  {_rate(rate)}"
    yield ""
    yield from table(
        (name, ", ".join(f"{verdict} {n:,}" for verdict, n in counts.items()))
        for name, counts in found.probes.items()
    )
    for one in found.surprises:
        yield f"{one.commit[:12]} {one.path} {one.symbol}: {one.probe}: {one.verdict} {one.reason}"
    if not found.n_scorable:
        yield "no edit can be scored, so nothing was tested"
    else:
        n = len(found.surprises)
        yield f"{counted(n, 'verdict')} that must not be" if n else "all as it must be"


_PROBES = {
    "own": "the commit's own code compiles",
    "old": "the old code left in place",
    "empty": "no code",
    "other": "the code of another item",
}


def _head(header: Mapping[str, Any]) -> Iterator[str]:
    locked = ", without Cargo.lock" if header["unlocked"] else ""
    yield f"{header['rustc'].splitlines()[0]}; sandbox: {header['sandbox']}{locked}"


def _counts(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    if counts:
        yield f"{title}: {', '.join(f'{n:,} {name}' for name, n in counts.items())}"


def _rate(rate: Any, *, few: bool = False) -> str:
    """Return a rate with its interval in percent; of a few edits their number says enough."""
    if rate.rate is None:
        return "-"
    if few:
        return f"{rate.rate * rate.n:.3g} of {rate.n}"
    return f"{rate.rate:.0%} ({rate.low * 100:.0f}-{rate.high * 100:.0f})"
