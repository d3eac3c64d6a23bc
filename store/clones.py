"""Which repository of an index a clone is: what is recorded of each clone that was indexed."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from rsidx.store import schema


@dataclass(frozen=True, slots=True)
class RepositoryRow:
    """A repository of the index; `root` is None until one of its root commits is known."""

    id: int
    name: str
    root: bytes | None


@dataclass(frozen=True, slots=True)
class CloneRow:
    """A clone of a repository; `path` is None where the index lies in the clone itself."""

    id: bytes
    repository_id: int
    origin: str | None
    path: str | None


def read_repositories(connection: Connection) -> list[RepositoryRow]:
    """Return the repositories in the order in which they came."""
    c = schema.repository.c
    query = select(c.id, c.name, c.root).order_by(c.id)
    return [RepositoryRow(*row) for row in connection.execute(query)]


def add_repository(
    connection: Connection, *, name: str, object_format: str, root: bytes | None
) -> int:
    """Add a repository of a name that is not taken; return its row's id."""
    values = {"name": name, "object_format": object_format, "root": root}
    key = connection.execute(insert(schema.repository).values(values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def read_clones(connection: Connection) -> list[CloneRow]:
    """Return the clones, in the order of their repositories."""
    c = schema.clone.c
    query = select(c.id, c.repository_id, c.origin, c.path).order_by(c.repository_id, c.id)
    return [CloneRow(*row) for row in connection.execute(query)]


def write_clone(connection: Connection, clone: CloneRow) -> None:
    """Record a clone, in the place of what was known of it, or of another at its path."""
    table = schema.clone
    replaced = (table.c.id == clone.id) | (table.c.path == clone.path)
    if clone.path is None:
        replaced = (table.c.id == clone.id) | table.c.path.is_(None)
    connection.execute(delete(table).where(replaced))
    values = {name: getattr(clone, name) for name in ("id", "repository_id", "origin", "path")}
    connection.execute(insert(table).values(values))


def rename(connection: Connection, repository: int, name: str) -> None:
    """Give a repository a name that is not taken."""
    table = schema.repository
    connection.execute(update(table).where(table.c.id == repository).values(name=name))


def set_root(connection: Connection, repository: int, root: bytes | None) -> None:
    """Record the root commit that tells a repository from others."""
    table = schema.repository
    connection.execute(update(table).where(table.c.id == repository).values(root=root))
