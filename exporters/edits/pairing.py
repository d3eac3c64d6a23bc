"""The edits of a commit: its chunks before and after, paired.

The two versions' chunk lists are compared by chunk ids; what is left is paired by container,
kind and name, then by similarity, first in the file and then across the commit's files. A
chunk that only moved is no edit. A container that is new or gone as a whole is one edit.
"""

import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from rsidx.exporters.edits.diff import opcodes
from rsidx.store.reader import Reader
from rsidx.store.records import PARSED, ChangeRow, ChunkRow, innermost

_MIN_SIMILARITY = 0.5
_MAX_SIMILARITY_PAIRS = 4000
_BLANKS = b" \t\n\r\f\v"
_TRAILING_COMMA = re.compile(rb",(?=[)\]}>])")


@dataclass(frozen=True, slots=True)
class Side:
    """One side of an edit: `chunks` in a row in a blob, from byte `start` on."""

    path_id: int
    blob_id: int
    position: int
    start: int
    chunks: tuple[ChunkRow, ...]

    @property
    def n_bytes(self) -> int:
        """The length of the side's text."""
        return sum(chunk.n_bytes for chunk in self.chunks)


@dataclass(frozen=True, slots=True)
class Edit:
    """Chunks before and after one commit; `change` is `modify`, `add`, `delete` or `move`.

    A `move` came from another place and was changed on the way.
    """

    change: str
    kind: str
    name: str
    container: str
    is_test: bool
    old: Side | None
    new: Side | None

    @property
    def is_no_op(self) -> bool:
        """Whether the commit left the code as it was."""
        if self.old is None or self.new is None:
            return False
        return [chunk.id for chunk in self.old.chunks] == [chunk.id for chunk in self.new.chunks]


@dataclass(frozen=True, slots=True)
class CommitEdits:
    """A commit's edits in the order of the new files, and what was left out, by reason."""

    edits: tuple[Edit, ...]
    dropped: Counter[str]


def commit_edits(reader: Reader, changes: Sequence[ChangeRow], *, max_bytes: int) -> CommitEdits:
    """Return the edits of a commit's changes.

    `max_bytes` bounds the containers that count as one edit; larger ones come by member.
    Reasons: `unparsed_blob`, `moved_unchanged`, `container_footer`.
    """
    return _Pairing(reader, max_bytes).edits(changes)


def file_edits(reader: Reader, changes: Sequence[ChangeRow]) -> CommitEdits:
    """Return the edits of a commit's changes, a whole Rust file each.

    Reasons: `unparsed_blob`, `moved_unchanged`.
    """
    dropped: Counter[str] = Counter()
    edits = []
    for change in changes:
        if not reader.path(change.path_id).endswith(b".rs"):
            continue
        places = (
            (change.old_path_id or change.path_id, change.old_blob_id),
            (change.path_id, change.new_blob_id),
        )
        blobs = [blob_id for _, blob_id in places if blob_id is not None]
        if any(reader.blob(blob_id).state not in PARSED for blob_id in blobs):
            dropped["unparsed_blob"] += 1
            continue
        chunk_ids = [chunk.id for blob_id in blobs for chunk in reader.chunks(blob_id)]
        reader.prefetch_texts(chunk_ids)
        reader.prefetch_facts(chunk_ids)
        old, new = (_whole_file(reader, path_id, blob_id) for path_id, blob_id in places)
        if old is not None or new is not None:
            found = edit_between(reader, old, new)
            if found.is_no_op:
                dropped["moved_unchanged"] += 1
            else:
                edits.append(replace(found, kind="file", name="", container=""))
    return CommitEdits(tuple(edits), dropped)


def _whole_file(reader: Reader, path_id: int, blob_id: int | None) -> Side | None:
    chunks = reader.chunks(blob_id) if blob_id is not None else ()
    return Side(path_id, blob_id, 0, 0, chunks) if blob_id is not None and chunks else None


def edit_between(reader: Reader, old: Side | None, new: Side | None) -> Edit:
    """Return the edit that two sides are, one of which may be missing."""
    return _Pairing(reader, 0).edit(old, new)


def edit_of(reader: Reader, side: Side) -> Edit:
    """Return the edit of code that is still to be changed: it has no new side yet."""
    return replace(edit_between(reader, side, None), change="modify")


def same_tokens(old: bytes, new: bytes) -> bool:
    """Tell whether two texts differ in white space and trailing commas alone."""
    return strip_insignificant(old) == strip_insignificant(new)


def strip_insignificant(text: bytes) -> bytes:
    """Return a text without white space and trailing commas."""
    return _TRAILING_COMMA.sub(b"", text.translate(None, _BLANKS))


