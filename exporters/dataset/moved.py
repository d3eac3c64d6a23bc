"""What became of the rows of the export that is replaced."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import orjson

from rsidx.exporters.dataset.layout import META, split_files
from rsidx.exporters.splits.split import SPLITS
from rsidx.store.spill import SpillMap


class MovedRows:
    """Knows the rows that were val or test in the export before."""

    def __init__(self, out: Path, folder: Path) -> None:
        """Read the rows of the export in `out` that is to be replaced."""
        self._earlier = SpillMap(folder)
        for number, name in enumerate(SPLITS[1:], 1):
            for file in split_files(out, name, META):
                for row_id in _ids(file):
                    self._earlier.add(row_id, number)

    def split_before(self, row_id: str) -> str | None:
        """Return the split that a row was in, None if it was in train or not there."""
        before = self._earlier.get(row_id.encode())
        return SPLITS[before] if before is not None else None

    def close(self) -> None:
        """Give up what was read."""
        self._earlier.close()


def _ids(file: Path) -> Iterator[bytes]:
    """Yield the ids of a file's rows, up to a line that is not a row: users may edit the file."""
    with suppress(OSError, ValueError, KeyError, TypeError), file.open("rb") as lines:
        for line in lines:
            yield str(orjson.loads(line)["id"]).encode()
