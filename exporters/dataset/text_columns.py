"""Rows as text, for trainers that tokenize themselves: what is asked, and what is answered."""

import re

from rsidx.exporters.pipeline.result import TokenizedRow
from rsidx.exporters.rendering.encoder import Encoder


class PromptCompletion:
    """Spells rows out; the tokenizer beside the data reads them back."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        control = encoder.control_tokens()
        self._spelled = re.compile("|".join(map(re.escape, sorted(control, key=len, reverse=True))))
        self._control = frozenset(control.values())

    def row(self, row: TokenizedRow) -> dict[str, str] | None:
        """Return `prompt` and `completion`, None where code spells a control token.

        A tokenizer would take that for the token. The end token is left to the trainer, who adds
        it, unless the row ends with another.
        """
        ids = row.ids.tolist()
        first = len(ids) - 1 - row.brief["n_tokens"]["new"]
        prompt, completion = ids[:first], ids[first:]
        if self._encoder.spelling(completion[-1]) == self._encoder.end_token:
            completion.pop()
        texts = [self._encoder.decode(part) for part in (prompt, completion)]
        n_spelled = sum(len(self._spelled.findall(text)) for text in texts)
        if n_spelled != sum(token in self._control for token in (*prompt, *completion)):
            return None
        return {"prompt": texts[0], "completion": texts[1]}
