"""Commits of a repository: all of them in order, or one by one."""

from sys import intern
from typing import Any

from sqlalchemy import Connection, Row, select

from rsidx.store import schema
from rsidx.store.queries import split_parents
from rsidx.store.records import CommitRow

_AT_ONCE = 256
_KEPT = 8192
_C = schema.commit.c
_COLUMNS: tuple[Any, ...] = (
    _C.id,
    _C.oid,
    _C.first_parent,
    _C.other_parents,
    _C.generation,
    _C.committer_time,
    _C.is_bot,
    _C.state,
)


class CommitsReader:
    """Reads commits, and remembers some."""

    def __init__(self, connection: Connection, repository_id: int) -> None:
        self._connection = connection
        self._query = select(*_COLUMNS).where(_C.repository_id == repository_id)
        self._known: dict[bytes, CommitRow] = {}

    def every(self) -> list[CommitRow]:
        """Return every commit in the order of history: generation, then id."""
        query = self._query.order_by(_C.generation, _C.oid)
        return [_commit(row) for row in self._connection.execute(query)]

    def get(self, oid: bytes) -> CommitRow | None:
        """Return a commit, None for one that is not in the index."""
        found = self._known.get(oid)
        if found is None:
            row = self._connection.execute(self._query.where(_C.oid == oid)).first()
            if row is not None:
                self._read_beside(row.id)
                found = self._known[oid]
        return found

    def _read_beside(self, commit_id: int) -> None:
        """Read those that came into the index with a commit: walks go to its neighbours."""
        if len(self._known) > _KEPT:
            self._known.clear()
        start = commit_id - commit_id % _AT_ONCE
        beside = self._query.where(_C.id.between(start, start + _AT_ONCE - 1))
        self._known.update((row.oid, _commit(row)) for row in self._connection.execute(beside))


def _commit(row: Row[Any]) -> CommitRow:
    return CommitRow(
        row.id,
        row.oid,
        split_parents(row.first_parent, row.other_parents),
        row.generation,
        row.committer_time,
        row.is_bot,
        intern(row.state),
    )
