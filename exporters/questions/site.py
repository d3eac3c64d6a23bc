"""Where in a file an edit is to be made: a piece of code, or a point where code is added."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rsidx.errors import PlacementError
from rsidx.exporters.edits.edit import Edit, Place, Side, Surroundings, edit_of
from rsidx.exporters.edits.edited import EditedFile
from rsidx.exporters.edits.test_code import is_test_file
from rsidx.exporters.questions.target import Target
from rsidx.store.addresses import FOOTER, AddressedFile, FileChunk
from rsidx.store.reader import Reader
from rsidx.store.records import TEST_MARK


@dataclass(frozen=True, slots=True)
class Site:
    """An edit that is still to be made, the file around it, and where it is in words.

    `lines` are the first and the last line of its code, of an addition the line that it comes to.
    `address` tells it from all others. The line that was named begins at an `offset` in its code.
    """

    edit: Edit
    around: Surroundings
    lines: tuple[int, int]
    address: str = ""
    offset: int = 0


def new_file(reader: Reader, path_id: int) -> Site:
    """Return the site of a file that is still to be made."""
    place = Place("add", path_id, "", is_test_file(reader, path_id, None))
    return Site(_addition(place), Surroundings((), ()), (1, 1))


class Sites:
    """Finds the places of a file that a person names, as edits left it."""

    def __init__(self, reader: Reader, path_id: int, file: EditedFile) -> None:
        self._reader = reader
        self._path_id = path_id
        self._file = file

    def of(self, target: Target) -> Iterator[Site]:
        """Yield each place that a target may be; raises RsidxError for none."""
        version = self._file.version
        if target.is_file:
            if version.chunks:
                yield self._whole(target)
            return
        addressed = AddressedFile(
            target.path,
            [
                FileChunk(
                    chunk.kind,
                    chunk.container,
                    self._reader.text(chunk.id),
                    self._reader.symbols(chunk.id),
                )
                for chunk in version.chunks
            ],
        )
        if target.after is not None:
            yield self._point(addressed, addressed.after(target.after))
        elif target.inside is not None:
            yield self._point(addressed, addressed.inside(target.inside))
        elif target.line is not None:
            yield self._at_line(addressed, target.line)
        else:
            for position in addressed.named(target.symbol):
                yield self._item(addressed, position, target.symbol)

    def _whole(self, target: Target) -> Site:
        version = self._file.version
        edit = edit_of(self._reader, version.side(0, len(version.chunks)))
        n_lines = sum(chunk.n_lines for chunk in version.chunks)
        return Site(edit, Surroundings((), ()), (1, n_lines), target.path)

    def _at_line(self, addressed: AddressedFile, line: int) -> Site:
        position = addressed.at_line(line)
        if position is None or addressed.chunks[position].kind.endswith(FOOTER):
            raise PlacementError(
                "no_place", f"{addressed.path}:{line} has no item; name a line of one"
            )
        site = self._item(addressed, position, "")
        return replace(site, offset=addressed.offset_in(position, line))

    def _item(self, addressed: AddressedFile, position: int, symbol: str) -> Site:
        edit = edit_of(self._reader, self._file.side(position))
        edit = replace(edit, place=replace(edit.place, path_id=self._path_id))
        first = addressed.line_at(position)
        return Site(
            edit,
            self._file.around(position, position + 1),
            (addressed.first_line(position), first + edit_lines(edit.old) - 1),
            addressed.address(position, symbol),
        )

    def _point(self, addressed: AddressedFile, point: int) -> Site:
        container = addressed.container_at(point)
        insertion = self._file.insertion(point)
        known = insertion.blob_id if insertion is not None else None
        is_test = is_test_file(self._reader, self._path_id, known) or TEST_MARK in container
        place = Place("add", self._path_id, container, is_test, insertion=insertion)
        line = addressed.line_at(point)
        return Site(_addition(place), self._file.around(point, point), (line, line))


def edit_lines(side: Side | None) -> int:
    """Return how many lines a side has."""
    return sum(chunk.n_lines for chunk in side.chunks) if side is not None else 0


def _addition(place: Place) -> Edit:
    return Edit(place, "", "", place.is_test, None)
