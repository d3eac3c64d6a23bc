"""What an older version of the extractor read, or a newer one, and is to be read again."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, func, select, update

from rsidx.store import schema
from rsidx.store.records import FORGOTTEN, UNREAD


def stale_commits(connection: Connection, repository: int, extractor_version: int) -> list[bytes]:
    """Return the commits that another version of the extractor listed, as they came in."""
    c = schema.commit.c
    is_stale = (c.repository_id == repository) & (c.extractor_version != extractor_version)
    return list(connection.execute(select(c.oid).where(is_stale).order_by(c.id)).scalars())


def set_listed(
    connection: Connection, repository: int, oids: Sequence[bytes], extractor_version: int
) -> None:
    """Record that there is nothing more to list of some commits, at most a few thousand."""
    c = schema.commit.c
    query = update(schema.commit).where(c.repository_id == repository, c.oid.in_(oids))
    connection.execute(query.values(extractor_version=extractor_version))


def count_stale_blobs(connection: Connection, extractor_version: int) -> int:
    """Count the blobs of all repositories whose facts another version of the extractor made."""
    query = select(func.count()).select_from(schema.blob).where(_is_stale(extractor_version))
    return connection.execute(query).scalar_one()


def stale_blobs(connection: Connection, repository: int, extractor_version: int) -> list[bytes]:
    """Return a repository's blobs whose facts another version made, as they came in."""
    blob, change, base = schema.blob.c, schema.change.c, schema.base.c
    query = select(blob.id, blob.oid).where(_is_stale(extractor_version))
    stale = dict(map(tuple, connection.execute(query)))
    mine = select(schema.commit.c.id).where(schema.commit.c.repository_id == repository)
    named: set[int] = set()
    for column, commit_id in (
        (change.old_blob_id, change.commit_id),
        (change.new_blob_id, change.commit_id),
        (base.blob_id, base.commit_id),
    ):
        if stale:
            ids = select(column).where(commit_id.in_(mine)).distinct()
            named.update(connection.execute(ids).scalars())
    return [stale[blob_id] for blob_id in sorted(stale) if blob_id in named]


def largest_read(connection: Connection) -> int:
    """Return the size of the largest blob that was read, 0 for none."""
    c = schema.blob.c
    query = select(func.max(c.n_bytes)).where(c.state.not_in(UNREAD))
    return connection.execute(query).scalar() or 0


def still_stale(
    connection: Connection, oids: Sequence[bytes], extractor_version: int
) -> list[bytes]:
    """Return those of some blobs, at most a few hundred, that have not been read again."""
    c = schema.blob.c
    query = select(c.oid).where(_is_stale(extractor_version), c.oid.in_(oids)).order_by(c.id)
    return list(connection.execute(query).scalars())


def _is_stale(extractor_version: int) -> ColumnElement[bool]:
    c = schema.blob.c
    return (c.extractor_version != extractor_version) & (c.state != FORGOTTEN)
