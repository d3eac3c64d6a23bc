"""What an index says of commits and of their files that does not follow from git alone.

A file version may not have been read: it was too large, or absent, or is forgotten. A commit may
have been listed without its parents, or without looking for renames. Later the index may say
something else of the same commits. Of all commits that are not named here, everything follows from
git and the version of the extractor.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, func, select

from rsidx.store import schema
from rsidx.store.records import UNREAD

_BLOB, _COMMIT, _PATH = schema.blob.c, schema.commit.c, schema.path.c
_CHANGE, _BASE, _FORGOTTEN = schema.change.c, schema.base.c, schema.forgotten.c


def newest_versions(connection: Connection) -> tuple[int, ...]:
    """Return the newest versions of the extractor that listed commits and read blobs."""
    return tuple(connection.scalar(_newest(table)) or 0 for table in (schema.commit, schema.blob))


def irregularities(connection: Connection, repository: int) -> dict[bytes, list[str]]:
    """Return by commit of a repository what does not follow from git, in a fixed order."""
    found: dict[bytes, list[str]] = {}
    for kind, query in _queries():
        for oid, *facts in connection.execute(query.where(_COMMIT.repository_id == repository)):
            found.setdefault(oid, []).append(f"{kind} {facts!r}")
    return {oid: sorted(facts) for oid, facts in found.items()}


def _queries() -> Iterator[tuple[str, Select[Any]]]:
    """Yield what is asked for: of a commit's id and facts, by kind."""
    yield "state", _commits(_COMMIT.state != "ok", _COMMIT.state)
    yield "own tree", _commits(_COMMIT.id.in_(select(_BASE.commit_id)))
    version = _COMMIT.extractor_version
    yield "version", _commits(version < _newest(schema.commit).scalar_subquery(), version)
    is_forgotten = (_FORGOTTEN.kind == "commit") & (_FORGOTTEN.value == _COMMIT.oid)
    yield "forgotten", _commits(is_forgotten)
    yield "file", _blobs(_CHANGE.commit_id, _CHANGE.old_blob_id)
    yield "file", _blobs(_CHANGE.commit_id, _CHANGE.new_blob_id)
    yield "file", _blobs(_BASE.commit_id, _BASE.blob_id)
    # Git does not look for renames in a partial clone.
    old_path = schema.path.alias().c
    is_renamed = (_CHANGE.old_path_id == old_path.id) & (_CHANGE.path_id == _PATH.id)
    is_of_commit = _CHANGE.commit_id == _COMMIT.id
    yield "rename", _commits(is_of_commit & is_renamed, old_path.path, _PATH.path)


def _blobs(commit_id: Column[int], blob_id: Column[int]) -> Select[Any]:
    """Return the query for commits with a blob that was not read, or by an older version."""
    version = _BLOB.extractor_version
    is_old = version < _newest(schema.blob).scalar_subquery()
    unread = select(_BLOB.id).where(_BLOB.state.in_(UNREAD) | is_old)
    is_unread = blob_id.in_(unread) & (blob_id == _BLOB.id)
    return _commits((commit_id == _COMMIT.id) & is_unread, _BLOB.oid, _BLOB.state, version)


def _commits(condition: ColumnElement[bool], *facts: Column[Any]) -> Select[Any]:
    return select(_COMMIT.oid, *facts).where(condition)


def _newest(table: Table) -> Select[tuple[int]]:
    return select(func.max(table.c.extractor_version))
