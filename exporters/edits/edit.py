"""An edit: code before and after a commit."""

from dataclasses import dataclass, replace

from rsidx.exporters.edits.test_code import is_test_chunk, is_test_file
from rsidx.store.addresses import HEADER
from rsidx.store.reader import Reader
from rsidx.store.records import TEST_MARK, ChunkRow

SEVERAL = "items"
"""The kind of an edit of several items, which a new file has next to each other."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of an edit: `chunks` in a row in a blob, from byte `start` on."""

    path_id: int
    blob_id: int
    position: int
    start: int
    chunks: tuple[ChunkRow, ...]

    @property
    def kind(self) -> str:
        """The kind of the first chunk."""
        return self.chunks[0].kind

    @property
    def container(self) -> str:
        """The container of the first chunk."""
        return self.chunks[0].container

    @property
    def n_bytes(self) -> int:
        """The length of the side's text."""
        return sum(chunk.n_bytes for chunk in self.chunks)


@dataclass(frozen=True, slots=True)
class Insertion:
    """Where new code comes into a version of a file: in front of the chunk at a position.

    Behind the last chunk, the position is the number of chunks.
    """

    path_id: int
    blob_id: int
    position: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The file around a place, a chunk each: those before it and those behind it, in order."""

    before: tuple[Side, ...]
    behind: tuple[Side, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of an edit before it is made; a prompt follows from nothing else of it.

    `change` is `modify`, `add`, `delete` or `move`: a move came from another place and was changed
    on the way. `path_id` and `container` are where the code will be, of a deletion where it was.
    `insertion` is where code without an old side comes into the old version of its file; None if
    there is no such version. `is_file` says that the code is a whole file.
    """

    change: str
    path_id: int
    container: str
    is_test: bool
    old: Side | None = None
    insertion: Insertion | None = None
    is_file: bool = False

    @property
    def old_path_id(self) -> int:
        """The name of its file in the old tree, if it is there."""
        before = self.old or self.insertion
        return before.path_id if before is not None else self.path_id


@dataclass(frozen=True, slots=True)
class Edit:
    """Chunks before and after one commit: what is known before, and what the commit made of it."""

    place: Place
    kind: str
    name: str
    is_test: bool
    new: Side | None

    @property
    def change(self) -> str:
        """`modify`, `add`, `delete` or `move`."""
        return self.place.change

    @property
    def container(self) -> str:
        """The container of the new side, of a deletion that of the old."""
        return self.place.container

    @property
    def old(self) -> Side | None:
        """The code before the commit; None for an addition."""
        return self.place.old

    @property
    def path_id(self) -> int:
        """The path of the new side, of a deletion that of the old."""
        return self.place.path_id

    @property
    def is_no_op(self) -> bool:
        """Whether the commit left the code as it was."""
        if self.old is None or self.new is None:
            return False
        return [chunk.id for chunk in self.old.chunks] == [chunk.id for chunk in self.new.chunks]


def edit_between(
    reader: Reader, old: Side | None, new: Side | None, insertion: Insertion | None = None
) -> Edit:
    """Return the edit that two sides are, one of which may be missing."""
    shown = new or old
    assert shown is not None
    if old is None or new is None:
        change = "delete" if new is None else "add"
    else:
        is_moved = old.path_id != new.path_id or old.container != new.container
        change = "move" if is_moved else "modify"
    kind = shown.kind.removesuffix(HEADER) if len(shown.chunks) > 1 else shown.kind
    name = name_of(reader, shown)
    if _is_several(shown):
        kind, name = SEVERAL, ""
    # What its file was: of an old side in another file, or under another name, nothing is known.
    before = old if old is not None and old.path_id == shown.path_id else insertion
    known = before.blob_id if before is not None else None
    is_in_tests = is_test_file(reader, shown.path_id, known) or TEST_MARK in shown.container
    was_test = is_in_tests or (old is not None and _is_test(reader, old))
    is_test = is_in_tests or _is_test(reader, shown)
    place = Place(change, shown.path_id, shown.container, was_test, old, insertion)
    return Edit(place, kind, name, is_test, new)


def _is_several(side: Side) -> bool:
    """Tell whether a side is several items next to each other, and not one container."""
    first = side.chunks[0]
    if not first.kind.endswith(HEADER):
        return len(side.chunks) > 1
    # A container's own footer is in what the container is in; so is an item behind it.
    outside = [n for n, chunk in enumerate(side.chunks) if n and chunk.container == first.container]
    return bool(outside) and outside[0] < len(side.chunks) - 1


def _is_test(reader: Reader, side: Side) -> bool:
    """Tell whether all of a side that says what it is says that it is test code."""
    telling = [
        chunk for chunk in side.chunks if TEST_MARK in chunk.container or reader.symbols(chunk.id)
    ]
    return all(is_test_chunk(reader, chunk) for chunk in telling or side.chunks)


def edit_of(reader: Reader, side: Side) -> Edit:
    """Return the edit of code that is still to be changed: it has no new side yet."""
    edit = edit_between(reader, side, None)
    return replace(edit, place=replace(edit.place, change="modify"))


def name_of(reader: Reader, side: Side) -> str:
    """Return the name of what a side defines, of an impl with its trait; empty for none."""
    symbols = reader.symbols(side.chunks[0].id)
    if not symbols:
        return ""
    symbol = symbols[0]
    return f"{symbol.trait} for {symbol.name}" if symbol.trait else symbol.name
