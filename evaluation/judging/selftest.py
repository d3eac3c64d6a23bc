"""Judging the gate itself: code of which it is known what must come of it."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rsidx.evaluation.compiler.configuration import digest
from rsidx.evaluation.edits import EditSet, JudgedEdit
from rsidx.evaluation.judging.judge import Judge, Site
from rsidx.evaluation.judging.planted import FAULTS, with_fault, with_other_body
from rsidx.evaluation.judging.result import ResultLines, ResultWriter
from rsidx.evaluation.judging.session import Run, bench, work_through
from rsidx.evaluation.judging.verdict import Reference
from rsidx.indexer.rust.parser import parse

OWN, OLD, EMPTY, OTHER = "own", "old", "empty", "other"
FLOORS = (OLD, EMPTY, OTHER)
"""Code that nobody had to write: the old code left in place, none, and that of another item."""
_SEED = 7


@dataclass(frozen=True, slots=True)
class Surprise:
    """A verdict of a self-test that is not what must come of it."""

    edit_id: str
    commit: str
    path: str
    symbol: str
    probe: str
    verdict: str
    reason: str


def selftest(edits: EditSet, to: Path, run: Run, *, max_edits: int | None = None) -> None:
    """Judge the commits' own code, the floors and seven planted faults, and write the verdicts.

    `max_edits` draws so many edits, the same in every run. Raises EvaluationError where the folder
    has another result, and where nothing can be checked here.
    """
    with bench(run) as shared:
        writer = ResultWriter(to, shared.header(edits, "selftest"))

        def judge_edit(judge: Judge, edit: JudgedEdit) -> None:
            _judge_edit(writer, judge, edit)

        work_through(shared, _drawn(edits.edits, max_edits), judge_edit, run)


def _drawn(edits: Sequence[JudgedEdit], n: int | None) -> Sequence[JudgedEdit]:
    if n is None or n >= len(edits):
        return edits
    return random.Random(_SEED).sample(sorted(edits, key=lambda edit: edit.id), n)


def _judge_edit(writer: ResultWriter, judge: Judge, edit: JudgedEdit) -> None:
    """Judge each kind of code for an edit that has no verdict yet."""
    if writer.is_judged(edit.id):
        return
    subject = judge.open(edit)
    if isinstance(subject, Reference):
        writer.add_edit(edit, subject)
        return
    floor = {}
    for probe, code in answers(subject.site):
        verdict = judge.judge_code(subject, code, is_foreign=False)
        if probe in FLOORS:
            floor[probe] = verdict.verdict
        if not writer.has(edit.id, probe, digest(code)):
            writer.add_verdict(edit, probe, digest(code), subject.reference, verdict)
    # Last, so that an edit that is there is complete.
    writer.add_edit(edit, replace(subject.reference, floor=floor))


def answers(site: Site) -> Iterator[tuple[str, bytes]]:
    """Yield each kind of code for an edit, as far as there is such code."""
    yield OWN, site.own
    yield OLD, site.old
    yield EMPTY, b""
    other = _other(site)
    if other is not None:
        yield OTHER, other
    for name in FAULTS:
        code = with_fault(site.own, name)
        if code is not None:
            yield f"planted {name}", code


def _other(site: Site) -> bytes | None:
    """Return the edit's function with another body of its file, else another item of its kind."""
    start, others = 0, []
    for chunk in parse(site.source).chunks:
        end = start + len(chunk.text)
        if chunk.kind == site.edit.kind and (end <= site.start or site.end <= start):
            others.append(chunk.text)
        start = end
    found = with_other_body(site.own, iter(others))
    if found is not None:
        return found
    return next((text for text in others if text.strip() != site.own.strip()), None)


def surprises(result: ResultLines) -> tuple[Surprise, ...]:
    """Return the verdicts that are not what they must be.

    A commit's own code compiles, and a planted fault is an error of its class.
    """
    edits = {line["edit_id"]: line for line in result.edits}
    found = []
    for line in result.verdicts:
        probe = line["probe"]
        expected = ("compiles", "") if probe == OWN else None
        if probe.startswith("planted "):
            expected = "error", FAULTS[probe.removeprefix("planted ")][1]
        if expected is not None and (line["verdict"], line["class"]) != expected:
            edit = edits.get(line["edit_id"], {"commit": "", "path": "", "symbol": ""})
            verdict = f"{line['verdict']} {line['class']}".strip()
            found.append(
                Surprise(line["edit_id"], edit["commit"], edit["path"], edit["symbol"], probe,
                         verdict, line["reason"])
            )  # fmt: skip
    return tuple(found)
