"""A commit's files as they stand when some of its edits are made, and others are still to be."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from rsidx.exporters.edits.edit import Edit, Side, Surroundings
from rsidx.exporters.edits.moments import ALWAYS, NEVER, Moments
from rsidx.exporters.edits.so_far import SoFar, Standing, StandingFile
from rsidx.store.reader import Reader
from rsidx.store.records import ChangeRow

NONE = -1
"""Not even what was only moved."""


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

    What it changed, and is none of the edits, stays as it was. `Moments` says when the rest comes
    and goes.
    """

    def __init__(self, reader: Reader, changes: Sequence[ChangeRow], edits: Sequence[Edit]) -> None:
        self._standing = Standing(reader)
        self._edits = edits
        paths = (change.path_id for change in changes)
        rust = (path_id for path_id in paths if reader.path(path_id).endswith(b".rs"))
        self._paths = sorted(rust, key=reader.path)
        self._moments = Moments(reader, changes, edits)
        self._slots_of = cache(self._slots)
        self._moments_of = cache(self._find_moments)
        self._file_at = cache(self._find_file)

    def around(self, number: int, *, n_made: int) -> Surroundings | None:
        """Return the file around an edit's place, once the first `n_made` edits are made.

        With `NONE`, it is the file before the commit.
        """
        edit = self._edits[number]
        slots = self._slots_of(edit.path_id)
        own = [at for at, slot in enumerate(slots) if _is_of(slot, edit)]
        if not own:
            return None

        def shown(slots: Sequence[_Slot]) -> Iterator[Side]:
            for slot in slots:
                if slot.made == number and _holds(edit.old, slot.old):
                    # Its old code stood elsewhere.
                    continue
                is_with_it = slot.made == n_made == number and edit.new is not None
                is_whole = slot.old is not None and slot.new is not None
                side = slot.new if is_with_it and not is_whole else slot.at(n_made)
                if side is not None:
                    yield side

        return Surroundings(tuple(shown(slots[: own[0]])), tuple(shown(slots[own[-1] + 1 :])))

    def file(self, path_id: int, *, n_made: int) -> tuple[Side, ...]:
        """Return a changed file, a chunk each, once the first `n_made` edits are made."""
        sides = (slot.at(n_made) for slot in self._slots_of(path_id))
        return tuple(side for side in sides if side is not None)

    def so_far(self, *, n_made: int) -> SoFar:
        """Return what the first `n_made` edits made, by the files as they stand then."""
        files = (
            self._file_at(path_id, bisect_left(self._moments_of(path_id), n_made))
            for path_id in self._paths
        )
        return self._standing.edits([file for file in files if file is not None])

    def _find_file(self, path_id: int, n_moments: int) -> StandingFile | None:
        """Return a file once so many of its moments have passed; None before it changes."""
        if not n_moments:
            return None
        old, _, _ = self._moments.versions(path_id)
        last = self._moments_of(path_id)[n_moments - 1]
        return self._standing.file(path_id, old, self.file(path_id, n_made=int(last) + 1))

    def _find_moments(self, path_id: int) -> list[float]:
        """Return when something of a file changes."""
        return sorted({slot.made for slot in self._slots_of(path_id) if slot.made != NEVER})

    def _slots(self, path_id: int) -> tuple[_Slot, ...]:
        old, new, compared = self._moments.versions(path_id)
        found: list[_Slot] = []
        for tag, i1, i2, j1, j2 in compared:
            if tag == "equal":
                pairs = zip(range(i1, i2), range(j1, j2), strict=True)
                found += (_Slot(old.side(i, i + 1), new.side(j, j + 1), NEVER) for i, j in pairs)
            else:
                found += self._changed(path_id, range(i1, i2), range(j1, j2))
        return tuple(found)

    def _changed(self, path_id: int, removed: range, added: range) -> Iterator[_Slot]:
        """Yield the slots where a file changed: code that became other code has one."""
        old, new, _ = self._moments.versions(path_id)
        partners = self._moments.partners(path_id)
        reached = removed.start
        for position in added:
            partner = partners.get(position, -1)
            if partner not in removed or partner < reached:
                yield from self._come(path_id, position)
                continue
            for gone in range(reached, partner):
                yield self._gone(path_id, gone)
            made = self._moments.comes(path_id, position)
            yield _Slot(old.side(partner, partner + 1), new.side(position, position + 1), made)
            reached = partner + 1
        for gone in range(reached, removed.stop):
            yield self._gone(path_id, gone)

    def _come(self, path_id: int, position: int) -> Iterator[_Slot]:
        """Yield the slot of code that the old version does not have there."""
        old, new, _ = self._moments.versions(path_id)
        made = self._moments.comes(path_id, position)
        partner = self._moments.partners(path_id).get(position)
        if made == NEVER and partner is not None:
            # It moved, and keeps its old text.
            yield _Slot(None, old.side(partner, partner + 1), ALWAYS)
        elif made != NEVER:
            yield _Slot(None, new.side(position, position + 1), made)

    def _gone(self, path_id: int, position: int) -> _Slot:
        """Return the slot of code that the new version does not have there."""
        old, _, _ = self._moments.versions(path_id)
        made = self._moments.goes(path_id, position)
        return _Slot(old.side(position, position + 1), None, made)


def _is_of(slot: _Slot, edit: Edit) -> bool:
    """Tell whether a slot is where the code of an edit will be, of a deletion where it was."""
    if edit.new is None:
        return _holds(edit.old, slot.old)
    return _holds(edit.new, slot.new)


def _holds(whole: Side | None, one: Side | None) -> bool:
    if whole is None or one is None or whole.blob_id != one.blob_id:
        return False
    return whole.position <= one.position < whole.position + len(whole.chunks)
