"""The figures of results of `rsidx eval`, as lines for people."""

from collections.abc import Iterator, Mapping
from typing import Any

from rsidx import Comparison, EvaluationReport, SelfTestReport
from rsidx.output import counted, table

_FEW = 10


def report_lines(found: EvaluationReport) -> Iterator[str]:
    """Yield the figures of predictions."""
    yield from _head(found.header)
    yield (
        f"{counted(found.n_edits, 'edit')}: {found.n_scorable:,} scorable, "
        f"{found.n_unanswered:,} without a prediction"
    )
    yield from _counts("left out, as the model may have seen them", found.left_out)
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


def self_test_lines(found: SelfTestReport) -> Iterator[str]:
    """Yield the figures of a self-test."""
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


def comparison_lines(found: Comparison) -> Iterator[str]:
    """Yield the figures of a comparison."""
    yield f"{'':<18}{'edits':>6}  {'first':<18}{'second':<18}second less first"
    for group in found.groups:
        few = group.first.n < _FEW
        yield (
            f"{group.name:<18}{group.first.n:>6,}  {_rate(group.first, few=few):<18}"
            f"{_rate(group.second, few=few):<18}{_difference(group.difference)}"
        )
    yield (
        f"both compile {found.both:,}, the first alone {found.only_first:,}, the second alone "
        f"{found.only_second:,}, neither {found.neither:,}"
    )
    yield (
        f"scored in the first alone {found.n_first_alone:,}, in the second alone "
        f"{found.n_second_alone:,}, left out {found.n_left_out:,}"
    )


def _difference(rate: Any) -> str:
    if rate.rate is None or rate.n < _FEW:
        return "-"
    low, middle, high = (f"{100 * one:+.0f}" for one in (rate.low, rate.rate, rate.high))
    return f"{middle} points ({low} to {high})"
