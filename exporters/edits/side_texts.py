"""The text of an edit's sides, and where it may be cut."""

from rsidx.exporters.edits.edit import Side
from rsidx.store.reader import Reader


class SideTexts:
    """Reads the sides of edits."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def text(self, side: Side | None) -> bytes:
        """Return a side's text; empty where there is none."""
        if side is None:
            return b""
        return b"".join(self._reader.text(chunk.id) for chunk in side.chunks)

    def breaks(self, side: Side | None) -> list[tuple[int, int]]:
        """Return where a side may be cut: (byte offset, depth)."""
        breaks: list[tuple[int, int]] = []
        start = 0
        for chunk in side.chunks if side else ():
            breaks.append((start, 0))
            breaks += [(start + offset, depth) for offset, depth in self._reader.breaks(chunk.id)]
            start += chunk.n_bytes
        return breaks
