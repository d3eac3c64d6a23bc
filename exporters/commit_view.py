"""One commit's edits, as they would be exported."""

from collections import Counter
from dataclasses import dataclass

from rsidx.errors import RsidxError
from rsidx.exporters.edits.pairing import Side, commit_edits
from rsidx.store import queries
from rsidx.store.database import Database
from rsidx.store.reader import Reader


@dataclass(frozen=True, slots=True)
class ShownEdit:
    """An edit with its texts; `old_line` and `new_line` count from 1, None for a missing side."""

    path: str
    old_path: str | None
    change: str
    kind: str
    name: str
    container: str
    is_test: bool
    old_line: int | None
    new_line: int | None
    old: str
    new: str


def show_commit(
    database: Database, name: str, oid: bytes
) -> tuple[list[ShownEdit], Counter[str], str]:
    """Return a commit's edits, what is no edit by reason, and its message.

    `name` is the repository's. Raises RsidxError for a commit that is not indexed.
    """
    with database.reading() as connection:
        repository_id = queries.repository_id(connection, name)
        reader = Reader(connection, repository_id or 0)
        commit = reader.commit(oid)
        if commit is None:
            raise RsidxError(f"commit {oid.hex()} is not indexed; run `rsidx backfill` for it")
        found = commit_edits(reader, reader.changes(commit.id), max_bytes=1 << 30)

        def path(side: Side) -> str:
            return reader.path(side.path_id).decode("utf-8", "replace")

        def line(side: Side | None) -> int | None:
            if side is None:
                return None
            before = reader.chunks(side.blob_id)[: side.position]
            text = reader.text(side.chunks[0].id)
            blank = len(text) - len(text.lstrip(b"\r\n"))
            return 1 + sum(chunk.n_lines for chunk in before) + text.count(b"\n", 0, blank)

        def text(side: Side | None) -> str:
            chunks = side.chunks if side else ()
            return b"".join(reader.text(chunk.id) for chunk in chunks).decode("utf-8")

        shown = []
        for edit in found.edits:
            side = edit.new or edit.old
            assert side is not None
            old_path = path(edit.old) if edit.old else None
            shown.append(
                ShownEdit(
                    path(side),
                    old_path if old_path != path(side) else None,
                    edit.change,
                    edit.kind,
                    edit.name,
                    edit.container,
                    edit.is_test,
                    line(edit.old),
                    line(edit.new),
                    text(edit.old),
                    text(edit.new),
                )
            )
        return shown, found.dropped, reader.message(commit.id)
