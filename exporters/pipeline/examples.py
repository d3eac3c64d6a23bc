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
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.kind import Sources
from rsidx.exporters.examples.redaction import Redactor, is_only_secrets, whole_placeholders
from rsidx.exporters.kinds import KINDS
from rsidx.store.reader import Reader

MAX_MESSAGE_CHARS = 1000


class ExampleBuilder:
    """Redacts drafts, and makes examples of the configuration's kind from them."""

    def __init__(self, reader: Reader, texts: SideTexts, config: ExportConfig) -> None:
        self._redactor = None if "secrets" in config.keep else Redactor(reader.blob_text)
        sources = Sources(reader, texts, self.cuts_secret)
        self._examples = KINDS[config.kind].examples(sources, config)

    def cuts_secret(self, blob_id: int, bounds: Sequence[int]) -> bool:
        """Tell whether any of some offsets in a blob is inside a secret that is to be replaced."""
        return self._redactor is not None and self._redactor.cuts(blob_id, bounds)

    def file_without_hole(self, edit: Edit) -> tuple[bytes, int] | None:
        """Return the new file of an edit without its hole, and the hole's offset; None for none."""
        return self._examples.file_without_hole(edit)

    def redacted(self, draft: Draft) -> Draft:
        """Return a draft without secrets, its message cut to `MAX_MESSAGE_CHARS`."""
        if self._redactor is not None:
            draft = self._redactor.draft(draft)
        return replace(draft, message=_cut(draft.message))

    def examples(self, draft: Draft, max_chars: int) -> tuple[list[Example], Counter[str]]:
        """Return the examples of a redacted draft, without secrets, and what was left out.

        Adds to the counts of the kind `parts_only_secrets`: examples with nothing left to learn.
        """
        examples, dropped = self._examples.of(draft, max_chars)
        finished = [self.finished(example) for example in examples]
        kept = [example for example in finished if not is_only_secrets(example)]
        return kept, dropped + Counter(parts_only_secrets=len(finished) - len(kept))

    def finished(self, example: Example) -> Example:
        """Return an example of a redacted draft without secrets, and without repeated excerpts."""
        if self._redactor is not None:
            example = self._redactor.example(example)
        # Last: excerpts and code are the same text only once both are redacted.
        return example.without_repeats()


def _cut(message: str) -> str:
    if len(message) <= MAX_MESSAGE_CHARS:
        return message
    cut = whole_placeholders(message[:MAX_MESSAGE_CHARS])
    return cut.rsplit("\n", 1)[0].rstrip() or cut
