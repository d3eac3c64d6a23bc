"""Rows as preferences: what is asked, the better answer and the worse one, as text."""

from rsidx.exporters.dataset.text_columns import PromptCompletion
from rsidx.exporters.pipeline.result import TokenizedRow
from rsidx.exporters.rendering.base import REJECTED
from rsidx.exporters.rendering.encoder import Encoder

PREFERENCE_COLUMNS = ("id", "prompt", "chosen", "rejected")


class Preferences:
    """Spells rows of two answers out; the tokenizer beside the data reads them back.

    The token that rows begin with and the one that ends an answer are left to the trainer.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._texts = PromptCompletion(encoder)

    def row(self, row: TokenizedRow) -> dict[str, str] | None:
        """Return a row's `PREFERENCE_COLUMNS`, None where code spells a control token."""
        spelled = self._texts.row(row)
        n_rejected = row.brief["n_tokens"][REJECTED]
        ids = row.ids.tolist()[-n_rejected:-1]
        rejected = self._encoder.decode(ids)
        if spelled is None or self._texts.spells_control(ids, rejected):
            return None
        texts = (spelled["id"], spelled["prompt"], spelled["completion"], rejected)
        return dict(zip(PREFERENCE_COLUMNS, texts, strict=True))
