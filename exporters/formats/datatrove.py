"""Datatrove's tokenized files, which nanotron reads: `.ds`, `.ds.index` and `.ds.loss`.

One file of ids of two bytes, or of four for a vocabulary that needs them, one of where each row
ends, and one that tells for each id whether it has loss.
"""

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rsidx.exporters.formats.common import IGNORED, import_extra

_MAX_TWO_BYTES = 1 << 16


class Writer:
    """Writes rows of a vocabulary of so many tokens."""

    def __init__(self, path: Path, n_tokens: int) -> None:
        tokenization = import_extra("datatrove.pipeline.tokens.tokenizer", "ds", "datatrove")
        self._file = tokenization.TokenizedFile(
            str(path.parent),
            path.name,
            save_loss_metadata=True,
            token_size=2 if n_tokens <= _MAX_TWO_BYTES else 4,
        )

    def write(self, columns: dict[str, list[int]]) -> None:
        """Write one row."""
        has_loss = [label != IGNORED for label in columns["labels"]]
        self._file.write(columns["input_ids"], has_loss)

    def close(self) -> None:
        """Write the index and close the files."""
        self._file.close()


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file; raises OSError or ValueError where it is damaged."""
    ends = array("Q", path.with_name(f"{path.name}.index").read_bytes())
    n_ids = ends[-1] if ends else 0
    n_bytes = path.stat().st_size
    loss_file = path.with_name(f"{path.name}.loss")
    if n_bytes not in (2 * n_ids, 4 * n_ids) or loss_file.stat().st_size != n_ids:
        raise ValueError("its files have not the sizes that its index says")
    width = n_bytes // n_ids if n_ids else 2
    start = 0
    with path.open("rb") as file, loss_file.open("rb") as loss:
        for end in ends:
            ids = array("H" if width == 2 else "I", file.read((end - start) * width)).tolist()
            labels = [
                i if has else IGNORED for i, has in zip(ids, loss.read(end - start), strict=True)
            ]
            yield {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels}
            start = end
