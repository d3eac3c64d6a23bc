"""What a row says, as the texts that its faults are found in."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rsidx.answer import read_answer
from rsidx.blocks import with_blocks
from rsidx.errors import PlacementError
from rsidx.exporters.dataset.message_columns import Messages
from rsidx.exporters.rendering.chat import MESSAGE
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.exporters.rendering.renderer import LEARNED_ROLES, n_prompt_ids

_INSIGNIFICANT = re.compile(
    r"""//[^\n]*+|/\*.*?(?:\*/|\Z)|\bb?c?r(\#*+)".*?(?:"\1|\Z)|"(?:[^"\\]|\\.)*+"?+"""
    r"""|b?'(?:\\[^\n']{1,10}|[^\\'\n])'""",
    re.DOTALL,
)
_NAME = re.compile(r"[^\W\d]\w*+")
_MESSAGES = (
    ("<|message|>", "<|/message|>"),
    ("COMMIT_EDITMSG\n", " (original)\n"),
    ("<commit_msg>", "<commit_after>"),
    ("// Commit:\n", "// Original: "),
    MESSAGE,
)
"""What stands around the message, by dialect."""


@dataclass(frozen=True, slots=True)
class RowText:
    """A row's texts: all in front of what has loss, of that the context, the old code and the rest.

    `front` is what is neither context nor code. The texts have control tokens spelled out.
    """

    meta: dict[str, Any]
    prompt: str
    front: str
    context: str
    old: str
    new: str

    @property
    def message(self) -> str | None:
        """The commit's message, None where the row shows none."""
        for begin, end in _MESSAGES:
            start, behind = self.front.find(begin), self.front.rfind(end)
            if start < 0 or behind < start + len(begin):
                continue
            message = self.front[start + len(begin) : behind]
            if begin.endswith("EDITMSG\n"):
                # Up to the path of the original code, in a line of its own.
                return message.rpartition("\n")[0]
            if begin.startswith("//"):
                return "\n".join(line[3:] for line in message.splitlines())
            return message
        return None

    @property
    def is_part(self) -> bool:
        """Whether the row is of an edit, and shows less than all of it."""
        return self.meta.get("edit") is not None


def row_text(row: dict[str, Any], meta: dict[str, Any], encoder: Encoder) -> RowText:
    """Return the texts of a row of ids, of text or of messages."""
    if "rejected" in row:
        row = {**row, "completion": row["chosen"]}
    if "completion" in row:
        ids = _prompt_ids(row["prompt"], meta, encoder)
        runs = list(_runs(ids, meta["roles"], encoder)) if ids else [("prompt", row["prompt"])]
        new = str(row["completion"]).removesuffix(encoder.end_token)
        runs = [run for run in runs if run[0] not in LEARNED_ROLES] + [("new", new)]
    elif "messages" in row:
        answer = row["messages"][-1]["content"]
        ids = Messages(encoder).ids(row["messages"]) or []
        runs = list(_runs(ids, meta["roles"], encoder)) or [
            ("prompt", row["messages"][0]["content"])
        ]
        code = read_answer(answer.encode()).code.decode()
        runs = [run for run in runs if run[0] not in LEARNED_ROLES] + [("new", code)]
    else:
        runs = list(_runs(row["input_ids"], meta["roles"], encoder))
    old, new = ("".join(text for role, text in runs if role == name) for name in ("old", "new"))
    if meta.get("is_blocks"):
        with suppress(PlacementError):
            new = with_blocks(old.encode(), new.encode()).decode()
    return RowText(
        meta=meta,
        prompt="".join(text for role, text in runs if role not in LEARNED_ROLES),
        front="".join(text for role, text in runs if role == "prompt"),
        context="".join(text for role, text in runs if role == "context"),
        old=old,
        new=new,
    )


def _prompt_ids(prompt: str, meta: dict[str, Any], encoder: Encoder) -> list[int]:
    """Return the ids of a prompt as text; none where they are not as many as the row's."""
    found = encoder.encode_spelled(prompt)
    if found is None:
        return []
    ids = found[0] if encoder.bos is None else [encoder.bos, *found[0]]
    n_expected = n_prompt_ids(meta["roles"])
    return ids if len(ids) == n_expected else []


def _runs(
    ids: Sequence[int], roles: Sequence[tuple[str, int]], encoder: Encoder
) -> Iterator[tuple[str, str]]:
    start = 0
    for role, n in roles:
        if start >= len(ids):
            return
        if role != "end":
            yield role, encoder.decode(ids[start : start + n])
        start += n


def code_of(text: str) -> str:
    """Return Rust without its comments, and with nothing in its literals."""
    return _INSIGNIFICANT.sub(" ", text)


def names_in(text: str) -> set[str]:
    """Return the names in a text."""
    return set(_NAME.findall(text))
