"""When the code of a commit's files comes and goes while its edits are made, one after another."""

import math
from collections import defaultdict, deque
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cache

from rsidx.exporters.edits.containers import Version
from rsidx.exporters.edits.diff import Opcode, opcodes
from rsidx.exporters.edits.edit import Edit, Side, name_of
from rsidx.store.addresses import FOOTER
from rsidx.store.reader import Reader
from rsidx.store.records import PARSED, ChangeRow, ChunkRow

ALWAYS, NEVER = -1, math.inf
_Numbers = Mapping[tuple[int, int], int]
"""The numbers of edits by the blob and the position of a chunk."""


class Moments:
    """The moments at which chunks of the new versions come, and of the old ones go.

    A moment is the number of the edit that makes or takes a chunk, `ALWAYS` for one that comes or
    goes before all edits, and `NEVER`. What the commit only moved stands at its new place from the
    beginning, or from when on an edit has made the header of its container. The header and the
    footer of a container that no edit makes come with its first member, and go with its last.
    """

    def __init__(self, reader: Reader, changes: Sequence[ChangeRow], edits: Sequence[Edit]) -> None:
        self._reader = reader
        self._changes = {change.path_id: change for change in changes}
        self._before = _numbers([edit.old for edit in edits])
        self._behind = _numbers([edit.new for edit in edits])
        self.versions = cache(self._versions)
        self.partners = cache(self._find_partners)
        self.comes = cache(self._comes)
        self.goes = cache(self._goes)
        self._old_partners = cache(lambda path_id: {*self.partners(path_id).values()})
        self._in_place = cache(self._find_in_place)
        self._moved = cache(self._find_moved)

    def _versions(self, path_id: int) -> tuple[Version, Version, tuple[Opcode, ...]]:
        """Return both versions of a file, and how they differ."""
        change = self._changes[path_id]
        old = self._version(change.old_path_id or path_id, change.old_blob_id)
        new = self._version(path_id, change.new_blob_id)
        return old, new, tuple(opcodes(old.keys(), new.keys()))

    def _version(self, path_id: int, blob_id: int | None) -> Version:
        is_parsed = blob_id is not None and self._reader.blob(blob_id).state in PARSED
        chunks = self._reader.chunks(blob_id) if blob_id is not None and is_parsed else ()
        return Version(path_id, blob_id, chunks)

    def _comes(self, path_id: int, position: int) -> float:
        """Return when a chunk of a file's new version comes, with what is only there with it."""
        _, version, _ = self.versions(path_id)
        number = self._number(version, position, self._behind)
        if number is not None:
            return number
        if (header := _header_of(version, position)) is not None:
            return self.comes(path_id, header)
        inside = _inside(version, position)
        if inside is not None and position not in self.partners(path_id):
            # Its members came from elsewhere.
            return min((self._is_there(path_id, at) for at in inside), default=ALWAYS)
        if not self._is_moved(version.chunks[position]):
            return NEVER
        headers = (at for at, one in version.container_at.items() if at < position < one.end)
        numbers = (
            self._number(version, header, self._behind)
            for header in headers
            if header not in self._in_place(path_id)
        )
        return max((number for number in numbers if number is not None), default=ALWAYS)

    def _find_in_place(self, path_id: int) -> Mapping[int, int]:
        """Return the partners that stand where their old ones did, old by new."""
        _, _, compared = self.versions(path_id)
        partners = self.partners(path_id)
        return {
            position: partners[position]
            for _, i1, i2, j1, j2 in compared
            for position in range(j1, j2)
            if i1 <= partners.get(position, -1) < i2
        }

    def _is_there(self, path_id: int, position: int) -> float:
        """Return from when on a member is there: one that no edit makes may keep its old text."""
        moment = self.comes(path_id, position)
        return ALWAYS if moment == NEVER and position in self.partners(path_id) else moment

    def _goes(self, path_id: int, position: int) -> float:
        """Return when a chunk of the old version of a file goes; the file has its new name."""
        version, _, _ = self.versions(path_id)
        number = self._number(version, position, self._before)
        if (header := _header_of(version, position)) is not None:
            return self.goes(path_id, header)
        inside = _inside(version, position)
        if number is not None:
            if position in self._in_place(path_id).values():
                return number
            # A header stays as long as it has members.
            return max([number, *(self.goes(path_id, at) for at in inside or ())])
        if position in self._old_partners(path_id):
            # It stands elsewhere, with its old text.
            return ALWAYS
        chunk = version.chunks[position]
        if inside is not None:
            # It goes with the last of its members.
            empty = ALWAYS if self._is_moved(chunk) else NEVER
            return max((self.goes(path_id, at) for at in inside), default=empty)
        places = self._moved().get(self._reader.text(chunk.id), ())
        return min((self.comes(*place) for place in places), default=NEVER)

    @staticmethod
    def _number(version: Version, position: int, numbers: _Numbers) -> int | None:
        return numbers.get((version.blob_id or 0, position))

    def _find_partners(self, path_id: int) -> Mapping[int, int]:
        """Return which chunks of a new version are which of the old, as far as they changed.

        Those that no edit changes keep their old text. They are paired by their names, so that
        this text stands where it belongs among what edits make.
        """
        old, new, compared = self.versions(path_id)
        waiting: dict[Hashable, deque[int]] = defaultdict(deque)
        for tag, i1, i2, _, _ in compared:
            if tag != "equal":
                for position in range(i1, i2):
                    waiting[self._key(old, position, self._before)].append(position)
        partners: dict[int, int] = {}
        for tag, i1, i2, j1, j2 in compared:
            if tag == "equal":
                partners.update(zip(range(j1, j2), range(i1, i2), strict=True))
                continue
            for position in range(j1, j2):
                olds = waiting.get(self._key(new, position, self._behind))
                if olds:
                    partners[position] = olds.popleft()
        for header in new.container_at:
            footer = new.footer(header)
            if footer is not None and header in partners:
                before = (
                    old.footer(partners[header]) if partners[header] in old.container_at else None
                )
                if before is not None:
                    partners[footer.position] = before.position
        return partners

    def _key(self, version: Version, position: int, numbers: _Numbers) -> Hashable:
        """Return what a chunk has in common with what it was or becomes."""
        number = self._number(version, position, numbers)
        if number is not None:
            return number
        chunk = version.chunks[position]
        if self._is_moved(chunk) or chunk.kind.endswith(FOOTER):
            # Each stands where it stands; a footer follows its header.
            return version.blob_id, position
        opened = version.container_at.get(position)
        side = version.side(position, position + 1)
        name = opened.label if opened is not None else name_of(self._reader, side)
        return chunk.kind, chunk.container, name

    def _find_moved(self) -> Mapping[bytes, Sequence[tuple[int, int]]]:
        """Return the texts of the chunks that were only moved, and where each comes."""
        come: dict[bytes, list[tuple[int, int]]] = defaultdict(list)
        gone: set[bytes] = set()
        for path_id in self._changes:
            old, new, compared = self.versions(path_id)
            for tag, i1, i2, j1, j2 in compared:
                if tag != "equal":
                    gone.update(text for _, text in self._texts(old, range(i1, i2), self._before))
                    for position, text in self._texts(new, range(j1, j2), self._behind):
                        come[text].append((path_id, position))
        return {text: places for text, places in come.items() if text in gone}

    def _texts(
        self, version: Version, positions: range, numbers: _Numbers
    ) -> Iterator[tuple[int, bytes]]:
        """Yield the texts of chunks that no edit has, and that are no footers."""
        for position in positions:
            chunk = version.chunks[position]
            is_made = self._number(version, position, numbers) is not None
            if not is_made and not chunk.kind.endswith(FOOTER):
                yield position, self._reader.text(chunk.id)

    def _is_moved(self, chunk: ChunkRow) -> bool:
        """Tell whether a chunk that no edit has was only moved, to another container or file."""
        return self._reader.text(chunk.id) in self._moved()


def _numbers(sides: Sequence[Side | None]) -> _Numbers:
    return {
        (side.blob_id, side.position + index): number
        for number, side in enumerate(sides)
        if side is not None
        for index in range(len(side.chunks))
    }


def _inside(version: Version, position: int) -> range | None:
    """Return where the members are of the container that a chunk is the header of."""
    opened = version.container_at.get(position)
    if opened is None:
        return None
    return range(position + 1, opened.end - (version.footer(position) is not None))


def _header_of(version: Version, position: int) -> int | None:
    """Return the position of a footer's header; None for what is no footer, or has none."""
    if not version.chunks[position].kind.endswith(FOOTER):
        return None
    for header in version.container_at:
        footer = version.footer(header)
        if footer is not None and footer.position == position:
            return header
    return None
