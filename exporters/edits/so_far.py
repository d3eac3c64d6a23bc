"""What a commit's edits made so far, told from its files as they stand.

Whoever asks for a prompt has the files as earlier edits left them, and not the commit. So what a
row shows of these follows from the same files, and not from what the whole commit makes of them.
"""

import re
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from rsidx.exporters.edits.containers import Version
from rsidx.exporters.edits.diff import opcodes
from rsidx.exporters.edits.edit import Edit, Insertion, Side, edit_between, name_of
from rsidx.store.addresses import FOOTER, HEADER
from rsidx.store.reader import Reader

_TEXTS_KEPT = 20_000
_WITH_MEMBERS = frozenset({"impl", "trait", "mod", "extern", "macro_call"})
_WITHOUT_THEM = re.compile(rb"\{[ \t]*\r?\n\s*\}\Z")
"""Braces on two lines wait for something; an impl that is complete is written `{}`."""


@dataclass(frozen=True, slots=True)
class StandingFile:
    """A file as it stands, a chunk each, from whichever version has its text.

    `come` are the positions of what was not there before, `gone` is what the `old` version has and
    this has not, footers aside. `ends` says where each container ends, behind its footer, by the
    position of its header.
    """

    path_id: int
    old: Version
    now: tuple[Side, ...]
    come: frozenset[int]
    gone: tuple[Side, ...]
    ends: dict[int, int]

    def around(self, at: int) -> tuple["Braces", ...]:
        """Return the braces around a position, outermost first, with its own if it is a header."""
        found = (header for header, end in self.ends.items() if header <= at < end)
        return tuple(
            (self.now[header], self.now[self.ends[header] - 1]) for header in sorted(found)
        )

    @property
    def insertion(self) -> Insertion | None:
        """Somewhere in the old version, where there was one."""
        if self.old.blob_id is None or not self.old.chunks:
            return None
        return Insertion(self.old.path_id, self.old.blob_id, 0)


@dataclass(frozen=True, slots=True)
class SoFar:
    """What was made of some files, in their order, and what they had and have no more.

    `containers` are the headers and footers around each new side as they stand, outermost first;
    around what is a container itself, its own are the last.
    """

    edits: tuple[Edit, ...] = ()
    gone: tuple[Side, ...] = ()
    containers: Mapping[Side, tuple["Braces", ...]] = field(default_factory=dict)


Braces = tuple[Side, Side]
"""A container's header and its footer."""


