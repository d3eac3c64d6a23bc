"""Writing a data set's files."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from rsidx.exporters.entries import MadeRow
from rsidx.exporters.formats import jsonl, parquet
from rsidx.exporters.plan import SPLITS

MANIFEST = "manifest.json"
CHECKSUMS = "SHA256SUMS"


IGNORED = -100
"""The label of a token without loss, as trainers expect it."""


@dataclass(frozen=True, slots=True)
class Padding:
    """The token that fills rows up, and the length to fill them up to."""

    token_id: int
    length: int


class RowFile(Protocol):
    """A file that rows are written to."""

    def write(self, columns: dict[str, list[int]]) -> None:
        """Write one row."""

    def close(self) -> None:
        """Write what is left and close the file."""


FORMATS: dict[str, tuple[Callable[[Path], RowFile], Callable[[Path], Iterator[dict[str, Any]]]]] = {
    "jsonl": (jsonl.Writer, jsonl.read),
    "jsonl.gz": (jsonl.Writer, jsonl.read),
    "jsonl.zst": (jsonl.Writer, jsonl.read),
    "parquet": (parquet.Writer, parquet.read),
}
"""By the ending of the files: what writes them, and what reads them."""


class RowWriter:
    """Writes rows, and line by line what is known of them, into one file a split each."""

    def __init__(self, folder: Path, file_format: str, padding: Padding | None) -> None:
        self._padding = padding
        self._stack = ExitStack()
        create, _ = FORMATS[file_format]
        self._rows: dict[str, RowFile] = {}
        self._metas: dict[str, IO[bytes]] = {}
        try:
            for name in SPLITS:
                self._rows[name] = create(folder / f"{name}.{file_format}")
                self._stack.callback(self._rows[name].close)
                metas = (folder / f"{name}.meta.jsonl").open("wb")
                self._metas[name] = self._stack.enter_context(metas)
        except BaseException:
            self._stack.close()
            raise

    def write(self, split: str, row: MadeRow) -> None:
        """Write one row to its split's two files."""
        self._rows[split].write(columns(row, self._padding))
        self._metas[split].write(row.meta + b"\n")

    def close(self) -> None:
        """Close the files."""
        self._stack.close()


def read_rows(folder: Path, split: str, file_format: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a split; raises OSError or ValueError where they cannot be read."""
    read = FORMATS[file_format][1] if file_format in FORMATS else jsonl.read
    yield from read(folder / f"{split}.{file_format}")


def columns(row: MadeRow, padding: Padding | None) -> dict[str, list[int]]:
    """Return a row's columns; the three lists have one length."""
    ids = row.ids.tolist()
    n_ids = len(ids)
    labels: list[int] = []
    for start, end in row.learned:
        labels += [IGNORED] * (start - len(labels))
        labels += ids[start:end]
    labels += [IGNORED] * (n_ids - len(labels))
    n_padding = padding.length - n_ids if padding else 0
    if padding and n_padding > 0:
        ids += [padding.token_id] * n_padding
        labels += [IGNORED] * n_padding
    mask = [1] * n_ids + [0] * n_padding
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def write_json(path: Path, value: Any) -> None:
    """Write JSON for people to read, keys in a fixed order."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")


def write_checksums(folder: Path) -> None:
    """Write SHA256SUMS over every file but the manifest, whose times differ by run."""
    lines = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in (MANIFEST, CHECKSUMS):
            with path.open("rb") as file:
                lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")
    (folder / CHECKSUMS).write_text("".join(lines), "utf-8")
