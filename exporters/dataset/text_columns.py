"""Rows as text, for trainers that tokenize themselves: what is asked, and what is answered."""

import re
from collections.abc import Sequence

from rsidx.exporters.pipeline.result import TokenizedRow
from rsidx.exporters.rendering.base import REJECTED
from rsidx.exporters.rendering.encoder import Encoder

TEXT_COLUMNS = ("id", "prompt", "completion")


class PromptCompletion:
    """Spells rows out; the tokenizer beside the data reads them back."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        control = encoder.control_tokens()
        self._spelled = re.compile("|".join(map(re.escape, sorted(control, key=len, reverse=True))))
        self._control = frozenset(control.values())

    def texts(self, row: TokenizedRow) -> tuple[str, str]:
        """Return prompt and completion, which encode to the row's ids, each by itself.

        The token that rows begin with and the end token are left to the trainer, who adds them,
        unless the row ends with another.
        """
        prompt, completion = self._sides(row)
        return self._encoder.decode(prompt), self._encoder.decode(completion)

    def whole(self, row: TokenizedRow) -> str:
        """Return a row as one text."""
        return self._encoder.decode([token_id for side in self._sides(row) for token_id in side])

    def row(self, row: TokenizedRow) -> dict[str, str] | None:
        """Return a row's `TEXT_COLUMNS`, None where code spells a control token."""
        ids = [token_id for side in self._sides(row) for token_id in side]
        prompt, completion = self.texts(row)
        if self.spells_control(ids, prompt, completion):
            return None
        return dict(zip(TEXT_COLUMNS, (row.brief["id"], prompt, completion), strict=True))

    def spells_control(self, ids: Sequence[int], *texts: str) -> bool:
        """Tell whether texts have control tokens that their ids do not: code spells one there.

        A tokenizer would take that for the token.
        """
        n_spelled = sum(len(self._spelled.findall(text)) for text in texts)
        return n_spelled != sum(token_id in self._control for token_id in ids)

    def _sides(self, row: TokenizedRow) -> tuple[list[int], list[int]]:
        ids = list(self._encoder.without_bos(row.ids.tolist()))
        ids = ids[: len(ids) - row.brief["n_tokens"].get(REJECTED, 0)]
        first = len(ids) - 1 - row.brief["n_tokens"]["new"]
        prompt, completion = ids[:first], ids[first:]
        if self._encoder.spelling(completion[-1]) == self._encoder.end_token:
            completion.pop()
        return prompt, completion
