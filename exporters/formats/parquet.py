"""Apache Parquet, by pyarrow: lists of 32-bit integers, compressed by zstandard."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rsidx.exporters.formats.common import import_extra

_ROWS_A_GROUP = 1000


class Writer:
    """Writes rows in groups, so that the memory is that of a group."""

    def __init__(self, path: Path, _n_tokens: int) -> None:
        self._pa = pa = _import("pyarrow")
        kinds = {"input_ids": pa.int32(), "attention_mask": pa.int8(), "labels": pa.int32()}
        self._schema = pa.schema([(name, pa.list_(kind)) for name, kind in kinds.items()])
        parquet = _import("pyarrow.parquet")
        self._writer = parquet.ParquetWriter(path, self._schema, compression="zstd")
        self._rows: list[dict[str, list[int]]] = []

    def write(self, columns: dict[str, list[int]]) -> None:
        """Write one row."""
        self._rows.append(columns)
        if len(self._rows) == _ROWS_A_GROUP:
            self._flush()

    def _flush(self) -> None:
        self._writer.write_table(self._pa.Table.from_pylist(self._rows, schema=self._schema))
        self._rows = []

    def close(self) -> None:
        """Write what is left and close the file."""
        if self._rows:
            self._flush()
        self._writer.close()


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file; raises OSError or ValueError where it is damaged."""
    with _import("pyarrow.parquet").ParquetFile(path) as file:
        for batch in file.iter_batches(_ROWS_A_GROUP):
            yield from batch.to_pylist()


def _import(name: str) -> Any:
    return import_extra(name, "parquet", "parquet")
