"""Writing a data set's files."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from rsidx.errors import ExportError
from rsidx.exporters.entries import MadeRow
from rsidx.exporters.formats import datatrove, jsonl, mds, megatron, parquet
from rsidx.exporters.formats.common import IGNORED
from rsidx.exporters.plan import SPLITS
from rsidx.exporters.texts import Texts

MANIFEST = "manifest.json"
CHECKSUMS = "SHA256SUMS"

COLUMNS = ("input_ids", "attention_mask", "labels")


@dataclass(frozen=True, slots=True)
class Padding:
    """The token that fills rows up, and the length to fill them up to."""

    token_id: int
    length: int


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


def check_format(name: str, *, labels: str, pad: bool, pack: bool, columns: str) -> None:
    """Raise ExportError where a format has no place for what is asked for."""
    if columns == "text" and (pad or pack or not name.startswith("jsonl")):
        raise ExportError(
            "--columns text has no ids to pad or pack, and is for JSON lines; --columns both has "
            "ids, too"
        )
    lacks = FORMATS[name].lacks
    if "labels" in lacks and labels != "all":
        raise ExportError(
            f"--format {name} has no place for which tokens have loss; give --labels all, or "
            "another format"
        )
    if "attention_mask" in lacks and pad:
        raise ExportError(f"--format {name} has no place for padding; leave --pad out")


class RowWriter:
    """Writes rows, and line by line what is known of them, into one file a split each.

    With `texts`, rows are written as `prompt` and `completion` in place of ids.
    """

    def __init__(
        self,
        folder: Path,
        file_format: str,
        n_tokens: int,
        padding: Padding | None = None,
        texts: Texts | None = None,
    ) -> None:
        self._padding = padding
        self._texts = texts
        self._stack = ExitStack()
        create = FORMATS[file_format].create
        self._rows: dict[str, RowFile] = {}
        self._metas: dict[str, IO[bytes]] = {}
        try:
            for name in SPLITS:
                self._rows[name] = create(folder / f"{name}.{file_format}", n_tokens)
                self._stack.callback(self._rows[name].close)
                metas = (folder / f"{name}.meta.jsonl").open("wb")
                self._metas[name] = self._stack.enter_context(metas)
        except BaseException:
            self._stack.close()
            raise

    def write(self, split: str, row: MadeRow) -> bool:
        """Write one row to its split's two files; tell whether it can be written as text."""
        spelled = self._texts.row(row) if self._texts is not None else None
        if self._texts is not None and spelled is None:
            return False
        self._rows[split].write(spelled or columns(row, self._padding))
        self._metas[split].write(row.meta + b"\n")
        return True

    def close(self) -> None:
        """Close the files."""
        self._stack.close()


def read_rows(folder: Path, split: str, file_format: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a split; raises OSError or ValueError where they cannot be read."""
    read = FORMATS[file_format].read if file_format in FORMATS else jsonl.read
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
    return dict(zip(COLUMNS, (ids, mask, labels), strict=True))


def write_json(path: Path, value: Any) -> None:
    """Write JSON for people to read, keys in a fixed order."""
    path.write_text(json_text(value), "utf-8")


def json_text(value: Any) -> str:
    """Return JSON as `write_json` writes it."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_checksums(folder: Path) -> dict[str, str]:
    """Write SHA256SUMS over every file but the manifest, whose times differ by run.

    Return the checksums by name, that of SHA256SUMS itself included.
    """
    files = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in (MANIFEST, CHECKSUMS):
            files[name] = sha256_of(path)
    sums = "".join(f"{digest}  {name}\n" for name, digest in files.items()).encode()
    (folder / CHECKSUMS).write_bytes(sums)
    return {**files, CHECKSUMS: hashlib.sha256(sums).hexdigest()}
