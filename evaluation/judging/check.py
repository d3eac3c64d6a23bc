"""Judging predictions: one verdict for each edit and sample."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rsidx.evaluation.asking.predictions import Prediction
from rsidx.evaluation.edits import EditSet, JudgedEdit
from rsidx.evaluation.judging.judge import Judge, Subject
from rsidx.evaluation.judging.result import ResultWriter
from rsidx.evaluation.judging.session import Run, bench, work_through
from rsidx.evaluation.judging.verdict import Reference, Verdict

Predictions = Mapping[tuple[str, int], Prediction]


@dataclass(frozen=True, slots=True)
class CheckCounts:
    """What a run did: verdicts written, checks that the memo had, rows that nobody answered."""

    n_verdicts: int
    n_from_memo: int
    n_rows_without: int
    n_unknown: int


def check(
    edits: EditSet,
    predictions: Predictions,
    to: Path,
    run: Run,
) -> CheckCounts:
    """Judge predictions for a split, and add the verdicts to the result in a folder.

    What is there already is not judged again. Raises EvaluationError where the folder has another
    result, and where nothing can be checked here.
    """
    rows = {row_id for edit in edits.edits for row_id in edit.ids}
    samples = sorted({sample for _, sample in predictions})
    asked = [
        edit
        for edit in edits.edits
        if any(all((row, sample) in predictions for row in edit.ids) for sample in samples)
    ]
    with bench(run) as shared:
        writer = ResultWriter(to, shared.header(edits, "predictions"))
        judged = _Judged(writer, predictions, samples, edits.end_token)
        work_through(shared, asked, judged.edit, run)
        return CheckCounts(
            n_verdicts=judged.n_verdicts,
            n_from_memo=shared.memo.n_used,
            n_rows_without=len(rows - {row for row, _ in predictions}),
            n_unknown=len({row for row, _ in predictions} - rows),
        )


class _Judged:
    """Judges the answers to an edit that have no verdict yet."""

    def __init__(
        self,
        writer: ResultWriter,
        predictions: Predictions,
        samples: list[int],
        end_token: str,
    ) -> None:
        self._writer = writer
        self._predictions = predictions
        self._samples = samples
        self._end_token = end_token
        self.n_verdicts = 0

    def edit(self, judge: Judge, edit: JudgedEdit) -> None:
        """Judge what there is for an edit."""
        answers = {
            sample: [self._predictions[row, sample] for row in edit.ids]
            for sample in self._samples
            if all((row, sample) in self._predictions for row in edit.ids)
        }
        digests = {
            sample: "".join(one.digest for one in found) for sample, found in answers.items()
        }
        left = [s for s in answers if not self._writer.has(edit.id, s, digests[s])]
        if not left:
            return
        subject = judge.open(edit)
        if isinstance(subject, Reference):
            self._writer.add_edit(edit, subject)
            verdict = Verdict("not_scorable", reason=subject.reason)
            reference = subject
        else:
            floor = {"old": judge.judge_code(subject, subject.site.old, is_foreign=False).verdict}
            reference = replace(subject.reference, floor=floor)
            self._writer.add_edit(edit, reference)
        for sample in left:
            if isinstance(subject, Subject):
                verdict = judge.judge(subject, answers[sample], end_token=self._end_token)
            self._writer.add_verdict(edit, sample, digests[sample], reference, verdict)
            self.n_verdicts += 1
