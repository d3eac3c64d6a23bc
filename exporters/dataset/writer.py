"""Writing a data set's files."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rsidx.exporters.dataset.layout import META
from rsidx.exporters.formats.common import IGNORED
from rsidx.exporters.formats.jsonl import line_of
from rsidx.exporters.formats.registry import FORMATS, RowFile
from rsidx.exporters.pipeline.result import TokenizedRow

COLUMNS = ("input_ids", "attention_mask", "labels")


@dataclass(frozen=True, slots=True)
class Padding:
    """The token that fills rows up, and the length to fill them up to."""

    token_id: int
    length: int


ColumnsOf = Callable[[TokenizedRow], Mapping[str, Any] | None]
"""Makes the columns of a row, None of one that cannot be written so."""


class RowWriter:
    """Writes rows, and line by line what is known of them, into two files for each of some names.

    These are the splits, or shards of them. Without a folder it only tells what can be written.

    `columns_of` makes the columns of a row.
    """

    def __init__(
        self,
        folder: Path | None,
        names: Sequence[str],
        file_format: str,
        n_tokens: int,
        columns_of: ColumnsOf,
    ) -> None:
        self._columns_of = columns_of
        self._stack = ExitStack()
        create = FORMATS[file_format].create
        self._rows: dict[str, RowFile] = {}
        self._metas: dict[str, IO[bytes]] = {}
        try:
            for name in names:
                if folder is None:
                    break
                self._rows[name] = create(folder / f"{name}.{file_format}", n_tokens)
                self._stack.callback(self._rows[name].close)
                metas = (folder / f"{name}.{META}").open("wb")
                self._metas[name] = self._stack.enter_context(metas)
        except BaseException:
            self._stack.close()
            raise

    def write(self, name: str, row: TokenizedRow) -> bool:
        """Write one row to a name's two files; tell whether it can be written as text."""
        made = self._columns_of(row)
        if made is None:
            return False
        if name in self._rows:
            self._rows[name].write(dict(made))
            self._metas[name].write(line_of(row.meta))
        return True

    def close(self) -> None:
        """Close the files."""
        self._stack.close()


def columns(row: TokenizedRow, padding: Padding | None) -> dict[str, list[int]]:
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


def masks_of(found: Mapping[str, list[int]], names: Sequence[str]) -> dict[str, list[int]]:
    """Return columns by these names that are 1 where labels have loss and 0 elsewhere."""
    has_loss = [int(label != IGNORED) for label in found["labels"]] if names else []
    return dict.fromkeys(names, has_loss)
