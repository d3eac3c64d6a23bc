"""The formats of the rows' files, by the ending of their names."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rsidx.exporters.formats import datatrove, jsonl, mds, megatron, parquet


class RowFile(Protocol):
    """A file that rows are written to."""

    def write(self, columns: dict[str, Any]) -> None:
        """Write one row."""

    def close(self) -> None:
        """Write what is left and close the file."""


@dataclass(frozen=True, slots=True)
class Format:
    """What writes files of a format, given the size of the vocabulary, and what reads them.

    `lacks` are the columns that it has no place for: read back, all tokens have loss, or none
    is padding. `media_type` is that of a split's file, None where a split is several.
    """

    create: Callable[[Path, int], RowFile]
    read: Callable[[Path], Iterator[dict[str, Any]]]
    media_type: str | None
    lacks: frozenset[str] = frozenset()


FORMATS = {
    "jsonl": Format(jsonl.Writer, jsonl.read, "application/jsonlines"),
    "jsonl.gz": Format(jsonl.Writer, jsonl.read, "application/gzip"),
    "jsonl.zst": Format(jsonl.Writer, jsonl.read, "application/zstd"),
    "parquet": Format(parquet.Writer, parquet.read, "application/x-parquet"),
    "ds": Format(datatrove.Writer, datatrove.read, None, frozenset({"attention_mask"})),
    "bin": Format(megatron.Writer, megatron.read, None, frozenset({"attention_mask", "labels"})),
    "mds": Format(mds.Writer, mds.read, None),
}
"""By the ending of the files."""
JSON_LINES = tuple(name for name in FORMATS if name.startswith("jsonl"))


def why_not_in(name: str, *, labels: str, pad: bool, pack: bool, columns: str) -> str | None:
    """Return why a format has no place for what is asked for, None where it has."""
    if columns in ("text", "rl", "messages") and (pad or pack or name not in JSON_LINES):
        return (
            f"--columns {columns} has no ids to pad or pack, and is for JSON lines; --columns both "
            "has ids, too"
        )
    if columns in ("text", "rl") and labels == "changed":
        return f"--columns {columns} cannot say which tokens have loss; give --columns both"
    lacks = FORMATS[name].lacks
    if "labels" in lacks and labels != "all":
        return (
            f"--format {name} has no place for which tokens have loss; give --labels all, or "
            "another format"
        )
    if "attention_mask" in lacks and pad:
        return f"--format {name} has no place for padding; leave --pad out"
    return None
