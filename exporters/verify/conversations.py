"""Checking rows that are messages: they must be the conversation whose tokens were counted."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from rsidx.answer import read_answer
from rsidx.exporters.dataset.message_columns import Messages
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.rendering.renderer import n_prompt_ids

_ROLES = ["user", "assistant"]


class ConversationCheck:
    """Reads conversations as whoever trains on them does."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    @cached_property
    def _messages(self) -> Messages:
        # Other data sets need no template.
        return Messages(self._encoder)

    def texts(self, row: Mapping[str, Any]) -> dict[str, str]:
        """Return the question of a row, and the code of its answer."""
        question, answer = (message["content"] for message in row["messages"])
        return {"prompt": question, "new": read_answer(answer.encode()).code.decode()}

    def problems(self, row: Mapping[str, Any], meta: Mapping[str, Any]) -> Iterator[str]:
        """Yield what does not hold of the messages of a row."""
        messages = row["messages"]
        if [message["role"] for message in messages] != _ROLES:
            yield "it is not a message of a user and one of the assistant"
            return
        ids = self._messages.ids(messages)
        if ids is None or len(ids) != meta["n_tokens"]["total"]:
            yield "the chat template makes another number of tokens of its messages"
            return
        question = self._messages.question(ids[: n_prompt_ids(meta["roles"])])
        if question != messages[0]["content"]:
            yield "its answer does not begin where its roles say"
