"""The prompts of a split, as text: exactly what stands in front of the loss of each row."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from rsidx.errors import EvaluationError
from rsidx.evaluation.edits import KINDS
from rsidx.exporters.dataset.format import read_manifest
from rsidx.exporters.dataset.reader import readable, rows_with_meta
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.rendering.families import fim_endings
from rsidx.exporters.rendering.renderer import LEARNED_ROLES


@dataclass(frozen=True, slots=True)
class RowPrompt:
    """A row's prompt: a text, or the messages of a chat without the answer."""

    id: str
    text: str = ""
    messages: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class PromptSet:
    """The prompts of a split in the order of the rows, and the tokens that end an answer."""

    stop: tuple[str, ...]
    prompts: tuple[RowPrompt, ...]


def read_prompts(out: Path, split: str) -> PromptSet:
    """Read the prompts of a split; a row of token ids is decoded by the export's own tokenizer.

    Raises ExportError where `out` is no export, EvaluationError where its rows have no prompt.
    """
    manifest = read_manifest(out)
    with readable(out):
        config = manifest["config"]
        if config["kind"] not in KINDS:
            raise EvaluationError(f"{out} has rows of kind {config['kind']}, which have no prompt")
        prompts = tuple(_prompts(out, split, str(config["format"])))
        return PromptSet(stop_tokens(manifest), prompts)


def stop_tokens(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tokens that end an answer to an export's prompts."""
    endings = fim_endings() if manifest["config"]["kind"] == "fim" else ()
    return (str(manifest["tokenizer"]["end_token"]), *endings)


def _prompts(out: Path, split: str, file_format: str) -> Iterator[RowPrompt]:
    text = out / f"{split}.text.jsonl"
    if text.exists():
        with text.open("rb") as lines:
            for line in lines:
                yield _prompt(json.loads(line), {}, None)
        return
    encoder = Encoder(load(str(out / "tokenizer")), source=str(out / "tokenizer"))
    for row, meta in rows_with_meta(out, split, file_format):
        yield _prompt(row | {"id": meta["id"]}, meta, encoder)


def _prompt(row: dict[str, Any], meta: dict[str, Any], encoder: Encoder | None) -> RowPrompt:
    messages = row.get("messages")
    if messages:
        asked = [one for one in messages if one is not messages[-1] or one["role"] != "assistant"]
        return RowPrompt(row["id"], messages=tuple(asked))
    if "prompt" in row or encoder is None:
        return RowPrompt(row["id"], row["prompt"])
    # Not by the labels: with --labels all the prompt has loss, too, with --labels changed it may
    # take some tokens until the first that has.
    in_front = takewhile(lambda run: run[0] not in LEARNED_ROLES, meta["roles"])
    n_prompt = sum(n_ids for _, n_ids in in_front)
    return RowPrompt(row["id"], encoder.decode(encoder.without_bos(row["input_ids"][:n_prompt])))
