"""Edits that take back what an earlier commit did, as its message says."""

import re

from rsidx.exporters.edits.edit import Edit, Side
from rsidx.store.reader import Reader
from rsidx.store.records import ChangeRow, CommitRow

_REVERTED = re.compile(r"^This reverts commit\s+([0-9a-f]{40}|[0-9a-f]{64})\b", re.MULTILINE)


def names_reverts(reader: Reader, commit: CommitRow) -> bool:
    """Tell whether a commit's message says that it reverts another one."""
    return _REVERTED.search(reader.message(commit.id)) is not None


def reverted_by(reader: Reader, commit: CommitRow, edit: Edit) -> str | None:
    """Return the id of the commit that an edit takes back; None where it takes back none.

    The message must name the commit, and that commit must have made the old code of the edit from
    the new: of a file's chunks, it has replaced the one by the other.
    """
    if edit.old is None or edit.new is None or edit.is_no_op:
        return None
    for oid in _REVERTED.findall(reader.message(commit.id)):
        earlier = reader.commit(bytes.fromhex(oid))
        if earlier is None or earlier.oid == commit.oid:
            continue
        changes = reader.changes(earlier.id)
        if any(_made(reader, change, edit.new, edit.old) for change in changes):
            return str(oid)
    return None


def _made(reader: Reader, change: ChangeRow, before: Side, behind: Side) -> bool:
    """Tell whether a change took some chunks out of a file and put others into it."""
    if change.old_blob_id is None or change.new_blob_id is None:
        return False
    olds, news = (
        {chunk.id for chunk in reader.chunks(blob)}
        for blob in (change.old_blob_id, change.new_blob_id)
    )
    gone, came = ({chunk.id for chunk in side.chunks} for side in (before, behind))
    return gone <= olds - news and came <= news - olds
