"""Whether a server's tokenizer makes the ids that a model was trained on of the same text."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from rsidx.errors import EvaluationError
from rsidx.evaluation.asking.client import Client
from rsidx.exporters.dataset.format import read_manifest
from rsidx.exporters.dataset.message_columns import Messages
from rsidx.exporters.dataset.reader import readable, rows_with_meta
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.rendering.renderer import n_prompt_ids

_AROUND = 2
"""How many tokens are shown in front of the first that differs."""


@dataclass(frozen=True, slots=True)
class TokenDifference:
    """The first difference of a row: `at` is its place, from 0, in the ids of the prompt.

    `trained` and `served` are the tokens from shortly before it, as texts.
    """

    row: str
    at: int
    trained: tuple[str, ...]
    served: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TokenizerComparison:
    """What a server's tokenizer makes of the prompts of some rows, beside what training had.

    `n_same` of `n_rows` prompts have the same ids, the token that a text begins with included.
    `n_left_out` have code that spells a control token, which no text can say. `ends_same` tells
    whether the end token is one token, and the same.
    """

    model: str
    n_rows: int
    n_same: int
    n_left_out: int
    ends_same: bool
    differences: tuple[TokenDifference, ...]

    @property
    def is_same(self) -> bool:
        """Whether something was compared, and no difference found."""
        return 0 < self.n_rows == self.n_same and self.ends_same


@dataclass(frozen=True, slots=True)
class _Asked:
    """A prompt's ids as the model was trained, and as text; a chat brings its own beginning."""

    row: str
    ids: list[int]
    text: str
    is_chat: bool


def compare_tokens(out: Path, split: str, client: Client, n_rows: int) -> TokenizerComparison:
    """Compare the prompts of the first rows of a split with what a server makes of their texts.

    Raises ExportError where `out` is no export, EvaluationError where it has no prompts, or the
    server does not tokenize.
    """
    manifest = read_manifest(out)
    with readable(out):
        folder = str(out / "tokenizer")
        encoder = Encoder(load(folder), source=folder)
        asked = list(islice(_asked(out, split, manifest, encoder), n_rows))
    if not asked:
        raise EvaluationError(f"{out} has no prompts in {split}")
    told = [one for one in asked if _is_told(encoder, one)]
    differences = []
    for one in told:
        served = client.tokens(one.text, adds_beginning=not one.is_chat)
        if served != one.ids:
            differences.append(_difference(encoder, one, served))
    end = encoder.end_token
    ends_same = client.tokens(end, adds_beginning=False) == [encoder.control(end)]
    return TokenizerComparison(
        client.model,
        len(told),
        len(told) - len(differences),
        len(asked) - len(told),
        ends_same,
        tuple(differences),
    )


def _asked(out: Path, split: str, manifest: dict[str, Any], encoder: Encoder) -> Iterator[_Asked]:
    for row, meta in rows_with_meta(out, split, manifest["config"]["format"]):
        is_chat = "messages" in row
        if is_chat:
            ids = Messages(encoder).ids(row["messages"]) or []
        elif "prompt" in row:
            found = encoder.encode_spelled(row["prompt"])
            beginning = [encoder.bos] if encoder.bos is not None else []
            ids = [*beginning, *(found[0] if found is not None else [])]
        else:
            ids = list(row["input_ids"])
        ids = ids[: n_prompt_ids(meta["roles"])]
        text = encoder.decode(ids if is_chat else encoder.without_bos(ids))
        yield _Asked(meta["id"], ids, text, is_chat)


def _is_told(encoder: Encoder, one: _Asked) -> bool:
    """Tell whether a prompt's text gives its ids at all."""
    found = encoder.encode_spelled(one.text)
    return found is not None and found[0] == list(
        one.ids if one.is_chat else encoder.without_bos(one.ids)
    )


def _difference(encoder: Encoder, one: _Asked, served: list[int]) -> TokenDifference:
    pairs = zip(one.ids, served, strict=False)
    shorter = min(len(one.ids), len(served))
    at = next((n for n, (a, b) in enumerate(pairs) if a != b), shorter)
    window = slice(max(0, at - _AROUND), at + _AROUND)
    trained, found = (
        tuple(encoder.decode([token_id]) for token_id in ids[window]) for ids in (one.ids, served)
    )
    return TokenDifference(one.row, at, trained, found)
