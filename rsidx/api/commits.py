"""Commits and their edits, as the index has them."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeAlias

from rsidx.errors import RsidxError
from rsidx.exporters.edits.diff import unified
from rsidx.exporters.edits.edit import Edit as ChunkEdit
from rsidx.exporters.edits.edit import Side
from rsidx.exporters.edits.pairing import commit_edits
from rsidx.exporters.examples.redaction import redacted_message
from rsidx.store.dates import moment
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow

Reading: TypeAlias = Callable[[], AbstractContextManager[Reader]]
"""Opens a reader of the index, for as long as a block lasts."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A piece of Rust code before and after a commit.

    `change` is `add`, `delete`, `modify` or `move`, `kind` what the code is (`fn`, `struct`, `impl`
    and so on), `symbol` its name, and `container` what it stands in. `old_path` is set where the
    code came from another file. `old_line` and `new_line` count from 1; they are None, and `old`
    or `new` empty, for a side that is missing.

    `old` and `new` are the code as it stands in the repository: unlike anything else that rsidx
    gives out, they are not redacted, and may hold secrets.
    """

    path: str
    old_path: str | None
    change: str
    kind: str
    symbol: str
    container: str
    is_test: bool
    old_line: int | None
    new_line: int | None
    old: str
    new: str

    def diff(self) -> Iterator[str]:
        """Yield the lines of a unified diff of the code, which is not redacted either."""
        return unified(self.old.splitlines(), self.new.splitlines())


class Commit:
    """A commit of the index, and what it changed.

    `oid` and `parents` are object ids in hexadecimal, `time` is when it was committed.
    """

    __slots__ = ("_reading", "_row", "oid", "parents", "time")

    def __init__(self, row: CommitRow, reading: Reading) -> None:
        self.oid = row.oid.hex()
        self.time = moment(row.committer_time)
        self.parents = tuple(parent.hex() for parent in row.parents)
        self._row = row
        self._reading = reading

    def __repr__(self) -> str:
        return f"<Commit {self.oid[:12]} of {self.time:%Y-%m-%d %H:%M}>"

    @property
    def message(self) -> str:
        """The message, without secrets, addresses and the people whom its trailers name."""
        with self._reading() as reader:
            return redacted_message(reader.message(self._known(reader).id))

    def edits(self) -> Iterator[Edit]:
        """Yield the commit's edits, in the order of the paths, before any filter of an export."""
        with self._reading() as reader:
            row = self._known(reader)
            found = commit_edits(reader, reader.changes(row.id))
            yield from (_edit(reader, edit) for edit in found.edits)

    def no_edits(self) -> Counter[str]:
        """Return how much of what the commit changed is no edit, by reason."""
        with self._reading() as reader:
            row = self._known(reader)
            return commit_edits(reader, reader.changes(row.id)).dropped

    def _known(self, reader: Reader) -> CommitRow:
        """Return the commit's row as it is now: another index may stand in this one's place."""
        row = reader.commit(self._row.oid)
        if row is None:
            raise RsidxError(f"commit {self.oid} is not in the index any more")
        return row


def commit_of(reader: Reader, oid: bytes, reading: Reading) -> Commit:
    """Return a commit; raises RsidxError for one that is not indexed."""
    row = reader.commit(oid)
    if row is None:
        raise RsidxError(f"commit {oid.hex()} is not indexed; run `rsidx backfill` for it")
    return Commit(row, reading)


def _edit(reader: Reader, edit: ChunkEdit) -> Edit:
    side = edit.new or edit.old
    assert side is not None
    path = _path(reader, side)
    old_path = _path(reader, edit.old) if edit.old else None
    return Edit(
        path=path,
        old_path=old_path if old_path != path else None,
        change=edit.change,
        kind=edit.kind,
        symbol=edit.name,
        container=edit.container,
        is_test=edit.is_test,
        old_line=_line(reader, edit.old),
        new_line=_line(reader, edit.new),
        old=_text(reader, edit.old),
        new=_text(reader, edit.new),
    )


def _path(reader: Reader, side: Side) -> str:
    return reader.path(side.path_id).decode("utf-8", "replace")


def _line(reader: Reader, side: Side | None) -> int | None:
    if side is None:
        return None
    before = reader.chunks(side.blob_id)[: side.position]
    text = reader.text(side.chunks[0].id)
    blank = len(text) - len(text.lstrip(b"\r\n"))
    return 1 + sum(chunk.n_lines for chunk in before) + text.count(b"\n", 0, blank)


def _text(reader: Reader, side: Side | None) -> str:
    chunks = side.chunks if side else ()
    return b"".join(reader.text(chunk.id) for chunk in chunks).decode("utf-8")
