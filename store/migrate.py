"""Bringing a database to the schema's newest version.

Alembic is imported only where there is something to migrate: it costs more than a sync.
"""

import importlib.util
from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from rsidx.errors import NewerIndexError
from rsidx.store.schema import SCHEMA_VERSION


def migrate(
    engine: Engine,
    lock: Callable[[], AbstractContextManager[None]],
    finish: Callable[[Connection], None],
) -> None:
    """Create or upgrade the tables under the writers' lock.

    `finish` is called in the transaction, before it is committed. Raises NewerIndexError for a
    database that a newer rsidx wrote.
    """
    with engine.connect() as connection:
        if _version(connection) == SCHEMA_VERSION:
            return
    with lock(), engine.connect() as connection:
        found = _version(connection)
        if found != SCHEMA_VERSION:
            _upgrade(connection, found, finish)


def _version(connection: Connection) -> str | None:
    try:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except (OperationalError, ProgrammingError) as error:
        connection.rollback()
        if "alembic_version" in str(error.orig):
            return None
        raise


def _upgrade(
    connection: Connection, found: str | None, finish: Callable[[Connection], None]
) -> None:
    from alembic import command  # noqa: PLC0415  (see the module's docstring)
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    # Found by name and not imported: the migrations import the store.
    spec = importlib.util.find_spec("rsidx.migrations")
    assert spec is not None
    assert spec.submodule_search_locations
    # A per cent sign begins a reference in what alembic reads.
    folder = spec.submodule_search_locations[0].replace("%", "%%")
    config.set_main_option("script_location", folder)
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise NewerIndexError(
            f"the index was written by a newer rsidx (schema {found}, this one knows "
            f"{SCHEMA_VERSION}); upgrade rsidx, or name another database with --db"
        )
    connection.rollback()
    connection = connection.execution_options(rsidx_write=True)
    config.attributes["connection"] = connection
    with connection.begin():
        command.upgrade(config, "head")
        finish(connection)
