"""From drafts to examples: redact the draft, make the examples of its kind, redact their code.

Exports and prompts share these steps; a prompt's edit has no new side.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.edits.edit import Edit
from rsidx.exporters.edits.side_texts import SideTexts
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.edit import EditCode
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.kind import Limits, Sources
from rsidx.exporters.examples.message import cut, holds_target, tidy
from rsidx.exporters.examples.redaction import Redactor, is_only_secrets
from rsidx.exporters.kinds import KINDS
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow


class ExampleBuilder:
    """Redacts drafts, and makes examples of the configuration's kind from them."""

    def __init__(self, reader: Reader, texts: SideTexts, config: ExportConfig) -> None:
        self._redactor = None if "secrets" in config.keep else Redactor(reader.blob_text)
        sources = Sources(reader, texts, self.cuts_secret, self.message)
        kind = KINDS[config.kind]
        self._examples = kind.examples(sources, config)
        self._has_message = kind.has_message
        self._has_blocks = config.target == "blocks"
        self._has_fences = config.columns == "messages"
        self._keeps_numbers = config.message_numbers
        self._keeps_told = not kind.has_message or "messages_target" in config.keep

    def cuts_secret(self, blob_id: int, bounds: Sequence[int]) -> bool:
        """Tell whether any of some offsets in a blob is inside a secret that is to be replaced."""
        return self._redactor is not None and self._redactor.cuts(blob_id, bounds)

    def wants(self, commit: CommitRow) -> bool:
        """Tell whether a commit may give examples."""
        return self._examples.wants(commit)

    def file_without_hole(self, edit: Edit) -> tuple[bytes, int] | None:
        """Return the new file of an edit without its hole, and the hole's offset; None for none."""
        return self._examples.file_without_hole(edit)

    def redacted(self, draft: Draft) -> Draft:
        """Return a draft without secrets, its message as rows show it."""
        if self._redactor is not None:
            draft = self._redactor.draft(draft)
        message, is_cut = self.message(draft.message)
        return replace(draft, message=message, is_message_cut=is_cut and self._has_message)

    def message(self, message: str) -> tuple[str, bool]:
        """Return a message as rows show it, and whether it was cut."""
        return cut(tidy(message, keeps_numbers=self._keeps_numbers))

    def questions(self, draft: Draft, max_chars: int) -> list[Example]:
        """Return what a redacted draft whose edit is still to be made can be asked about."""
        return [self.finished(example) for example in self._examples.questions(draft, max_chars)]

    def examples(self, draft: Draft, limits: Limits) -> tuple[list[Example], Counter[str]]:
        """Return the examples of a redacted draft, without secrets, and what was left out.

        Adds to the counts of the kind `parts_only_secrets`: examples with nothing left to learn,
        `parts_line_ends`: those that changed line ends alone, `messages_target`: those whose
        message spells out the answer, and `parts_open_line`: those whose answer no fence could end.
        """
        examples, dropped = self._examples.of(draft, limits)
        kept = []
        for example in map(self.finished, examples):
            reason = self._reason(example)
            if reason is None:
                kept.append(self._as_row(example))
            else:
                dropped[reason] += 1
        return kept, dropped

    def _as_row(self, example: Example) -> Example:
        """Return an example with what its row has in place of its new code."""
        code = example.code
        if self._has_blocks and isinstance(code, EditCode):
            return replace(example, code=code.as_blocks())
        return example

    def _reason(self, example: Example) -> str | None:
        """Return why an example is left out, None if it stays."""
        if is_only_secrets(example):
            return "parts_only_secrets"
        if example.line_ends is not None and not example.code.is_changed:
            return "parts_line_ends"
        if not self._keeps_told and _is_told(example):
            return "messages_target"
        if self._has_fences and not example.code.target.endswith("\n"):
            return "parts_open_line"
        return None

    def finished(self, example: Example) -> Example:
        """Return an example of a redacted draft without secrets, and without repeated excerpts."""
        if self._redactor is not None:
            example = self._redactor.example(example)
        # Secrets are found by where they stand in a blob, so line ends change after them. Last come
        # the repeats: excerpts and code are the same text only once both are redacted.
        return example.with_line_ends().without_repeats()


def _is_told(example: Example) -> bool:
    texts = example.code.texts
    return holds_target(example.draft.message, texts["old"], texts["new"])