class _Pairing:
    """Pairs what one commit removed with what it added."""

    def __init__(self, reader: Reader, max_bytes: int) -> None:
        self.reader = reader
        self.max_bytes = max_bytes
        self.dropped: Counter[str] = Counter()

    def edits(self, changes: Sequence[ChangeRow]) -> CommitEdits:
        ids = (blob for c in changes for blob in (c.old_blob_id, c.new_blob_id) if blob is not None)
        self.reader.prefetch(ids)
        removed: list[Side] = []
        added: list[Side] = []
        for change in changes:
            gone, come = self._compare(change)
            removed += gone
            added += come
        chunk_ids = [side.chunks[0].id for side in (*removed, *added)]
        self.reader.prefetch_texts(chunk_ids)
        self.reader.prefetch_facts(chunk_ids)
        pairs, removed, added = self._pair(removed, added)
        edits = [self.edit(old, new) for old, new in pairs]
        edits += [self.edit(side, None) for side in self._grouped(removed)]
        edits += [self.edit(None, side) for side in self._grouped(added)]
        edits.sort(key=self._order)
        return CommitEdits(tuple(edits), +self.dropped)

    def _compare(self, change: ChangeRow) -> tuple[list[Side], list[Side]]:
        old_path = change.old_path_id or change.path_id
        old = self._chunks(old_path, change.old_blob_id)
        new = self._chunks(change.path_id, change.new_blob_id)
        if old is None or new is None:
            self.dropped["unparsed_blob"] += 1
            return [], []
        shorter = min(len(old), len(new))
        first = last = 0
        while first < shorter and old[first].id == new[first].id:
            first += 1
        while last < shorter - first and old[-1 - last].id == new[-1 - last].id:
            last += 1
        old_ids = [chunk.id for chunk in old[first : len(old) - last]]
        new_ids = [chunk.id for chunk in new[first : len(new) - last]]
        gone: list[int] = []
        come: list[int] = []
        for tag, i1, i2, j1, j2 in opcodes(old_ids, new_ids):
            if tag != "equal":
                gone += range(first + i1, first + i2)
                come += range(first + j1, first + j2)
        return (
            list(_sides(old_path, change.old_blob_id, old, gone)),
            list(_sides(change.path_id, change.new_blob_id, new, come)),
        )

    def _chunks(self, path_id: int, blob_id: int | None) -> tuple[ChunkRow, ...] | None:
        """Return a blob's chunks; None for a Rust blob that was not parsed."""
        if blob_id is None:
            return ()
        if self.reader.blob(blob_id).state not in PARSED:
            return None if self.reader.path(path_id).endswith(b".rs") else ()
        return self.reader.chunks(blob_id)

    def _pair(
        self, removed: list[Side], added: list[Side]
    ) -> tuple[list[tuple[Side, Side]], list[Side], list[Side]]:
        def text(side: Side) -> object:
            return self.reader.text(side.chunks[0].id).strip()

        def named(side: Side, *more: object) -> object:
            name = self._name(side)
            kind = side.chunks[0].kind
            return (kind, name, *more) if name or kind == "imports" else None

        keys: list[tuple[Callable[[Side], object], bool]] = [
            (lambda side: (side.path_id, side.chunks[0].container, text(side)), True),
            (text, True),
            (lambda side: named(side, side.path_id, side.chunks[0].container), False),
            (lambda side: named(side, side.chunks[0].container), False),
            (lambda side: named(side, side.path_id, innermost(side.chunks[0].container)), False),
            (lambda side: named(side, innermost(side.chunks[0].container)), False),
        ]
        pairs: list[tuple[Side, Side]] = []
        for key, is_move in keys:
            found, removed, added = _match(removed, added, key)
            if is_move:
                self.dropped["moved_unchanged"] += len(found)
            else:
                pairs += found
        for within_file in (True, False):
            found, removed, added = self._match_similar(removed, added, within_file=within_file)
            pairs += found
        return pairs, removed, added

    def _match_similar(
        self, removed: list[Side], added: list[Side], *, within_file: bool
    ) -> tuple[list[tuple[Side, Side]], list[Side], list[Side]]:
        """Pair the most similar chunks of the same kind first."""
        alike: dict[object, list[Side]] = defaultdict(list)
        for side in added:
            alike[_class(side, within_file)].append(side)
        groups = [
            (side, alike[_class(side, within_file)])
            for side in removed
            if not side.chunks[0].kind.endswith("_footer")
        ]
        if sum(len(group) for _, group in groups) > _MAX_SIMILARITY_PAIRS:
            return [], removed, added
        candidates = [(old, new) for old, group in groups for new in group]
        lines = {side: self._lines(side) for pair in candidates for side in pair}
        scored = [(_similarity(lines[old], lines[new]), old, new) for old, new in candidates]
        scored = [entry for entry in scored if entry[0] >= _MIN_SIMILARITY]
        scored.sort(key=lambda entry: (-entry[0], entry[1].position, entry[2].position))
        used: set[Side] = set()
        pairs = []
        for _, old, new in scored:
            if old not in used and new not in used:
                used.update((old, new))
                pairs.append((old, new))
        return (
            pairs,
            [side for side in removed if side not in used],
            [side for side in added if side not in used],
        )

    def _lines(self, side: Side) -> Counter[bytes]:
        text = self.reader.text(side.chunks[0].id)
        return Counter(line.strip() for line in text.splitlines() if line.strip())

    def _grouped(self, sides: list[Side]) -> Iterator[Side]:
        """Join a header, its members and its footer into one side where all are there."""
        by_place = {(side.path_id, side.blob_id, side.position): side for side in sides}
        joined_until: dict[tuple[int, int], int] = {}
        for side in sides:
            place = (side.path_id, side.blob_id)
            if side.position < joined_until.get(place, 0):
                continue
            whole = self._whole_container(side, by_place)
            if whole is not None:
                joined_until[place] = whole.position + len(whole.chunks)
                yield whole
            elif side.chunks[0].kind.endswith("_footer"):
                self.dropped["container_footer"] += 1
            else:
                yield side

    def _whole_container(
        self, header: Side, by_place: dict[tuple[int, int, int], Side]
    ) -> Side | None:
        if not header.chunks[0].kind.endswith("_header"):
            return None
        chunks: list[ChunkRow] = []
        depth = n_bytes = 0
        position = header.position
        while side := by_place.get((header.path_id, header.blob_id, position)):
            chunk = side.chunks[0]
            chunks.append(chunk)
            n_bytes += chunk.n_bytes
            depth += chunk.kind.endswith("_header") - chunk.kind.endswith("_footer")
            if n_bytes > self.max_bytes:
                return None
            if depth == 0:
                return Side(
                    header.path_id, header.blob_id, header.position, header.start, tuple(chunks)
                )
            position += 1
        return None

    def _name(self, side: Side) -> str:
        symbols = self.reader.symbols(side.chunks[0].id)
        if not symbols:
            return ""
        symbol = symbols[0]
        return f"{symbol.trait} for {symbol.name}" if symbol.trait else symbol.name

    def _order(self, edit: Edit) -> tuple[bytes, int, bool]:
        """Order edits by the new file and the place in it, what goes after what comes."""
        side = edit.new or edit.old
        assert side is not None
        return self.reader.path(side.path_id), side.position, edit.new is None

    def edit(self, old: Side | None, new: Side | None) -> Edit:
        """Describe a pair of sides, one of which may be missing."""
        shown = new or old
        assert shown is not None
        chunk = shown.chunks[0]
        if old is None or new is None:
            change = "delete" if new is None else "add"
        else:
            moved = old.path_id != new.path_id or old.chunks[0].container != chunk.container
            change = "move" if moved else "modify"
        kind = chunk.kind.removesuffix("_header") if len(shown.chunks) > 1 else chunk.kind
        symbols = [symbol for c in shown.chunks for symbol in self.reader.symbols(c.id)]
        is_test = bool(symbols) and all(symbol.is_test for symbol in symbols)
        return Edit(change, kind, self._name(shown), chunk.container, is_test, old, new)


