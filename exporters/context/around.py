"""The text of the file around a place, in blocks of lines, nearest first."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from rsidx.exporters.edits.edit import Side, Surroundings
from rsidx.store.reader import Reader

_BLOCK_BYTES = 240
_CHUNKS_KEPT = 4000


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines of a version of a file: the bytes `start` to `end` of a blob."""

    blob_id: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Around:
    """The file around a place: the blocks before it, and those behind it, nearest first.

    Where one `is_cut`, the file goes on.
    """

    before: tuple[Block, ...] = ()
    behind: tuple[Block, ...] = ()
    is_cut_before: bool = False
    is_cut_behind: bool = False

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks, each side's nearest first."""
        return (*self.before, *self.behind)

    def first(self, n_before: int, n_behind: int) -> "Around":
        """Return the nearest blocks alone."""
        return Around(
            self.before[:n_before],
            self.behind[:n_behind],
            self.is_cut_before or n_before < len(self.before),
            self.is_cut_behind or n_behind < len(self.behind),
        )

    def map_blocks(self, change: Callable[[Block], Block]) -> "Around":
        """Return the same with its blocks changed."""
        return Around(
            tuple(map(change, self.before)),
            tuple(map(change, self.behind)),
            self.is_cut_before,
            self.is_cut_behind,
        )


NOTHING_AROUND = Around()


class AroundTexts:
    """Reads what is around places, up to `max_bytes` on each side."""

    def __init__(self, reader: Reader, max_bytes: int) -> None:
        self._reader = reader
        self._max_bytes = max_bytes
        self._blocks_of = lru_cache(_CHUNKS_KEPT)(self._blocks)

    def of(
        self, surroundings: Surroundings, before: bytes, behind: bytes, own: Side | None
    ) -> Around:
        """Return the text around a place; `before` and `behind` are its own item's, of a part.

        `own` is that item.
        """
        inside = [*_cut(before)]
        above = [_block(own, start, text) for start, text in inside] if own else []
        outside = _cut(behind)
        first = own.n_bytes - len(behind) if own else 0
        below = [_block(own, first + start, text) for start, text in outside] if own else []
        up, is_cut_above = self._read(above[::-1], reversed(surroundings.before), backwards=True)
        down, is_cut_below = self._read(below, surroundings.behind, backwards=False)
        return Around(up, down, is_cut_above, is_cut_below)

    def _read(
        self, found: list[Block], sides: Iterable[Side], *, backwards: bool
    ) -> tuple[tuple[Block, ...], bool]:
        """Return blocks up to so many bytes, and whether there are more."""
        n_bytes = sum(block.end - block.start for block in found)
        for side in sides:
            if n_bytes >= self._max_bytes:
                return tuple(found), True
            pieces = self._blocks_of(side.chunks[0].id)
            for start, text in reversed(pieces) if backwards else pieces:
                found.append(_block(side, start, text))
            n_bytes += side.n_bytes
        return tuple(found), False

    def _blocks(self, chunk_id: int) -> tuple[tuple[int, bytes], ...]:
        return tuple(_cut(self._reader.text(chunk_id)))


def _block(side: Side, start: int, text: bytes) -> Block:
    at = side.start + start
    return Block(side.blob_id, at, at + len(text), text.decode("utf-8"))


def _cut(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield blocks of whole lines, each with where it begins."""
    start = end = 0
    for line in text.splitlines(keepends=True):
        if end > start and end + len(line) - start > _BLOCK_BYTES:
            yield start, text[start:end]
            start = end
        end += len(line)
    if end > start:
        yield start, text[start:end]
