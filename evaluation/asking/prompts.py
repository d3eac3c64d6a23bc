"""The prompts of a split, as text: exactly what stands in front of the loss of each row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rsidx.errors import EvaluationError
from rsidx.evaluation.edits import KINDS, are_whole, edit_id
from rsidx.exporters.dataset.format import read_manifest
from rsidx.exporters.dataset.layout import split_files
from rsidx.exporters.dataset.reader import read_metas, read_rows, readable, rows_with_meta
from rsidx.exporters.dataset.sidecars import TEXT
from rsidx.exporters.rendering.chat import lead_of, with_lead
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.rendering.families import fim_endings
from rsidx.exporters.rendering.renderer import n_prompt_ids


@dataclass(frozen=True, slots=True)
class RowPrompt:
    """A row's prompt: a text, or the messages of a chat without the answer.

    That of a later part of new code ends with `lead`, the end of the commit's own code in front of
    it; a message shows that in a fence.
    """

    id: str
    text: str = ""
    messages: tuple[dict[str, Any], ...] = ()
    lead: str = ""

    def led_up_by(self, own: str) -> "RowPrompt":
        """Return the prompt with a model's own code in front of the part instead of the commit's.

        Of that it shows the last lines, no more characters than the commit's has.
        """
        if not self.lead:
            return self
        lines = own.splitlines(keepends=True)
        while sum(map(len, lines)) > len(self.lead):
            del lines[0]
        code = "".join(lines)
        if not self.messages:
            return replace(self, text=self.text.removesuffix(self.lead) + code, lead="")
        *before, asked = self.messages
        question = with_lead(asked["content"], code)
        return replace(self, messages=(*before, asked | {"content": question}), lead="")


@dataclass(frozen=True, slots=True)
class PromptSet:
    """The prompts of a split, and the tokens that end an answer.

    `edits` has the prompts of each edit, in the order of its parts. `n_left_out` are the rows of
    edits that lack a part, which nobody could judge.
    """

    stop: tuple[str, ...]
    edits: tuple[tuple[RowPrompt, ...], ...]
    n_left_out: int = 0

    @property
    def n_prompts(self) -> int:
        """How many prompts there are."""
        return sum(map(len, self.edits))


def read_prompts(out: Path, split: str) -> PromptSet:
    """Read the prompts of a split; a row of token ids is decoded by the export's own tokenizer.

    Raises ExportError where `out` is no export, EvaluationError where its rows have no prompt.
    """
    manifest = read_manifest(out)
    with readable(out):
        config = manifest["config"]
        if config["kind"] not in KINDS:
            raise EvaluationError(f"{out} has rows of kind {config['kind']}, which have no prompt")
        edits: dict[str, list[_Row]] = {}
        for row in _rows(out, split, str(config["format"])):
            edits.setdefault(edit_id(row.meta, config["kind"]), []).append(row)
        groups = [sorted(rows, key=lambda row: row.meta["part"]) for rows in edits.values()]
        whole = [rows for rows in groups if are_whole([row.meta for row in rows], config["kind"])]
        n_left_out = sum(map(len, groups)) - sum(map(len, whole))
        return PromptSet(stop_tokens(manifest), tuple(map(_led_up, whole)), n_left_out)


def stop_tokens(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tokens that end an answer to an export's prompts."""
    endings = fim_endings() if manifest["config"]["kind"] == "fim" else ()
    return (str(manifest["tokenizer"]["end_token"]), *endings)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row's prompt and the commit's code that answers it."""

    prompt: RowPrompt
    completion: str
    meta: Mapping[str, Any]


def _led_up(rows: Sequence[_Row]) -> tuple[RowPrompt, ...]:
    """Return the prompts of an edit, each with what it shows of the parts before."""
    own, found = "", []
    for row in rows:
        has_lead = any(role == "lead" for role, _ in row.meta["roles"])
        messages = row.prompt.messages
        lead = ""
        if has_lead:
            lead = lead_of(messages[-1]["content"]) if messages else _end_of(own, row.prompt.text)
            if not lead:
                raise EvaluationError(
                    f"row {row.prompt.id} does not show the end of the part before"
                )
        found.append(replace(row.prompt, lead=lead))
        own += row.completion
    return tuple(found)


def _end_of(own: str, prompt: str) -> str:
    """Return the lines at the end of some code that a prompt ends with, too."""
    at = len(own)
    for line in reversed(own.splitlines(keepends=True)):
        if not prompt.endswith(own[at - len(line) :]):
            break
        at -= len(line)
    return own[at:]


def _rows(out: Path, split: str, file_format: str) -> Iterator[_Row]:
    if split_files(out, split, TEXT)[0].exists():
        for line, meta in zip(read_rows(out, split, TEXT), read_metas(out, split), strict=True):
            yield _row(line, meta, None)
        return
    encoder = Encoder(load(str(out / "tokenizer")), source=str(out / "tokenizer"))
    for row, meta in rows_with_meta(out, split, file_format):
        yield _row(row | {"id": meta["id"]}, meta, encoder)


def _row(row: dict[str, Any], meta: Mapping[str, Any], encoder: Encoder | None) -> _Row:
    messages = row.get("messages")
    if messages:
        asked = [one for one in messages if one is not messages[-1] or one["role"] != "assistant"]
        return _Row(RowPrompt(row["id"], messages=tuple(asked)), "", meta)
    if "prompt" in row or encoder is None:
        return _Row(RowPrompt(row["id"], row["prompt"]), row["completion"], meta)
    # Not by the labels: with --labels all the prompt has loss, too, with --labels changed it may
    # take some tokens until the first that has.
    n_prompt = n_prompt_ids(meta["roles"])
    n_new = sum(n_ids for role, n_ids in meta["roles"] if role == "new")
    ids = row["input_ids"]
    prompt = encoder.decode(encoder.without_bos(ids[:n_prompt]))
    return _Row(
        RowPrompt(row["id"], prompt), encoder.decode(ids[n_prompt : n_prompt + n_new]), meta
    )
