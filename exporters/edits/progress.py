"""A commit's files as they stand when some of its edits are made, and others are still to be."""

import math
from collections import defaultdict, deque
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from rsidx.exporters.edits.containers import Version
from rsidx.exporters.edits.diff import Opcode, opcodes
from rsidx.exporters.edits.edit import Edit, Side, Surroundings, name_of
from rsidx.store.addresses import FOOTER, HEADER
from rsidx.store.reader import Reader
from rsidx.store.records import PARSED, ChangeRow, ChunkRow

NONE = -1
"""Not even what was only moved."""
_ALWAYS, _NEVER = -1, math.inf
_Numbers = Mapping[tuple[int, int], int]
"""The numbers of edits by the blob and the position of a chunk."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place in a file: what stands there before the edit `made`, and what behind it."""

    old: Side | None
    new: Side | None
    made: float

    def at(self, n_made: int) -> Side | None:
        """Return what stands there once so many edits are made."""
        return self.new if self.made < n_made else self.old


class Progress:
    """The files of a commit while its edits are made, one after another.

    What the commit only moved stands at its new place from the beginning. What it changed, and is
    none of the edits, stays as it was.
    """

    def __init__(self, reader: Reader, changes: Sequence[ChangeRow], edits: Sequence[Edit]) -> None:
        self._reader = reader
        self._edits = edits
        self._changes = {change.path_id: change for change in changes}
        self._new_names = {
            change.old_path_id or change.path_id: change.path_id
            for change in changes
            if change.old_blob_id is not None
        }
        self._before = _numbers([edit.old for edit in edits])
        self._behind = _numbers([edit.new for edit in edits])
        self._compared = cache(self._compare)
        self._moved_unchanged = cache(self._find_moved)
        self._slots_of = cache(self._slots)
        self._partners_of = cache(self._find_partners)
        self._old_partners_of = cache(lambda path_id: {*self._partners_of(path_id).values()})

    def around(self, number: int, *, n_made: int) -> Surroundings | None:
        """Return the file around an edit's place, once the first `n_made` edits are made.

        With `NONE`, it is the file before the commit.
        """
        edit = self._edits[number]
        slots = self._slots_of(edit.path_id)
        own = [at for at, slot in enumerate(slots) if _is_of(slot, edit)]
        if not own:
            return None
        before = (slot.at(n_made) for slot in slots[: own[0]])
        behind = (slot.at(n_made) for slot in slots[own[-1] + 1 :])
        # Its old code may have stood elsewhere.
        return Surroundings(
            tuple(side for side in before if side is not None and not _holds(edit.old, side)),
            tuple(side for side in behind if side is not None and not _holds(edit.old, side)),
        )

    def file(self, path_id: int, *, n_made: int) -> tuple[Side, ...]:
        """Return a changed file, a chunk each, once the first `n_made` edits are made."""
        sides = (slot.at(n_made) for slot in self._slots_of(path_id))
        return tuple(side for side in sides if side is not None)

    def _slots(self, path_id: int) -> tuple[_Slot, ...]:
        old, new, compared = self._compared(path_id)
        found: list[_Slot] = []
        for tag, i1, i2, j1, j2 in compared:
            if tag == "equal":
                pairs = zip(range(i1, i2), range(j1, j2), strict=True)
                found += (_Slot(old.side(i, i + 1), new.side(j, j + 1), _NEVER) for i, j in pairs)
            else:
                partners = self._partners_of(path_id)
                found += self._changed(old, range(i1, i2), new, range(j1, j2), partners)
        return tuple(found)

    def _compare(self, path_id: int) -> tuple[Version, Version, tuple[Opcode, ...]]:
        """Return both versions of a file, and how they differ."""
        change = self._changes[path_id]
        old = self._version(change.old_path_id or path_id, change.old_blob_id)
        new = self._version(path_id, change.new_blob_id)
        return old, new, tuple(opcodes(old.keys(), new.keys()))

    def _version(self, path_id: int, blob_id: int | None) -> Version:
        is_parsed = blob_id is not None and self._reader.blob(blob_id).state in PARSED
        chunks = self._reader.chunks(blob_id) if blob_id is not None and is_parsed else ()
        return Version(path_id, blob_id, chunks)

    def _find_partners(self, path_id: int) -> Mapping[int, int]:
        """Return which chunks of a new version are which of the old, as far as they changed.

        Those that no edit changes keep their old text. They are paired by their names, so that
        this text stands where it belongs among what edits make.
        """
        old, new, compared = self._compared(path_id)
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

    def _has_partner(self, old: Version, position: int) -> bool:
        """Tell whether a chunk of an old version is one of the new version of its file."""
        return position in self._old_partners_of(self._new_names[old.path_id])

    def _key(self, version: Version, position: int, numbers: _Numbers) -> Hashable:
        """Return what a chunk has in common with what it was or becomes."""
        number = numbers.get((version.blob_id or 0, position))
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

    def _changed(
        self, old: Version, removed: range, new: Version, added: range, partners: Mapping[int, int]
    ) -> Iterator[_Slot]:
        """Yield the slots where a file changed: code that became other code has one."""
        reached = removed.start
        for position in added:
            partner = partners.get(position, -1)
            if partner not in removed or partner < reached:
                yield from self._come(old, new, position)
                continue
            for gone in range(reached, partner):
                yield from self._gone(old, gone)
            made = self._made(new, position, self._behind)
            yield _Slot(old.side(partner, partner + 1), new.side(position, position + 1), made)
            reached = partner + 1
        for gone in range(reached, removed.stop):
            yield from self._gone(old, gone)

    def _come(self, old: Version, new: Version, position: int) -> Iterator[_Slot]:
        """Yield the slot of code that the old version does not have there."""
        made = self._made(new, position, self._behind)
        partner = self._partners_of(new.path_id).get(position)
        if made == _NEVER and partner is not None:
            # It moved, and keeps its old text.
            yield _Slot(None, old.side(partner, partner + 1), _ALWAYS)
        elif made != _NEVER:
            yield _Slot(None, new.side(position, position + 1), made)

    def _gone(self, old: Version, position: int) -> Iterator[_Slot]:
        """Yield the slot of code that the new version does not have there."""
        made = self._made(old, position, self._before)
        if made == _NEVER and self._has_partner(old, position):
            made = _ALWAYS
        yield _Slot(old.side(position, position + 1), None, made)

    def _made(self, version: Version, position: int, numbers: _Numbers) -> float:
        """Return which edit makes or takes code; `_ALWAYS` for what was only moved."""
        number = numbers.get((version.blob_id or 0, position))
        if number is not None:
            return number
        chunk = version.chunks[position]
        if self._is_moved(chunk):
            return _ALWAYS
        if chunk.kind.endswith(FOOTER):
            headers = (at for at in version.container_at if self._is_footer(version, at, position))
            header = next(headers, None)
            return _NEVER if header is None else self._made(version, header, numbers)
        opened = version.container_at.get(position)
        is_old = numbers is self._before
        if opened is not None and is_old and not self._has_partner(version, position):
            # It goes with the last of its members, where an edit takes each.
            inside = range(position + 1, opened.end - (version.footer(position) is not None))
            return max((self._made(version, at, numbers) for at in inside), default=_NEVER)
        if chunk.kind.endswith(HEADER) and numbers is self._behind:
            # Of a container whose members came from elsewhere, or that has its old header yet.
            return _NEVER if position in self._partners_of(version.path_id) else _ALWAYS
        return _NEVER

    @staticmethod
    def _is_footer(version: Version, header: int, position: int) -> bool:
        footer = version.footer(header)
        return footer is not None and footer.position == position

    def _find_moved(self) -> frozenset[bytes]:
        """Return the texts of the chunks that were only moved, which no edit has."""
        come: set[bytes] = set()
        gone: set[bytes] = set()
        for path_id in self._changes:
            old, new, compared = self._compared(path_id)
            for tag, i1, i2, j1, j2 in compared:
                if tag != "equal":
                    gone.update(self._texts(old, range(i1, i2), self._before))
                    come.update(self._texts(new, range(j1, j2), self._behind))
        return frozenset(come & gone)

    def _texts(self, version: Version, positions: range, numbers: _Numbers) -> Iterator[bytes]:
        """Yield the texts of chunks that no edit has, and that are no footers."""
        for position in positions:
            chunk = version.chunks[position]
            if (version.blob_id, position) not in numbers and not chunk.kind.endswith(FOOTER):
                yield self._reader.text(chunk.id)

    def _is_moved(self, chunk: ChunkRow) -> bool:
        """Tell whether a chunk that no edit has was only moved, to another container or file."""
        return self._reader.text(chunk.id) in self._moved_unchanged()


def _numbers(sides: Sequence[Side | None]) -> _Numbers:
    return {
        (side.blob_id, side.position + index): number
        for number, side in enumerate(sides)
        if side is not None
        for index in range(len(side.chunks))
    }


def _is_of(slot: _Slot, edit: Edit) -> bool:
    """Tell whether a slot is where the code of an edit will be, of a deletion where it was."""
    if edit.new is None:
        return _holds(edit.old, slot.old)
    return _holds(edit.new, slot.new)


def _holds(whole: Side | None, one: Side | None) -> bool:
    if whole is None or one is None or whole.blob_id != one.blob_id:
        return False
    return whole.position <= one.position < whole.position + len(whole.chunks)
