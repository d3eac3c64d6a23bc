"""Rows as messages, for instruct models: what a user asks, and what the assistant answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from rsidx.exporters.dataset.text_columns import PromptCompletion
from rsidx.exporters.pipeline.result import TokenizedRow
from rsidx.exporters.rendering.chat_template import chat_frame, messages_of
from rsidx.exporters.rendering.encoder import Encoder

MESSAGE_COLUMNS = ("id", "messages")


class Messages:
    """Spells rows out as conversations, which the tokenizer's chat template writes as their ids."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._frame = chat_frame(encoder)
        self._texts = PromptCompletion(encoder)

    def texts(self, row: TokenizedRow) -> tuple[str, str]:
        """Return the question and the answer of a row, which has loss on the answer."""
        ids, (first, _) = row.ids.tolist(), row.learned[0]
        answer = self._encoder.decode(ids[first:])
        answer = answer.removeprefix(self._frame.before).removesuffix(self._frame.tail)
        return self.question(ids[:first]), answer

    def question(self, ids: Sequence[int]) -> str:
        """Return the question of the ids that a model is asked with."""
        frame = self._frame
        return self._encoder.decode(ids).removeprefix(frame.head).removesuffix(frame.middle)

    def row(self, row: TokenizedRow) -> dict[str, Any] | None:
        """Return a row's `MESSAGE_COLUMNS`.

        None where code spells a control token, or the template writes these messages otherwise.
        """
        ids = row.ids.tolist()
        question, answer = self.texts(row)
        messages = messages_of(question, answer)
        text = self._frame.conversation(question, answer)
        if self._texts.spells_control(ids, text) or not self._frame.writes(messages, text):
            return None
        return dict(zip(MESSAGE_COLUMNS, (row.brief["id"], [*messages]), strict=True))

    def ids(self, messages: Sequence[Mapping[str, str]]) -> list[int] | None:
        """Return the ids of a conversation; None where they decode otherwise."""
        question, answer = (message["content"] for message in messages)
        found = self._encoder.encode_spelled(self._frame.conversation(question, answer))
        return found[0] if found is not None else None
