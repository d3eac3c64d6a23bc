"""What only a server knows of an index: how large its tables are, and who may read them."""

from sqlalchemy import Connection, text

from rsidx.store.schema import metadata

_TABLES = ", ".join(f"'\"{name}\"'::regclass" for name in metadata.tables)
_SIZE = text(f"SELECT sum(pg_total_relation_size(t)) FROM unnest(ARRAY[{_TABLES}]) AS t")
_OWNER = text("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'chunk'::regclass")
# The catalogue names everybody whose right comes by a grant, by a membership or from PUBLIC.
_READERS = text(
    f"SELECT DISTINCT rolname FROM pg_roles AS r, unnest(ARRAY[{_TABLES}]) AS t "
    "WHERE rolcanlogin AND NOT rolsuper "
    "AND has_any_column_privilege(r.oid, t, 'SELECT') "
    "AND has_schema_privilege(r.oid, current_schema(), 'USAGE') "
    "AND has_database_privilege(r.oid, current_database(), 'CONNECT') ORDER BY rolname"
)


def n_table_bytes(connection: Connection) -> int:
    """Return the size of the index's tables on the server, with their indexes."""
    return int(connection.execute(_SIZE).scalar_one())


def owner(connection: Connection) -> str:
    """Return the role that the tables belong to."""
    return str(connection.execute(_OWNER).scalar_one())


def readers(connection: Connection) -> list[str]:
    """Return the roles but the owner's that may log in and read a table; no superusers."""
    own = owner(connection)
    return [str(name) for name in connection.execute(_READERS).scalars() if name != own]
