"""The database: created privately, migrated under a lock, refused when newer."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from rsidx.errors import IndexStoreError
from rsidx.store import database as database_module
from rsidx.store import schema
from rsidx.store.database import Database, resolve_url, wal_is_safe
from rsidx.store.locks import is_on_network
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "sub" / "index.db"


def opened(file, *, create=True):
    return Database(resolve_url(str(file)), create=create)


def make_at(file, version):
    """Make an index as it was at a version of the schema."""
    file.parent.mkdir()
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.set_main_option("path_separator", "os")
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    engine.dispose()


@pytest.mark.usefixtures("migrations")
def test_it_is_created_for_its_owner_alone_with_the_tables_of_the_schema(file):
    database = opened(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    with database.reading() as connection:
        tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
        assert set(tables.scalars()) == {*schema.metadata.tables, "alembic_version"}
    database.close()


@pytest.mark.usefixtures("migrations")
def test_the_migrations_make_what_the_schema_says(file):
    database = opened(file)
    with database.reading() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), schema.metadata)
    assert differences == []
    database.close()


def test_without_an_index_it_says_what_to_do(file):
    with pytest.raises(IndexStoreError, match="run `rsidx backfill` first"):
        opened(file, create=False)


def test_a_newer_database_is_refused_and_left_alone(file):
    database = opened(file)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.commit()
    database.close()
    before = file.read_bytes()
    with pytest.raises(IndexStoreError, match="newer rsidx"):
        opened(file)
    assert file.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_alone(file):
    file.parent.mkdir()
    file.write_bytes(b"something else, long enough to have a header" * 100)
    before = file.read_bytes()
    with pytest.raises(IndexStoreError, match="cannot open the index"):
        opened(file)
    assert file.read_bytes() == before


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexStoreError, match="cannot create the index"):
        opened(tmp_path / "file" / "index.db")


@pytest.mark.slow
def test_processes_that_open_a_new_database_at_once_migrate_it_once(file):
    code = (
        "import sys; from rsidx.store.database import Database, resolve_url\n"
        "Database(resolve_url(sys.argv[1]), create=True)"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(file)], stderr=subprocess.PIPE)
        for _ in range(6)
    ]
    for process in processes:
        _, err = process.communicate()
        assert process.returncode == 0, err.decode()
    opened(file).close()


def test_alembic_is_not_imported_for_a_current_database(file):
    opened(file).close()
    code = (
        "import sys; from rsidx.store.database import Database, resolve_url\n"
        "Database(resolve_url(sys.argv[1]), create=False)\n"
        "sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(file)], check=False).returncode == 0


def test_one_writer_at_a_time_and_readers_beside_it(file):
    database = opened(file)
    reader = opened(file)
    entered, waiting = threading.Event(), threading.Event()
    with database.writing() as connection:
        connection.execute(text("INSERT INTO name (id, text) VALUES (1, 'x')"))

        def second():
            with reader.writing(waiting=waiting.set) as other:
                entered.set()
                assert other.execute(text("SELECT count(*) FROM name")).scalar() == 1

        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(PATIENCE_S)
        assert not entered.is_set()
        with reader.reading() as reading:
            assert reading.execute(text("SELECT count(*) FROM name")).scalar() == 0
        connection.commit()
    thread.join()
    assert entered.is_set()
    with pytest.raises(IndexStoreError, match="another process"), database.writing(), \
            reader.writing(timeout_s=0):  # fmt: skip
        pass
    database.close()
    reader.close()


@pytest.mark.parametrize(
    ("version", "safe"),
    [((3, 40, 1), False), ((3, 44, 5), False), ((3, 44, 6), True), ((3, 50, 7), True),
     ((3, 51, 2), False), ((3, 51, 3), True), ((3, 52, 0), True)],
)  # fmt: skip
def test_wal_only_where_the_checkpoint_race_is_repaired(version, safe):
    assert wal_is_safe(version) is safe


def test_neither_a_path_nor_a_url():
    with pytest.raises(IndexStoreError, match="neither"):
        resolve_url("://")
    with pytest.raises(IndexStoreError, match="cannot use"):
        Database(resolve_url("nonsense://x"), create=True)


def test_a_server_without_locks_of_ours_is_refused_with_the_names_of_those_that_have():
    with pytest.raises(IndexStoreError, match="neither SQLite nor PostgreSQL"):
        Database(resolve_url("mysql://nobody:secret@127.0.0.1/none"), create=True)


def test_an_error_of_the_database_names_no_code(file):
    database = opened(file)
    with database.reading() as connection, pytest.raises(DBAPIError) as raised:
        connection.execute(text("SELECT :code FROM nowhere"), {"code": "fn private() {}"})
    assert "private" not in str(raised.value)
    database.close()


def test_an_index_of_the_first_schema_is_upgraded_and_keeps_its_rows(file):
    make_at(file, "0001")
    with sqlite3.connect(file) as connection:
        connection.execute("INSERT INTO name VALUES (1, 'kept')")
    connection.close()
    database = opened(file, create=False)
    with database.reading() as connection:
        assert connection.execute(select(schema.name.c.text)).scalar() == "kept"
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    database.close()


def test_an_upgrade_records_the_number_of_rows_in_its_transaction(file, monkeypatch):
    make_at(file, "0004")
    with sqlite3.connect(file) as connection:
        connection.execute(
            "INSERT INTO repository (id, name, object_format) VALUES (1, 'x', 'sha1')"
        )
        connection.execute(
            "INSERT INTO \"commit\" VALUES (1, 1, x'01', NULL, NULL, 1, 1, 1, x'', 0, 'ok')"
        )
        connection.execute("PRAGMA application_id = 2")
    connection.close()

    def killed(*_, **_options):
        raise KeyboardInterrupt

    # Nothing that comes after the transaction is reached.
    with monkeypatch.context() as patch:
        patch.setattr(Database, "writing", killed)
        with suppress(KeyboardInterrupt):
            opened(file).close()
    opened(file).close()
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (
            schema.SCHEMA_VERSION,
        )
        assert connection.execute("PRAGMA application_id").fetchone() == (2,)
    connection.close()


def test_a_fault_of_several_lines_is_explained_in_one(file):
    database = opened(file)
    fault = OperationalError("SELECT 1", {}, Exception("connection failed:\n\tis it running?\n"))
    said = str(database.explained(fault, "cannot open the index"))
    assert said == f"cannot open the index {file}: connection failed: is it running?"
    database.close()


def test_a_vacuum_leaves_nothing_in_a_write_ahead_log(file, monkeypatch):
    monkeypatch.setattr(database_module, "wal_is_safe", lambda _: True)
    database = opened(file)
    with database.writing() as connection:
        connection.execute(text("INSERT INTO name (id, text) VALUES (1, 'secret')"))
        connection.commit()
        connection.execute(text("DELETE FROM name"))
        connection.commit()
    database.vacuum()
    assert not any(b"secret" in path.read_bytes() for path in file.parent.iterdir())
    database.close()


def test_an_index_that_cannot_be_written_to_is_named_in_one_line(file, monkeypatch):
    opened(file).close()
    copy = Path(shutil.copy(file, file.with_name("copy.db")))

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(database_module, "record_home", full)
    database = opened(copy, create=False)
    refused = pytest.raises(IndexStoreError, match=r"cannot write .*copy\.db: database or disk")
    with refused, database.writing():
        pass
    database.close()


def test_a_long_reader_makes_no_writer_wait_and_keeps_what_is_there(file):
    database = opened(file)
    writer = opened(file)
    with database.long_read() as connection:
        assert connection.execute(text("SELECT count(*) FROM name")).scalar() == 0
        # One that had to wait for the reader would fail in the end.
        with writer.writing() as other:
            other.execute(text("INSERT INTO name (id, text) VALUES (1, 'x')"))
            other.commit()
        assert connection.execute(text("SELECT count(*) FROM name")).scalar() == 1
        with writer.writing(), pytest.raises(IndexStoreError, match="an export is reading"), \
                writer.exclusive():  # fmt: skip
            pass
        with pytest.raises(IndexStoreError, match="an export is reading"):
            writer.vacuum()
    with writer.writing(), writer.exclusive():
        pass
    database.close()
    writer.close()


def test_a_network_file_system_is_known_by_its_mount(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda1 / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\n"
        "/dev/sdb1 /home/local\\040disk xfs rw 0 0\nhost: /mnt/far fuse.sshfs rw 0 0\n"
    )
    remote = {
        "/home/me/index.db": True, "/home/local disk/index.db": False, "/homes/index.db": False,
        "/mnt/far/repo/.git/rsidx/index.db": True, "/tmp/index.db": False,
    }  # fmt: skip
    assert {name: is_on_network(Path(name), mounts) for name in remote} == remote
    assert not is_on_network(Path("/home/me/index.db"), tmp_path / "none")


def test_rows_about_a_row_are_those_that_are_keyed_by_it():
    def names(parent):
        return {(table.name, column) for table, column in schema.keyed_by(parent)}

    assert names(schema.commit) >= {("base", "commit_id"), ("change", "commit_id")}
    assert names(schema.blob) >= {("blob_chunks", "blob_id"), ("manifest", "blob_id")}
    tables = ("symbol", "import", "chunk_references")
    assert names(schema.chunk) >= {(table, "chunk_id") for table in tables}
    about = {
        table for parent in (schema.commit, schema.blob, schema.chunk) for table, _ in names(parent)
    }
    assert about.isdisjoint({"repository", "path", "name", "dictionary", "ref", "forgotten"})
