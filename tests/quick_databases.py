"""Indexes that are made sooner than outside of tests."""

import sqlite3
from contextlib import closing, contextmanager

import pytest
import sqlalchemy

from rsidx.store import database as database_module
from rsidx.store.database import Database, resolve_url
from rsidx.store.migrate import migrate


@contextmanager
def quick_databases(file):
    """While the block runs, indexes get their tables at once, and do not wait for the disk.

    Running all migrations takes longer than most tests, and so does compiling the statements of
    SQLAlchemy for each index anew. `file` is an index that is made to copy its tables.
    """
    database = Database(resolve_url(str(file)), create=True)
    first = database.engine
    database.close()
    with closing(sqlite3.connect(file)) as connection:
        _begin, *statements, _commit = connection.iterdump()

    def is_new(engine):
        if engine.dialect.name != "sqlite":
            return False
        with engine.connect() as connection:
            return not connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar()

    def migrate_at_once(engine, lock, finish):
        if is_new(engine):
            with lock(), engine.connect() as opened:
                connection = opened.execution_options(rsidx_write=True)
                if is_new(engine):
                    with connection.begin():
                        for statement in statements:
                            connection.exec_driver_sql(statement)
                        finish(connection)
        migrate(engine, lock, finish)

    def set_up(connection, place):
        plain(connection, place)
        connection.execute("PRAGMA synchronous = OFF")

    def create_engine(url, **options):
        engine = sqlalchemy.create_engine(url, **options)
        if engine.dialect.name == "sqlite":
            # A statement is compiled once for all that have the same dialect.
            engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
        return engine

    plain = database_module._set_up
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(database_module, "migrate", migrate_at_once)
        patched.setattr(database_module, "_set_up", set_up)
        patched.setattr(database_module, "create_engine", create_engine)
        yield
