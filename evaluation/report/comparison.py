"""Two results, edit by edit."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rsidx.errors import EvaluationError
from rsidx.evaluation.judging.result import ResultLines
from rsidx.evaluation.report.intervals import Rate, rate
from rsidx.evaluation.report.report import LENGTHS, length_of, passed_share

_MUST_AGREE = ("rustc", "checks", "unlocked")


@dataclass(frozen=True, slots=True)
class PairedGroup:
    """Some of the edits that both results score: the rate of each, and by how much they differ.

    `difference` is the second's less the first's, from -1 to 1, with its own interval: the edits
    are the same, so it is narrower than those of the rates.
    """

    name: str
    first: Rate
    second: Rate
    difference: Rate


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two results on the edits that both score.

    `both`, `only_first`, `only_second` and `neither` count edits by which result's answers compile,
    of several samples more than half. `n_first_alone` and `n_second_alone` are scored by one alone,
    `n_left_out` may have been seen in training.
    """

    groups: tuple[PairedGroup, ...]
    both: int
    only_first: int
    only_second: int
    neither: int
    n_first_alone: int
    n_second_alone: int
    n_left_out: int


def compare(
    first: ResultLines, second: ResultLines, *, leave_out: Collection[str], is_trained_on: bool
) -> Comparison:
    """Compare two results, edit by edit, but for those of `leave_out`.

    `is_trained_on` says that what either model was trained on is left out. Raises EvaluationError
    for results of different exports otherwise, and for those of other compilers or checks.
    """
    _check_alike(first, second, is_trained_on=is_trained_on)
    scores = [_scores(result) for result in (first, second)]
    edits = {line["edit_id"]: line for line in first.edits}
    paired = [name for name in scores[0] if name in scores[1]]
    names = [name for name in paired if name not in leave_out]
    values = [(edits[name], scores[0][name], scores[1][name]) for name in names]
    won = [(a > 0.5, b > 0.5) for _, a, b in values]
    return Comparison(
        groups=tuple(_groups(values)),
        both=won.count((True, True)),
        only_first=won.count((True, False)),
        only_second=won.count((False, True)),
        neither=won.count((False, False)),
        n_first_alone=len(scores[0]) - len(paired),
        n_second_alone=len(scores[1]) - len(paired),
        n_left_out=len(paired) - len(names),
    )


def _check_alike(first: ResultLines, second: ResultLines, *, is_trained_on: bool) -> None:
    for result in (first, second):
        if result.header["purpose"] != "predictions":
            raise EvaluationError(f"{result.folder} is the result of a self-test")
    if first.header["export"] != second.header["export"] and not is_trained_on:
        raise EvaluationError(
            f"{first.folder} and {second.folder} are of different exports: what one model was "
            "tested on, the other may have learned; say what each was trained on with --trained-on"
        )
    for name in _MUST_AGREE:
        if first.header[name] != second.header[name]:
            raise EvaluationError(
                f"{first.folder} and {second.folder} were made with another {name}, so they cannot "
                "be compared"
            )


def _scores(result: ResultLines) -> dict[str, float]:
    """Return the share of the samples that compile, of each edit that can be scored."""
    scorable = {line["edit_id"] for line in result.edits if not line["reason"]}
    lines: dict[str, list[Mapping[str, Any]]] = {}
    for line in result.verdicts:
        if line["edit_id"] in scorable and line["verdict"] != "not_scorable":
            lines.setdefault(line["edit_id"], []).append(line)
    return {name: passed_share(found) for name, found in lines.items()}


_Value = tuple[Mapping[str, Any], float, float]


def _groups(values: Sequence[_Value]) -> Iterator[PairedGroup]:
    yield _group("all edits", values)
    for name in LENGTHS:
        found = [value for value in values if length_of(value[0]) == name]
        if found:
            yield _group(name, found)


def _group(name: str, values: Sequence[_Value]) -> PairedGroup:
    return PairedGroup(
        name,
        rate((edit["commit"], a) for edit, a, _ in values),
        rate((edit["commit"], b) for edit, _, b in values),
        rate((edit["commit"], b - a) for edit, a, b in values),
    )
