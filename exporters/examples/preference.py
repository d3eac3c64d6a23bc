"""Preferences: a prompt, the commit's code, and code that is the worse answer.

That is an answer that failed the gate, or what a commit that says that it reverts another one takes
back.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from rsidx.exporters.answers.failed import FailedAnswer
from rsidx.exporters.edits.edit import Edit
from rsidx.exporters.edits.line_ends import with_line_ends
from rsidx.exporters.edits.reverts import names_reverts, reverted_by
from rsidx.exporters.edits.splitting import Part
from rsidx.exporters.examples.answered import AnsweredEdits, WithoutQuestions
from rsidx.exporters.examples.blocks import blocks_for
from rsidx.exporters.examples.draft import Draft, MapText, source_within
from rsidx.exporters.examples.edit import EditCode, block_facts, shown_sides
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.kind import Kind, Limits, Sources
from rsidx.store.records import CommitRow

if TYPE_CHECKING:  # A configuration names its kind, so it imports this module.
    from rsidx.exporters.config import ExportConfig

_DIGEST = 8
REVERTED = "reverted"
"""The verdict of the people who took code back."""


@dataclass(frozen=True, slots=True)
class PreferenceCode(EditCode):
    """An edit with a worse answer beside the new code; `sample` is whose answer it was."""

    rejected: str = ""
    verdict: str = ""
    sample: str = ""

    roles: ClassVar[tuple[str, ...]] = (*EditCode.roles, "rejected")

    @property
    def variant(self) -> str:
        """A digest of the worse answer."""
        return hashlib.blake2b(self.rejected.encode(), digest_size=_DIGEST).hexdigest()

    @property
    def facts(self) -> dict[str, Any]:
        """Which answer is the worse one, and who said so."""
        return {
            **block_facts(self),
            "answer": {"verdict": self.verdict, "sample": self.sample, "digest": self.variant},
        }

    @property
    def is_changed(self) -> bool:
        """Whether the two answers differ."""
        return self.new != self.rejected

    def as_blocks(self) -> "PreferenceCode":
        """Return the same with blocks as both answers, where both can be."""
        made = EditCode.as_blocks(self)
        rejected = blocks_for(self.old, self.rejected) if made.blocks else None
        return self if rejected is None else replace(made, rejected=rejected)

    def with_line_ends(self, line_ends: str) -> "PreferenceCode":
        """Return the same with other line ends in both answers."""
        new, rejected = (with_line_ends(text, line_ends) for text in (self.new, self.rejected))
        return replace(self, new=new, rejected=rejected)

    def map_texts(self, change: MapText, edit: Edit, part: Part) -> "PreferenceCode":
        """Return the same with its texts changed."""
        made = EditCode.map_texts(self, change, edit, part)
        is_old = self.verdict == REVERTED
        source = source_within(edit.old, part.old_start, part.old_end) if is_old else None
        return replace(made, rejected=change(self.rejected, source))


class PreferenceExamples(WithoutQuestions):
    """Makes an example of each failed answer to an edit, and one of an edit that is a revert."""

    def __init__(self, sources: Sources, config: "ExportConfig") -> None:
        self._reader = sources.reader
        self._answered = AnsweredEdits(sources, config)

    def wants(self, commit: CommitRow) -> bool:
        """Tell whether there are answers to a commit's edits, or it says that it reverts one."""
        return self._answered.has(commit.oid) or names_reverts(self._reader, commit)

    def of(self, draft: Draft, limits: Limits) -> tuple[list[Example], Counter[str]]:
        """Return the preferences of a whole edit.

        Counts `edits_unanswered`, the answers that are left out as `FailedAnswers` does, and those
        to edits in parts (`answers_of_parts`).
        """
        answers, dropped = self._answered.failed(draft)
        commit = self._reader.commit(draft.commit)
        reverted = reverted_by(self._reader, commit, draft.edit) if commit is not None else None
        if not answers and reverted is None:
            return [], dropped
        example, left_out = self._answered.whole(draft, limits)
        if example is None:
            n = len(answers) + (reverted is not None)
            return [], dropped + left_out + Counter(answers_of_parts=n)
        if reverted is not None:
            code = example.code
            assert isinstance(code, EditCode)
            answers = (*answers, FailedAnswer(code.old, REVERTED, "", reverted))
            del dropped["edits_unanswered"]
        return [_preference(example, answer) for answer in answers], dropped


def _preference(example: Example, answer: FailedAnswer) -> Example:
    code = example.code
    assert isinstance(code, EditCode)
    pair = PreferenceCode(
        code.old,
        code.lead,
        code.new,
        rejected=answer.code,
        verdict=answer.verdict,
        sample=answer.sample,
    )
    return replace(example, code=pair)


def _conflict(config: "ExportConfig") -> str | None:
    if config.columns != "text":
        return (
            "--kind preference has the columns prompt, chosen and rejected, as text: --columns text"
        )
    if config.no_edit or config.labels != "target":
        return "--no-edit and --labels are not for --kind preference"
    return None


PREFERENCE = Kind(
    "preference",
    "Preferences",
    "Real edits from the history of a Rust repository, each with the commit's code and a worse "
    "answer: one that failed the compiler, or code that the commit takes back",
    level=None,
    has_prompt=True,
    divides=True,
    has_message=True,
    conflict=_conflict,
    examples=PreferenceExamples,
    shown=shown_sides,
    is_edit=True,
    has_rejected=True,
)
