"""What share of a model's answers compile, beside what nobody had to write."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rsidx.errors import EvaluationError
from rsidx.evaluation.compiler.error_codes import PHASES
from rsidx.evaluation.judging.result import ResultLines
from rsidx.evaluation.judging.selftest import FLOORS, OWN, Surprise, surprises
from rsidx.evaluation.judging.verdict import NOT_SCORABLE
from rsidx.evaluation.report.intervals import Rate, bucket_of, pass_at, rate

_BOUNDS = (5, 50, 100, 500, 1000)
LENGTHS = ("under 5", "5-49", "50-99", "100-499", "500-999", "1,000 and more")
"""Lengths of the commit's own code in lines."""

Edit = Mapping[str, Any]
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Group:
    """Some of the edits: how many compile, beside what nobody had to write.

    `by` says what the group is of, `name` which of these. `floor` is how many compile with the old
    code left in place, and `hard` the rate on those that do not.
    """

    by: str
    name: str
    rate: Rate
    floor: Rate
    hard: Rate


@dataclass(frozen=True, slots=True)
class Phase:
    """How many of the answers that come to a phase of the compiler pass it."""

    name: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """The figures of a result.

    Edits and answers are counted, answers by verdict, by class of error and by where it is. `rate`s
    are over edits that can be scored: an edit with several samples counts with the share that
    compiles. `pass_at` has the rate with so many tries. `left_out` counts edits that the model may
    have seen, by reason; they are in no other figure.
    """

    header: Mapping[str, Any]
    n_edits: int
    n_unanswered: int
    n_scorable: int
    left_out: Mapping[str, int]
    not_scorable: Mapping[str, int]
    checks: Mapping[str, int]
    locks: Mapping[str, int]
    verdicts: Mapping[str, int]
    classes: Mapping[str, int]
    places: Mapping[str, int]
    n_exact: int
    attributes_kept: Rate
    groups: tuple[Group, ...]
    phases: tuple[Phase, ...]
    pass_at: Mapping[int, Rate]


@dataclass(frozen=True, slots=True)
class SelfTestReport:
    """The figures of a self-test: what came of each kind of code, and what must not have come."""

    header: Mapping[str, Any]
    n_edits: int
    n_scorable: int
    not_scorable: Mapping[str, int]
    probes: Mapping[str, Mapping[str, int]]
    floors: Mapping[str, Rate]
    surprises: tuple[Surprise, ...]

    @property
    def ok(self) -> bool:
        """Whether the gate said of each kind of code what must be said."""
        return bool(self.n_scorable) and not self.surprises


def report_of(
    result: ResultLines, *, after: str | None = None, leave_out: Mapping[str, str] = _NOTHING
) -> EvaluationReport:
    """Return the figures of a result of predictions.

    `after` is a date: edits before it and from it on are reported apart. Edits in `leave_out`, each
    with a reason, are not counted. Raises EvaluationError for the result of a self-test.
    """
    if result.header["purpose"] != "predictions":
        raise EvaluationError(f"{result.folder} is the result of a self-test")
    known = {line["edit_id"]: line for line in result.edits}
    answers: dict[str, list[Edit]] = {}
    for line in result.verdicts:
        if line["edit_id"] in known and line["edit_id"] not in leave_out:
            answers.setdefault(line["edit_id"], []).append(line)
    answered = [known[name] for name in answers]
    scored = [
        edit
        for edit in answered
        if not edit["reason"]
        and any(line["verdict"] != "not_scorable" for line in answers[edit["edit_id"]])
    ]
    kept = {edit["edit_id"]: answers[edit["edit_id"]] for edit in scored}
    lines = [line for lines in kept.values() for line in lines]
    return EvaluationReport(
        header=result.header,
        n_edits=result.header["n_edits"],
        n_unanswered=result.header["n_edits"] - len({line["edit_id"] for line in result.verdicts}),
        n_scorable=len(scored),
        left_out=_counted(
            leave_out.get(name, "") for name in dict.fromkeys(v["edit_id"] for v in result.verdicts)
        ),
        not_scorable=_counted(edit["reason"] for edit in answered),
        checks=_counted(edit["check"] for edit in scored),
        locks=_counted(edit["lock"] for edit in scored),
        verdicts=_counted(line["verdict"] for line in lines),
        classes=_counted(line["class"] for line in lines),
        places=_counted(line["where"] for line in lines),
        n_exact=sum(line["is_exact"] for line in lines),
        attributes_kept=rate(_attributes(known, lines)),
        groups=tuple(_groups(scored, kept, after)),
        phases=tuple(_phases(known, lines)),
        pass_at=_pass_at(scored, kept),
    )