def _sides(
    path_id: int, blob_id: int | None, chunks: Sequence[ChunkRow], positions: Sequence[int]
) -> Iterator[Side]:
    """Yield the chunks at ascending positions of a blob, one a side."""
    if blob_id is None:
        return
    start = reached = 0
    for position in positions:
        start += sum(chunk.n_bytes for chunk in chunks[reached:position])
        reached = position
        yield Side(path_id, blob_id, position, start, (chunks[position],))


def _match(
    removed: Sequence[Side], added: Sequence[Side], key: Callable[[Side], object]
) -> tuple[list[tuple[Side, Side]], list[Side], list[Side]]:
    """Pair sides with equal keys in their order; a key of None matches nothing."""
    waiting: dict[object, deque[Side]] = defaultdict(deque)
    rest = []
    for side in removed:
        value = key(side)
        if value is None:
            rest.append(side)
        else:
            waiting[value].append(side)
    pairs, unpaired = [], []
    for side in added:
        value = key(side)
        if value is not None and waiting.get(value):
            pairs.append((waiting[value].popleft(), side))
        else:
            unpaired.append(side)
    rest += [side for sides in waiting.values() for side in sides]
    order = {side: position for position, side in enumerate(removed)}
    rest.sort(key=order.__getitem__)
    return pairs, rest, unpaired


def _class(side: Side, is_within_file: bool) -> object:
    return side.chunks[0].kind, side.path_id if is_within_file else None


def _similarity(old: Counter[bytes], new: Counter[bytes]) -> float:
    """Return twice the common lines over all lines, from 0 to 1."""
    total = old.total() + new.total()
    return 2 * (old & new).total() / total if total else 0.0