class Standing:
    """Compares files as they stand with what they were; blank lines around code do not count."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._text_of = lru_cache(_TEXTS_KEPT)(lambda chunk_id: reader.text(chunk_id).strip())
        self._texts_by_blob: dict[int | None, frozenset[bytes]] = {}

    def file(self, path_id: int, old: Version, now: Sequence[Side]) -> StandingFile:
        """Return a file as it stands."""
        before = tuple(old.sides(range(len(old.chunks))))
        gone: list[int] = []
        come: list[int] = []
        for tag, i1, i2, j1, j2 in opcodes(self._keys(before), self._keys(now)):
            if tag != "equal":
                gone += range(i1, i2)
                come += range(j1, j2)
        items = tuple(before[at] for at in gone if not before[at].kind.endswith(FOOTER))
        return StandingFile(path_id, old, tuple(now), frozenset(come), items, _ends(now))

    def edits(self, files: Sequence[StandingFile]) -> SoFar:
        """Return what was made of files: code that is nowhere the same as before.

        Code that took the place of other code of its kind and name is paired with it: in its
        container, else in its file, else in another.
        """
        come = {self._text(file.now[at]) for file in files for at in file.come}
        moved = {text for file in files for text in self._texts(file.old)}
        gone = [(f, side) for f in files for side in f.gone if self._text(side) not in come]
        found = [(file, at, side) for file in files for at, side in self._made(file, moved)]
        made = [(file, side) for file, _, side in found]
        before = self._paired(gone, made)
        edits = (self._edit(file, before.get(side), side) for file, side in made)
        containers = {side: file.around(at) for file, at, side in found}
        return SoFar(tuple(edits), tuple(side for _, side in gone), containers)

    def _texts(self, version: Version) -> frozenset[bytes]:
        """Return the texts of a version's chunks."""
        if version.blob_id not in self._texts_by_blob:
            ids = (chunk.id for chunk in version.chunks)
            self._texts_by_blob[version.blob_id] = frozenset(map(self._text_of, ids))
        return self._texts_by_blob[version.blob_id]

    def _text(self, side: Side) -> bytes:
        return self._text_of(side.chunks[0].id)

    def _keys(self, sides: Sequence[Side]) -> list[tuple[bytes, bytes]]:
        """Return what chunks are compared by: a footer is the same only with its header."""
        keys = [(self._text(side), b"") for side in sides]
        for header, end in _ends(sides).items():
            keys[end - 1] = (keys[end - 1][0], keys[header][0])
        return keys

    def _made(self, file: StandingFile, moved: Collection[bytes]) -> Iterator[tuple[int, Side]]:
        """Yield what a file has that is new, and where: an item each, a new container as one."""
        new = {
            at
            for at in file.come
            if not file.now[at].kind.endswith(FOOTER) and self._text(file.now[at]) not in moved
        }
        reached = 0
        for at in sorted(new):
            if at < reached:
                continue
            if not file.now[at].kind.endswith(HEADER):
                if not self._is_waiting(file.now[at]):
                    yield at, file.now[at]
                continue
            inside = range(at, file.ends.get(at, at + 1))
            members = {one for one in inside if not file.now[one].kind.endswith(FOOTER)}
            whole = _joined([file.now[one] for one in inside]) if new >= members else None
            if whole is not None:
                reached = inside.stop
            if len(members) > 1:
                yield at, whole or file.now[at]

    def _is_waiting(self, side: Side) -> bool:
        """Tell whether an item is no more than braces for members that are to come."""
        return side.kind in _WITH_MEMBERS and bool(_WITHOUT_THEM.search(self._text(side)))

    def _paired(self, gone: "_Sides", made: "_Sides") -> dict[Side, Side]:
        """Return what of the code that is gone each new item came from."""
        ways: Sequence[Callable[[StandingFile, Side], Hashable]] = (
            lambda file, side: (file.path_id, side.kind, self._name(side), side.container),
            lambda file, side: (file.path_id, side.kind, self._name(side)),
            lambda _, side: self._elsewhere(side),
        )
        found: dict[Side, Side] = {}
        left = [*gone]
        for key_of in ways:
            waiting: dict[Hashable, deque[tuple[StandingFile, Side]]] = defaultdict(deque)
            for file, side in left:
                waiting[key_of(file, side)].append((file, side))
            for file, side in made:
                if side not in found and len(side.chunks) == 1:
                    before = waiting.get(key_of(file, side))
                    if before:
                        _, found[side] = before.popleft()
            left = [one for several in waiting.values() for one in several]
        return found

    def _elsewhere(self, side: Side) -> Hashable:
        """Return what items have in common that went to another file; else what is its own."""
        name = self._name(side)
        is_found = name and not side.kind.endswith(HEADER)
        return (side.kind, name) if is_found else (side.blob_id, side.position)

    def _name(self, side: Side) -> str:
        return name_of(self._reader, side)

    def _edit(self, file: StandingFile, before: Side | None, side: Side) -> Edit:
        edit = edit_between(self._reader, before, side, file.insertion)
        change = "modify" if before is not None else "add"
        return replace(edit, place=replace(edit.place, change=change))


_Sides = Iterable[tuple[StandingFile, Side]]


def _ends(sides: Sequence[Side]) -> dict[int, int]:
    """Return where containers end, by the positions of their headers.

    Versions may name a container differently; what counts is where its header and footer stand.
    """
    found: dict[int, int] = {}
    opened: list[int] = []
    for at, side in enumerate(sides):
        if side.kind.endswith(HEADER):
            opened.append(at)
        elif side.kind.endswith(FOOTER) and opened:
            found[opened.pop()] = at + 1
    return found


def _joined(sides: Sequence[Side]) -> Side | None:
    """Return sides that follow each other in a blob as one; None for others."""
    first = sides[0]
    if any(
        (side.blob_id, side.position) != (first.blob_id, first.position + number)
        for number, side in enumerate(sides)
    ):
        return None
    return replace(first, chunks=tuple(side.chunks[0] for side in sides))
