"""Repairs: code that failed the gate with what the compiler said of it, and the commit's code.

The prompt is that of an edit, asked for where the failed code is on disk: it is the code to change,
and the errors follow the message, as they do when a model is asked again.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from rsidx.exporters.answers.failed import FailedAnswer
from rsidx.exporters.edits.line_ends import with_line_ends
from rsidx.exporters.examples.answered import AnsweredEdits, WithoutQuestions
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.edit import EditCode, block_facts
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.kind import Kind, Limits, Shown, Sources
from rsidx.exporters.examples.message import with_errors
from rsidx.store.records import CommitRow

if TYPE_CHECKING:  # A configuration names its kind, so it imports this module.
    from rsidx.exporters.config import ExportConfig

_DIGEST = 8


@dataclass(frozen=True, slots=True)
class RepairCode(EditCode):
    """The code of a failed answer as the old code; `verdict` and `sample` are the answer's."""

    verdict: str = ""
    sample: str = ""

    has_old: ClassVar[bool] = False

    @property
    def variant(self) -> str:
        """A digest of the failed code."""
        return hashlib.blake2b(self.old.encode(), digest_size=_DIGEST).hexdigest()

    @property
    def facts(self) -> dict[str, Any]:
        """Which answer it is, and what the gate said."""
        return {
            **block_facts(self),
            "answer": {"verdict": self.verdict, "sample": self.sample, "digest": self.variant},
        }

    def with_line_ends(self, line_ends: str) -> "RepairCode":
        """Return the same with other line ends in both."""
        old, new = (with_line_ends(text, line_ends) for text in (self.old, self.new))
        return replace(self, old=old, new=new)


class RepairExamples(WithoutQuestions):
    """Makes an example of each failed answer to an edit."""

    def __init__(self, sources: Sources, config: "ExportConfig") -> None:
        self._answered = AnsweredEdits(sources, config)
        self._message = sources.message

    def wants(self, commit: CommitRow) -> bool:
        """Tell whether there are answers to a commit's edits."""
        return self._answered.has(commit.oid)

    def of(self, draft: Draft, limits: Limits) -> tuple[list[Example], Counter[str]]:
        """Return the repairs of a whole edit.

        Counts `edits_unanswered`, the answers that are left out as `FailedAnswers` does, those to
        edits in parts (`answers_of_parts`), and those of which no error is known
        (`answers_without_errors`).
        """
        answers, dropped = self._answered.failed(draft)
        told = [answer for answer in answers if answer.errors]
        dropped["answers_without_errors"] += len(answers) - len(told)
        if not told:
            return [], +dropped
        example, left_out = self._answered.whole(draft, limits)
        if example is None:
            return [], +dropped + left_out + Counter(answers_of_parts=len(told))
        return [self._repair(example, answer) for answer in told], +dropped

    def _repair(self, example: Example, answer: FailedAnswer) -> Example:
        draft, code = example.draft, example.code
        assert isinstance(code, EditCode)
        message, is_cut = self._message(with_errors(draft.message, answer.errors))
        # The code is there now, whether it was there before or not.
        place = replace(draft.place, change="modify")
        draft = replace(
            draft,
            message=message,
            is_message_cut=draft.is_message_cut or is_cut,
            place=place,
            given=None,
        )
        repair = RepairCode(
            answer.code, code.lead, code.new, verdict=answer.verdict, sample=answer.sample
        )
        return replace(example, draft=draft, code=repair)


def _conflict(config: "ExportConfig") -> str | None:
    if not config.from_results:
        return "--kind repair is made of answers: --from RESULT, which `rsidx eval check` wrote"
    if config.no_edit:
        return "--no-edit is for --kind edit"
    return None


def _shown(meta: Mapping[str, Any]) -> Iterator[Shown]:
    yield Shown("new", "new", meta["new"])


REPAIR = Kind(
    "repair",
    "Repairs",
    "Answers of a model to edits from the history of a Rust repository that failed the compiler, "
    "with its errors, and the code of each commit",
    level=None,
    has_prompt=True,
    divides=True,
    has_message=True,
    conflict=_conflict,
    examples=RepairExamples,
    shown=_shown,
    is_edit=True,
)
