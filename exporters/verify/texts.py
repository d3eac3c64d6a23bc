"""Checking a row's ids against its texts: that they are the same data."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rsidx.exporters.formats.common import IGNORED
from rsidx.exporters.rendering.encoder import Encoder


class RowTexts:
    """What rows say as text, and what of it has loss.

    Rows that were encoded `in_pieces` are not compared with what the tokenizer makes of them.
    """

    def __init__(self, encoder: Encoder, *, in_pieces: bool) -> None:
        self._encoder = encoder
        self._in_pieces = in_pieces
        self._marks = tuple(encoder.added_tokens())

    def texts(self, sides: Mapping[str, list[int]]) -> dict[str, str]:
        """Return the text of each side."""
        return {name: self._encoder.decode(ids) for name, ids in sides.items()}

    def without_end(self, completion: str) -> str:
        """Return a completion without the control token that it may end with."""
        ends = (token for token in self._encoder.control_tokens() if completion.endswith(token))
        return completion.removesuffix(next(ends, ""))

    def sides(
        self, ids: list[int], meta: dict[str, Any], *, has_prompt: bool
    ) -> dict[str, list[int]]:
        """Return the ids of a row in front of the new code, and those of it.

        Neither has the token that rows begin with, nor the one that it ends with; a row without a
        prompt is all new.
        """
        ids = list(self._encoder.without_bos(ids[: meta["n_tokens"]["total"]]))
        n_new = meta["n_tokens"]["new"] if has_prompt else len(ids)
        if meta["roles"] and meta["roles"][-1][0] == "end":
            ids.pop()
        first = max(0, len(ids) - n_new)
        return {"prompt": ids[:first], "new": ids[first:]}

    def problems(self, sides: Mapping[str, list[int]]) -> Iterator[str]:
        """Check that each side is what the tokenizer makes of its text.

        Where code spells a control token, a tokenizer that reads text would take it for one.
        """
        for name, ids in sides.items() if not self._in_pieces else ():
            found = self._encoder.encode_spelled(self._encoder.decode(ids))
            if found is not None and found[0] != ids:
                encoder = self._encoder
                if encoder.controls(found[0]) == encoder.controls(ids):
                    yield f"the ids of its {name} part are not those of its text"

    def losses(
        self, row: dict[str, Any], text: str, learned: Sequence[tuple[int, ...]]
    ) -> Iterator[str]:
        """Check that the tokens with loss are those whose first character is in some ranges."""
        n_bos = len(row["input_ids"]) - len(self._encoder.without_bos(row["input_ids"]))
        found = self._encoder.encode_spelled(text)
        if found is None or row["input_ids"][n_bos : n_bos + len(found[0])] != found[0]:
            ids = [one for one in row["labels"] if one != IGNORED]
            with_loss = self._encoder.decode(ids)
            expected = "".join(text[start:end] for start, end in learned)
            if self.without_end(with_loss) != expected:
                yield "what has loss is not what it says"
            return
        for at, start in enumerate(found[1], n_bos):
            has_loss = any(a <= start < b for a, b in learned)
            if has_loss != (row["labels"][at] != IGNORED):
                yield "what has loss is not what it says"
                return

    def is_shown(self, raw: bytes, n_tokens: int, prompt: str) -> bool:
        """Tell whether a prompt has a text, the whole of it by its number of tokens."""
        text = raw.decode("utf-8", "replace")
        ids = self._encoder.encode(text)
        return ids is not None and len(ids) == n_tokens and text in prompt

    def is_whole(self, raw: bytes, prompt: str) -> bool:
        """Tell whether a prompt has a text from one mark to the next.

        Marks are the control tokens, and without them a line above, and below one that says what
        comes.
        """
        text = raw.decode("utf-8", "replace")
        at = prompt.find(text)
        while at >= 0:
            before, behind = prompt[:at], prompt[at + len(text) :]
            if before.endswith(("\n", *self._marks)) and (
                not behind or behind.startswith(("// Updated: ", "// File: ", "```", *self._marks))
            ):
                return True
            at = prompt.find(text, at + 1)
        return False
