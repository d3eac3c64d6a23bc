"""An index writes to no file that rsidx did not make."""

import logging
import sqlite3
from contextlib import closing

import pytest

from rsidx import log
from rsidx.__main__ import main
from rsidx.errors import IndexStoreError
from rsidx.store.database import Database, resolve_url


def opened(file, *, create):
    return Database(resolve_url(str(file)), create=create)


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("table", ["mine", "alembic_version"])
def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path, create, table):
    file = tmp_path / "app.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(f"CREATE TABLE {table} (version_num); VACUUM")
    before = file.read_bytes()
    with pytest.raises(IndexStoreError, match=r"app.db is a database, but not an index of rsidx"):
        opened(file, create=create)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["app.db"]


@pytest.mark.parametrize("ending", [".lock", ".readers", ".parsing", ".refresh"])
def test_a_file_that_a_lock_would_take_is_refused_and_left_alone(tmp_path, ending):
    taken = tmp_path / f"Cargo{ending}"
    taken.write_text("version = 4\n")
    with pytest.raises(IndexStoreError, match=f"needs Cargo{ending}, which is not a file of rsidx"):
        opened(tmp_path / "Cargo", create=True)
    assert taken.read_text() == "version = 4\n"
    assert not (tmp_path / "Cargo").exists()
    taken.write_text("")
    opened(tmp_path / "Cargo", create=True).close()


@pytest.mark.parametrize("ending", [".log", ".log.1"])
def test_a_file_that_is_no_log_of_rsidx_is_not_written_to(repo, monkeypatch, tmp_path, ending):
    monkeypatch.chdir(repo.path)
    repo.commit("the first commit", {"src/lib.rs": "fn f() {}\n"})
    file = tmp_path / f"app.db{ending}"
    file.write_text("2026-01-01 the user's own\n")
    assert main(["backfill", "--db", str(tmp_path / "app.db")]) == 0
    assert file.read_text() == "2026-01-01 the user's own\n"
    assert {path.name for path in tmp_path.glob("app.db.log*")} == {file.name}


def test_a_log_of_rsidx_is_written_on(tmp_path):
    file = tmp_path / "index.db.log"
    for _ in range(2):
        log.configure("warning", file)
        logging.getLogger("rsidx").info("something")
    log.configure("warning", None)
    assert file.read_text().count("something") == 2