def self_test_of(result: ResultLines) -> SelfTestReport:
    """Return the figures of a self-test; raises EvaluationError for another result."""
    if result.header["purpose"] != "selftest":
        raise EvaluationError(f"{result.folder} is no result of a self-test")
    probes: dict[str, Counter[str]] = {}
    for line in result.verdicts:
        counts = probes.setdefault(line["probe"], Counter())
        counts[f"{line['verdict']} {line['class']}".strip()] += 1
    commits = {line["edit_id"]: line["commit"] for line in result.edits}
    return SelfTestReport(
        header=result.header,
        n_edits=len(result.edits),
        n_scorable=sum(not line["reason"] for line in result.edits),
        not_scorable=_counted(line["reason"] for line in result.edits),
        probes={name: dict(counts.most_common()) for name, counts in probes.items()},
        floors={
            name: rate(
                (commits.get(line["edit_id"], ""), line["verdict"] == "compiles")
                for line in result.verdicts
                if line["probe"] == name
            )
            for name in (OWN, *FLOORS)
        },
        surprises=surprises(result),
    )


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(value for value in values if value).most_common())


def passed_share(lines: Sequence[Edit]) -> float:
    """Return the share of the samples of an edit that compile."""
    n_passed = sum(1 for line in lines if line["verdict"] == "compiles")
    return n_passed / len(lines)


def _groups(
    scored: Sequence[Edit], lines: Mapping[str, Sequence[Edit]], after: str | None
) -> Iterator[Group]:
    """Yield the edits by everything that they are reported by."""
    yield _group("all", "all edits", scored, lines)
    by: list[tuple[str, Callable[[Edit], str], Sequence[str]]] = [
        ("lines", length_of, LENGTHS),
        ("change", lambda edit: str(edit["change"]), ()),
        ("needed", _needed, ()),
        ("parts", lambda edit: "one" if edit["n_parts"] == 1 else "several", ("one", "several")),
        ("code", lambda edit: "test code" if edit["is_test"] else "other code", ()),
    ]
    if after is not None:
        by.append(("date", lambda e: f"{'from' if e['time'] >= after else 'before'} {after}", ()))
    for title, name_of, names in by:
        groups: dict[str, list[Edit]] = {}
        for edit in scored:
            groups.setdefault(name_of(edit), []).append(edit)
        for name in names or sorted(groups):
            if name and (name in groups or title == "lines"):
                yield _group(title, name, groups.get(name, ()), lines)


def _group(by: str, name: str, edits: Sequence[Edit], lines: Mapping[str, Sequence[Edit]]) -> Group:
    hard = [edit for edit in edits if edit["floor"].get("old") != "compiles"]
    return Group(
        by,
        name,
        rate((edit["commit"], passed_share(lines[edit["edit_id"]])) for edit in edits),
        rate((edit["commit"], edit["floor"].get("old") == "compiles") for edit in edits),
        rate((edit["commit"], passed_share(lines[edit["edit_id"]])) for edit in hard),
    )


def length_of(edit: Edit) -> str:
    """Return the length of the commit's code: one of `LENGTHS`."""
    return LENGTHS[bucket_of(edit["lines"], _BOUNDS)]


def _needed(edit: Edit) -> str:
    """Tell whether the prompt showed the definitions that the new code needs."""
    needs = edit["needs"]
    if not needs:
        return ""
    if needs.get("not_shown") or needs.get("made_not_shown"):
        return "not all shown"
    return "all shown" if any(needs.values()) else "nothing"


def _phases(edits: Mapping[str, Edit], lines: Iterable[Edit]) -> Iterator[Phase]:
    """Yield the phases in their order, each over the answers that passed those before it."""
    left = [line for line in lines if line["verdict"] in ("compiles", "error")]
    for phase in PHASES:
        yield Phase(
            phase,
            rate((edits[line["edit_id"]]["commit"], line["phase"] != phase) for line in left),
        )
        left = [line for line in left if line["phase"] != phase]


def _attributes(edits: Mapping[str, Edit], lines: Iterable[Edit]) -> Iterator[tuple[str, float]]:
    for line in lines:
        if line["verdict"] == "compiles" and line["keeps_attributes"] is not None:
            yield edits[line["edit_id"]]["commit"], line["keeps_attributes"]


def _pass_at(scored: Sequence[Edit], lines: Mapping[str, Sequence[Edit]]) -> dict[int, Rate]:
    """Return the rate for one try, and for as many as all edits have samples."""
    most = min((len(lines[edit["edit_id"]]) for edit in scored), default=0)
    tries = sorted({1, *(k for k in (2, 5, 10, 100) if k < most), most} - {0})
    return {
        k: rate(
            (
                edit["commit"],
                pass_at(
                    k,
                    len(lines[edit["edit_id"]]),
                    sum(line["verdict"] == "compiles" for line in lines[edit["edit_id"]]),
                ),
            )
            for edit in scored
        )
        for k in tries
    }


def reason_of(name: str) -> str:
    """Return why edits cannot be scored, in words."""
    return NOT_SCORABLE.get(name, name)
