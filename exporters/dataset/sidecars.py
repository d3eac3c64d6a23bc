"""The same rows in other shapes, each in a file of its own beside the rows'."""

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rsidx.exporters.dataset.packing import PACKED_COLUMNS, PackedRow, Packer
from rsidx.exporters.dataset.text_columns import PromptCompletion
from rsidx.exporters.dataset.writer import columns
from rsidx.exporters.formats import jsonl
from rsidx.exporters.pipeline.result import TokenizedRow
from rsidx.exporters.rendering.encoder import Encoder

TEXT, PACKED = "text.jsonl", "packed.jsonl"
"""The endings of rows as text, and of packed rows."""


class Sidecars:
    """Writes `train.text.jsonl` and `train.packed.jsonl` and so on, as far as they are asked for.

    `pack` is the length of a packed row, None for none. `n_packed` are the packed rows of each of
    `names`, which are the splits or shards of them: all of them once it is closed. Without a folder
    they are only counted.
    """

    def __init__(
        self,
        folder: Path | None,
        names: Sequence[str],
        encoder: Encoder,
        *,
        text: bool,
        pack: int | None,
    ) -> None:
        self.n_packed: Counter[str] = Counter()
        self._texts = PromptCompletion(encoder) if text else None
        self._packers = {name: Packer(pack) for name in names} if pack is not None else {}
        self._stack = ExitStack()
        wanted = [TEXT] * text + [PACKED] * bool(self._packers)
        self._files = {
            (name, ending): jsonl.Writer(folder / f"{name}.{ending}")
            for name in names
            for ending in wanted
            if folder is not None
        }
        for file in self._files.values():
            self._stack.callback(file.close)

    def write(self, name: str, row: TokenizedRow) -> bool:
        """Write a row in each shape; tell whether its texts could be, if they are wanted."""
        spelled = self._texts.row(row) if self._texts is not None else None
        if spelled is not None and self._files:
            self._files[name, TEXT].write(spelled)
        if name in self._packers:
            made = columns(row, None)
            for packed in self._packers[name].add(made["input_ids"], made["labels"]):
                self._write_packed(name, packed)
        return self._texts is None or spelled is not None

    def _write_packed(self, name: str, packed: PackedRow) -> None:
        row = {column: getattr(packed, column) for column in PACKED_COLUMNS}
        if self._files:
            self._files[name, PACKED].write(row)
        self.n_packed[name] += 1

    def close(self) -> None:
        """Write what is still open, and close the files."""
        with self._stack:
            for name, packer in self._packers.items():
                for packed in packer.rest():
                    self._write_packed(name, packed)
