"""A file as edits left it, beside the version before them."""

from rsidx.exporters.edits.containers import Version
from rsidx.exporters.edits.diff import opcodes
from rsidx.exporters.edits.edit import Insertion, Side, Surroundings


class EditedFile:
    """The chunks of a file that edits were made in; those that they left alone are the old ones.

    Where no edit was made, both versions are the same.
    """

    def __init__(self, old: Version, new: Version) -> None:
        self._old = old
        self.version = new
        self._kept: dict[int, int] = {}
        for tag, i1, i2, j1, j2 in opcodes(old.keys(), new.keys()):
            if tag == "equal":
                self._kept.update(zip(range(j1, j2), range(i1, i2), strict=True))

    def side(self, position: int) -> Side:
        """Return the chunk at a position, as the old version has it if it does."""
        kept = self._kept.get(position)
        if kept is not None:
            return self._old.side(kept, kept + 1)
        return self.version.side(position, position + 1)

    def around(self, start: int, end: int) -> Surroundings:
        """Return the file around the chunks from a position to another, which may be the same."""
        n_chunks = len(self.version.chunks)
        return Surroundings(
            tuple(self.side(at) for at in range(start)),
            tuple(self.side(at) for at in range(end, n_chunks)),
        )

    def insertion(self, position: int) -> Insertion | None:
        """Return where code in front of a position comes into the old version, if there is one."""
        if self._old.blob_id is None or not self._old.chunks:
            return None
        before = (self._kept[at] + 1 for at in range(position - 1, -1, -1) if at in self._kept)
        return Insertion(self._old.path_id, self._old.blob_id, next(before, 0))
