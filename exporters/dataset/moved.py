"""What became of the rows of the export that is replaced."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import orjson

from rsidx.exporters.splits.split import SPLITS
from rsidx.store.spill import SpillMap


class MovedRows:
    """Counts the rows that were val or test in the export before, and are train now."""

    def __init__(self, out: Path, folder: Path, counts: Counter[str]) -> None:
        """Read the rows of the export in `out` that is to be replaced."""
        self._counts = counts
        self._earlier = SpillMap(folder)
        for number, name in enumerate(SPLITS[1:], 1):
            for row_id in _ids(out / f"{name}.meta.jsonl"):
                self._earlier.add(row_id, number)

    def see(self, split: str, row_id: str) -> None:
        """Look at a row of this export."""
        if split == SPLITS[0]:
            before = self._earlier.get(row_id.encode())
            if before is not None:
                self._counts[SPLITS[before]] += 1

    def close(self) -> None:
        """Give up what was read."""
        self._earlier.close()


def _ids(file: Path) -> Iterator[bytes]:
    """Yield the ids of a file's rows, up to a line that is not a row: users may edit the file."""
    with suppress(OSError, ValueError, KeyError, TypeError), file.open("rb") as lines:
        for line in lines:
            yield str(orjson.loads(line)["id"]).encode()
