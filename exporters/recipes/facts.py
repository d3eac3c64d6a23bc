"""What a recipe must know of a data set, from its manifest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rsidx.errors import ExportError
from rsidx.exporters.dataset.format import read_manifest
from rsidx.exporters.dataset.reader import readable
from rsidx.exporters.formats.registry import JSON_LINES
from rsidx.exporters.kinds import KINDS
from rsidx.exporters.rendering.families import fim_endings
from rsidx.exporters.splits.split import SPLITS

_LOADERS = {**dict.fromkeys(JSON_LINES, "json"), "parquet": "parquet"}
"""The loader of `datasets` that reads the rows of a format."""
_SHAPES = {"ids": "ids", "both": "ids", "text": "text", "rl": "text", "messages": "messages"}


@dataclass(frozen=True, slots=True)
class Facts:
    """A data set as trainers need to know it.

    `shape` is `ids`, `text` or `messages`. `max_length` is that of the longest row, in tokens.
    `new_tokens` are the ids that were added to the tokenizer. `ends` are the tokens that may end an
    answer: the first of them is the end token, which rows of text lack. `has_val` tells
    whether there are rows to evaluate on.
    """

    folder: Path
    shape: str
    loader: str
    ending: str
    max_length: int
    new_tokens: tuple[int, ...]
    ends: tuple[str, ...]
    has_val: bool

    def file(self, split: str) -> str:
        """Return the path of a split's rows."""
        return str(self.folder / f"{split}.{self.ending}")

    @property
    def tokenizer(self) -> str:
        """The folder with the tokenizer."""
        return str(self.folder / "tokenizer")


def facts_of(out: Path) -> Facts:
    """Return what a recipe must know of an export.

    Raises ExportError for what is none, has no rows for train, or has them in a format that
    `datasets` does not read.
    """
    manifest = read_manifest(out)
    with readable(out):
        return _facts(out.resolve(), manifest)


def _facts(out: Path, manifest: dict[str, Any]) -> Facts:
    config, counts = manifest["config"], manifest["counts"]
    ending = config["format"]
    if ending not in _LOADERS:
        raise ExportError(
            f"{out} has rows as --format {ending}, which these trainers do not read; export it "
            "again as jsonl or parquet"
        )
    if KINDS[config["kind"]].has_rejected:
        raise ExportError(
            f"{out} has rows of two answers, which no recipe trains on; docs/training.md shows how "
            "TRL does"
        )
    if manifest.get("shards"):
        raise ExportError(f"{out} is in shards, which no recipe reads yet")
    if not counts["examples"][SPLITS[0]]:
        raise ExportError(f"{out} has no rows to train on")
    is_fim = config["kind"] == "fim"
    return Facts(
        folder=out,
        shape=_SHAPES[config["columns"]],
        loader=_LOADERS[ending],
        ending=ending,
        max_length=max(counts["length_quantiles"].values()),
        new_tokens=tuple(sorted(manifest["tokenizer"]["new_tokens"].values())),
        ends=(manifest["tokenizer"]["end_token"], *(fim_endings() if is_fim else ())),
        has_val=bool(counts["examples"][SPLITS[1]]),
    )
