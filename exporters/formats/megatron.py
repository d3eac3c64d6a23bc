"""Megatron's indexed data sets, by megatron-core: `.bin` with its `.idx`, a row a document.

There is no place for what has loss: all ids have.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rsidx.exporters.formats.common import import_extra


class Writer:
    """Writes rows of a vocabulary of so many tokens."""

    def __init__(self, path: Path, n_tokens: int) -> None:
        module = _module()
        dtype = module.DType.optimal_dtype(n_tokens)
        self._index = str(path.with_suffix(".idx"))
        self._builder = module.IndexedDatasetBuilder(str(path), dtype=dtype)

    def write(self, columns: dict[str, list[int]]) -> None:
        """Write one row."""
        ids = columns["input_ids"]
        self._builder.add_document(ids, [len(ids)])

    def close(self) -> None:
        """Write the index and close the files."""
        self._builder.finalize(self._index)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file; raises OSError or ValueError where it is damaged."""
    if not path.with_suffix(".idx").exists():
        raise ValueError("there is no .idx beside it")
    data = _module().IndexedDataset(str(path.with_suffix("")), mmap=False)
    if sum(data.sequence_lengths.tolist()) * data.index.dtype_size != path.stat().st_size:
        raise ValueError("it has not the size that its index says")
    for number in range(len(data)):
        ids = data[number].tolist()
        yield {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": list(ids)}


def _module() -> Any:
    return import_extra("megatron.core.datasets.indexed_dataset", "bin", "megatron")
