"""The file of what is kept may be damaged, full, or another program's."""

import sqlite3
from contextlib import closing

import pytest

from rsidx.errors import IndexStoreError
from rsidx.indexer.forget import forget
from rsidx.store import cache as cache_module
from tests.exporters.pipeline.growth import grow

pytestmark = pytest.mark.usefixtures("wordy")


@pytest.mark.parametrize("damage", ["garbage", "cut"])
def test_a_damaged_cache_is_begun_anew(repo, index, exported, made, damage):
    grow(repo, index, 10)
    first = exported("first")
    file = index.database.cache_file
    content = file.read_bytes()
    rest = content[: len(content) // 2] if damage == "cut" else content[:100] + b"no page" * 5000
    file.write_bytes(rest)
    assert exported("second") == first
    made.clear()
    assert exported("third") == first
    assert not made


def other_database(file):
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("CREATE TABLE mine (x); INSERT INTO mine VALUES (1)")


def other_text(file):
    file.write_text("mine")


@pytest.mark.parametrize("make", [other_database, other_text])
def test_a_file_of_the_cache_s_name_that_is_none_is_left_alone(repo, index, exported, caplog, make):
    grow(repo, index, 4)
    first = exported("first")
    file = index.database.cache_file
    file.unlink()
    make(file)
    before = file.read_bytes()
    assert exported("second") == first
    assert "is no cache of rsidx" in caplog.text
    forget(index.repository, index.database, ["src/lib.rs"])
    assert file.read_bytes() == before


def test_a_cache_of_version_0_1_0_is_used_and_can_be_removed(repo, index, exported, made):
    grow(repo, index, 4)
    first = exported("first")
    with closing(sqlite3.connect(index.database.cache_file)) as connection:
        connection.execute("PRAGMA application_id = 0")
    made.clear()
    assert exported("second") == first
    assert not made
    forget(index.repository, index.database, ["src/lib.rs"])
    assert not index.database.cache_file.exists()


def test_a_full_disk_is_one_line_and_what_was_made_stays(repo, index, exported, monkeypatch):
    grow(repo, index, 10)
    first = exported("first")
    plain = cache_module._connect

    def connect(file):
        connection = plain(file)
        [n_pages] = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {n_pages}")
        return connection

    monkeypatch.setattr(cache_module, "_connect", connect)
    size = index.database.cache_file.stat().st_size
    with pytest.raises(IndexStoreError, match=r"cannot write .*cache: database or disk is full"):
        exported("other", text=True, max_tokens=700)
    assert index.database.cache_file.stat().st_size == size
    monkeypatch.undo()
    assert exported("second") == first


def test_damage_that_is_found_late_is_a_clear_error_once(repo, index, exported):
    grow(repo, index, 10)
    first = exported("first")
    connection = sqlite3.connect(index.database.cache_file)
    connection.executescript("DROP TABLE entry; CREATE TABLE entry (key BLOB, build_id)")
    connection.close()
    with pytest.raises(IndexStoreError, match="was removed"):
        exported("second")
    assert exported("third") == first


def test_nobody_else_may_read_the_cache(repo, index, exported):
    grow(repo, index, 2)
    exported("out")
    assert index.database.cache_file.stat().st_mode & 0o777 == 0o600
