"""MosaicML's streaming shards, a folder for each split, with the columns that llm-foundry reads."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rsidx.exporters.formats.common import import_extra

_COLUMNS = {"input_ids": "int32", "attention_mask": "int8", "labels": "int32"}


class Writer:
    """Writes rows as shards."""

    def __init__(self, path: Path, _n_tokens: int) -> None:
        self._numpy = import_extra("numpy", "mds", "mds")
        kinds = {name: f"ndarray:{kind}" for name, kind in _COLUMNS.items()}
        streaming = import_extra("streaming", "mds", "mds")
        self._writer = streaming.MDSWriter(columns=kinds, out=str(path))

    def write(self, columns: dict[str, list[int]]) -> None:
        """Write one row."""
        array = self._numpy.array
        self._writer.write({name: array(columns[name], kind) for name, kind in _COLUMNS.items()})

    def close(self) -> None:
        """Write what is left and the index of the shards."""
        self._writer.finish()


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a split's folder; raises OSError or ValueError where it is damaged."""
    data = import_extra("streaming", "mds", "mds").LocalDataset(str(path))
    for number in range(len(data)):
        yield {name: values.tolist() for name, values in data[number].items()}
