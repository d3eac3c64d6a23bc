"""Edits that a model's answers are known to: the part that the kinds made of these share."""

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

from rsidx.exporters.answers.failed import FailedAnswer, FailedAnswers, Place
from rsidx.exporters.edits.edit import Edit, Side
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.edit import EditExamples
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.kind import Limits, Sources

if TYPE_CHECKING:  # A configuration names its kind, so it imports this module.
    from rsidx.exporters.config import ExportConfig


class AnsweredEdits:
    """Finds the failed answers to edits, and makes the example that was asked for."""

    def __init__(self, sources: Sources, config: "ExportConfig") -> None:
        self._reader = sources.reader
        self._folders = config.from_results
        self._edits = EditExamples(sources, config)

    @cached_property
    def _answers(self) -> FailedAnswers:
        # Who reads a data set has its configuration, and not always the results.
        return FailedAnswers(self._folders)

    def has(self, commit: bytes) -> bool:
        """Tell whether there are answers to edits of a commit."""
        return self._answers.has(commit.hex())

    def failed(self, draft: Draft) -> tuple[tuple[FailedAnswer, ...], Counter[str]]:
        """Return the answers to an edit that failed, and counts of the others."""
        edit = draft.edit
        sides = (self._range(side) for side in (edit.old, edit.new))
        judged = self._answers.of(Place(draft.commit.hex(), draft.path, *sides))
        if judged is None:
            return (), Counter(edits_unanswered=1)
        return judged.failed, judged.left_out

    def whole(self, draft: Draft, limits: Limits) -> tuple[Example | None, Counter[str]]:
        """Return the example of an edit; None where it has several, of which one may be wrong."""
        examples, left_out = self._edits.of(draft, limits)
        if len(examples) != 1 or examples[0].is_part or draft.edit.new is None:
            return None, left_out
        return examples[0], left_out

    def _range(self, side: Side | None) -> tuple[str, int, int] | None:
        if side is None:
            return None
        return self._reader.blob(side.blob_id).oid.hex(), side.start, side.start + side.n_bytes


class WithoutQuestions:
    """Kinds of example that nobody asks for before there is an answer."""

    def file_without_hole(self, edit: Edit) -> None:
        """Return None: the code of these kinds takes the place of other code."""
        del edit

    def questions(self, draft: Draft, max_chars: int) -> list[Example]:
        """Return none."""
        del draft, max_chars
        return []
