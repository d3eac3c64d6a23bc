"""The edits of a commit: its chunks before and after.

The two versions' chunk lists are compared by chunk ids; what is left is paired. A chunk that only
moved is no edit. A container that is new or gone as a whole is one edit.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rsidx.exporters.edits.containers import Container, Version
from rsidx.exporters.edits.diff import opcodes
from rsidx.exporters.edits.edit import Edit, Insertion, Side, edit_between, name_of
from rsidx.exporters.edits.left_out import LeftOut
from rsidx.exporters.edits.matching import Change, Pair, matched
from rsidx.store.addresses import FOOTER
from rsidx.store.reader import Reader
from rsidx.store.records import PARSED, ChangeRow, ChunkRow

_MAX_SHARE_PAIRED = 0.5
"""A container that is new may hold code from elsewhere, but not for the most part."""


@dataclass(frozen=True, slots=True)
class CommitEdits:
    """A commit's edits in the order of the new files, and what is left out.

    `n_not_compared` new chunks count as added though they may be old ones that were changed: there
    were too many to compare each with each, and none of those that were compared is alike.
    """

    edits: tuple[Edit, ...]
    left_out: tuple[LeftOut, ...]
    n_not_compared: int = 0

    @property
    def dropped(self) -> Counter[str]:
        """How much is left out, by reason."""
        return Counter(one.reason for one in self.left_out)


def commit_edits(
    reader: Reader,
    changes: Sequence[ChangeRow],
    *,
    max_bytes: int | None = None,
    new_file_bytes: int = 0,
) -> CommitEdits:
    """Return the edits of a commit's changes.

    `max_bytes` bounds the containers that count as one edit; larger ones come by member. Items of
    a new file that follow each other are one edit up to `new_file_bytes`. Reasons: `unparsed_blob`,
    `moved_unchanged`, `container_header`, `container_footer`.
    """
    return _CommitEdits(reader, max_bytes, new_file_bytes).of(changes)


def file_edits(reader: Reader, changes: Sequence[ChangeRow]) -> CommitEdits:
    """Return the edits of a commit's changes, a whole Rust file each.

    Reasons: `unparsed_blob`, `moved_unchanged`.
    """
    left_out = []
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
            left_out.append(LeftOut("unparsed_blob", change.path_id))
            continue
        chunk_ids = [chunk.id for blob_id in blobs for chunk in reader.chunks(blob_id)]
        reader.prefetch_texts(chunk_ids)
        reader.prefetch_facts(chunk_ids)
        old, new = (_whole_file(reader, path_id, blob_id) for path_id, blob_id in places)
        if old is not None or new is not None:
            found = edit_between(reader, old, new)
            if found.is_no_op:
                left_out.append(LeftOut("moved_unchanged", change.path_id))
            else:
                place = replace(found.place, container="", is_file=True)
                edits.append(replace(found, place=place, kind="file", name=""))
    return CommitEdits(tuple(edits), tuple(left_out))


def _whole_file(reader: Reader, path_id: int, blob_id: int | None) -> Side | None:
    chunks = reader.chunks(blob_id) if blob_id is not None else ()
    return Side(path_id, blob_id, 0, 0, chunks) if blob_id is not None and chunks else None


class _CommitEdits:
    """Makes the edits of one commit; `_paired` has the pair of each side that has one."""

    def __init__(self, reader: Reader, max_bytes: int | None, new_file_bytes: int) -> None:
        self._reader = reader
        self._max_bytes = max_bytes
        self._new_file_bytes = new_file_bytes
        self._left_out: list[LeftOut] = []
        self._paired: dict[Side, Pair] = {}
        self._versions: dict[int | None, Version] = {}
        self._insertions: dict[int, dict[int, int]] = {}

    def of(self, changes: Sequence[ChangeRow]) -> CommitEdits:
        ids = (blob for c in changes for blob in (c.old_blob_id, c.new_blob_id) if blob is not None)
        self._reader.prefetch(ids)
        files = [file for change in changes if (file := self._change(change)) is not None]
        self._versions = {v.blob_id: v for file in files for v in (file.old, file.new)}
        removed = [one for file in files for one in file.old.sides(_items(file.old, file.removed))]
        added = [one for file in files for one in file.new.sides(_items(file.new, file.gaps))]
        chunk_ids = [side.chunks[0].id for side in (*removed, *added)]
        self._reader.prefetch_texts(chunk_ids)
        self._reader.prefetch_facts(chunk_ids)
        pairs, not_compared = matched(self._reader, files, removed, added)
        for pair in pairs:
            self._paired[pair.old] = self._paired[pair.new] = pair
        # New containers first: pairs of what they hold no longer count.
        new = [(file, side) for file in files for side in self._new(file)]
        edits = [
            edit_between(self._reader, None, side, self._insertion(file, side.position))
            for file, side in new
        ]
        edits += [
            edit_between(self._reader, side, None)
            for file in files
            for side in self._alone(file.old, file.removed, is_new=False)
        ]
        for pair in dict.fromkeys(self._paired.values()):
            if pair.is_same:
                self._leave_out("moved_unchanged", pair.new)
            else:
                edit = edit_between(self._reader, pair.old, pair.new)
                change = "move" if pair.is_moved else "modify"
                edits.append(replace(edit, place=replace(edit.place, change=change)))
        edits.sort(key=self._order)
        return CommitEdits(tuple(edits), tuple(self._left_out), len(not_compared))

    def _new(self, file: Change) -> list[Side]:
        """Return what a file has that has no counterpart; of a new file, what is next to it."""
        sides = self._alone(file.new, file.gaps, is_new=True)
        if file.old.chunks or file.new.blob_id is None or not self._new_file_bytes:
            return sides
        errors = self._reader.syntax_errors(file.new.blob_id)
        found: list[Side] = []
        is_sound = False
        for side in sides:
            end = side.start + side.n_bytes
            # What is in error is left out; the rest of its file is not.
            was_sound, is_sound = is_sound, not any(s < end and side.start < e for s, e in errors)
            before = found[-1] if found and was_sound and is_sound else None
            if before is not None and before.position + len(before.chunks) == side.position:
                joined = replace(before, chunks=before.chunks + side.chunks)
                if joined.n_bytes <= self._new_file_bytes:
                    found[-1] = joined
                    continue
            found.append(side)
        return found

    def _leave_out(self, reason: str, side: Side) -> None:
        self._left_out.append(LeftOut(reason, side.path_id, name_of(self._reader, side)))

    def _change(self, change: ChangeRow) -> Change | None:
        """Compare the versions of a file; return None where one was not parsed."""
        old_path = change.old_path_id or change.path_id
        old = self._chunks(old_path, change.old_blob_id)
        new = self._chunks(change.path_id, change.new_blob_id)
        if old is None or new is None:
            self._left_out.append(LeftOut("unparsed_blob", change.path_id))
            return None
        before = Version(old_path, change.old_blob_id, old)
        after = Version(change.path_id, change.new_blob_id, new)
        old_keys, new_keys = before.keys(), after.keys()
        shorter = min(len(old), len(new))
        first = last = 0
        while first < shorter and old_keys[first] == new_keys[first]:
            first += 1
        while last < shorter - first and old_keys[-1 - last] == new_keys[-1 - last]:
            last += 1
        removed: list[int] = []
        gaps: dict[int, tuple[int, int]] = {}
        for tag, i1, i2, j1, j2 in opcodes(
            old_keys[first : len(old) - last], new_keys[first : len(new) - last]
        ):
            if tag != "equal":
                removed += range(first + i1, first + i2)
                gaps |= dict.fromkeys(range(first + j1, first + j2), (first + i1, first + i2))
        return Change(before, after, tuple(removed), gaps)

    def _chunks(self, path_id: int, blob_id: int | None) -> tuple[ChunkRow, ...] | None:
        """Return a blob's chunks; None for a Rust blob that was not parsed."""
        if blob_id is None:
            return ()
        if self._reader.blob(blob_id).state not in PARSED:
            return None if self._reader.path(path_id).endswith(b".rs") else ()
        return self._reader.chunks(blob_id)

    def _alone(self, version: Version, changed: Iterable[int], *, is_new: bool) -> list[Side]:
        """Return the sides without a counterpart; a container that has none as a whole is one.

        Some of what a new container holds may have a counterpart, which no longer counts. A header
        whose members have one says nothing by itself, nor does a footer.
        """
        max_share_paired = _MAX_SHARE_PAIRED if is_new else 0
        positions = frozenset(changed)
        sides = []
        reached = 0
        for position in sorted(positions):
            if position < reached:
                continue
            side = version.side(position, position + 1)
            container = version.container_at.get(position)
            if side.kind.endswith(FOOTER):
                if is_new and self._is_changed(version, side, positions):
                    self._leave_out("container_footer", side)
            elif side in self._paired:
                continue
            elif container is None or self._is_large(version, container):
                sides.append(side)
            elif positions.issuperset(range(container.start, container.end)) and (
                self._share_paired(version, container) <= max_share_paired
            ):
                self._unpair(version, container)
                sides.append(version.side(container.start, container.end))
                reached = container.end
            else:
                self._leave_out("container_header", side)
        return sides

    def _is_changed(self, version: Version, footer: Side, changed: frozenset[int]) -> bool:
        """Tell whether a new footer differs from that of the same container before."""
        container = version.around(footer.position)
        if container is None:
            return True
        header = version.side(container.start, container.start + 1)
        pair = self._paired.get(header)
        if pair is None:
            return container.start not in changed or self._is_large(version, container)
        before = self._versions[pair.old.blob_id].footer(pair.old.position)
        return before is None or self._text(before) != self._text(footer)

    def _text(self, side: Side) -> bytes:
        return self._reader.text(side.chunks[0].id).strip()

    def _is_large(self, version: Version, container: Container) -> bool:
        n_bytes = sum(c.n_bytes for c in version.chunks[container.start : container.end])
        return self._max_bytes is not None and n_bytes > self._max_bytes

    def _share_paired(self, version: Version, container: Container) -> float:
        """Return the share of the bytes in a container that has a counterpart."""
        sides = [version.side(at, at + 1) for at in range(container.start, container.end)]
        n_paired = sum(side.n_bytes for side in sides if side in self._paired)
        return n_paired / sum(side.n_bytes for side in sides)

    def _unpair(self, version: Version, container: Container) -> None:
        for position in range(container.start, container.end):
            pair = self._paired.get(version.side(position, position + 1))
            if pair is not None:
                del self._paired[pair.old], self._paired[pair.new]

    def _insertion(self, file: Change, position: int) -> Insertion | None:
        """Return where new code comes into the old version: behind what it stands behind now."""
        if file.old.blob_id is None or not file.old.chunks:
            return None
        if file.new.path_id not in self._insertions:
            self._insertions[file.new.path_id] = dict(self._places(file))
        at = self._insertions[file.new.path_id][position]
        return Insertion(file.old.path_id, file.old.blob_id, at)

    def _places(self, file: Change) -> Iterator[tuple[int, int]]:
        """Yield each new position with the old one that it comes to."""
        reached = -1
        for position in sorted(file.gaps):
            if position - 1 not in file.gaps:
                reached, _ = file.gaps[position]
            yield position, reached
            pair = self._paired.get(file.new.side(position, position + 1))
            if pair is not None and pair.old.blob_id == file.old.blob_id:
                reached = pair.old.position + 1

    def _order(self, edit: Edit) -> tuple[bytes, int, bool]:
        """Order edits by the new file and the place in it, what goes after what comes."""
        side = edit.new or edit.old
        assert side is not None
        return self._reader.path(side.path_id), side.position, edit.new is None


def _items(version: Version, positions: Iterable[int]) -> Iterator[int]:
    """Yield the positions of all chunks but footers."""
    return (at for at in positions if not version.chunks[at].kind.endswith(FOOTER))
