"""Indexes in an object store, which here is in memory."""

import threading

import pytest

pytest.importorskip("datatrove", reason="needs datatrove, of the extra `corpus`")
from fsspec.implementations.memory import MemoryFileSystem

from rsidx.corpus import lease
from rsidx.corpus.indexes import index_of
from rsidx.corpus.lease import leased
from rsidx.corpus.workspace import Workspace
from rsidx.errors import CorpusError
from tests.corpus.conftest import grow


@pytest.fixture
def store():
    MemoryFileSystem.store.clear()
    yield Workspace("memory://corpus")
    MemoryFileSystem.store.clear()


def written(store, name, n):
    """Have a task write to an index, and return its versions."""
    with index_of(store, name, writes=True) as database, database.writing() as connection:
        connection.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS made_{n} (x)")
        connection.commit()
    return store.within("indexes").files(f"{name}.db")


def test_what_was_written_is_put_back_whole_under_a_new_name(store):
    assert written(store, "one", 1) == ["one.db-000000"]
    assert written(store, "one", 2) == ["one.db-000001"]
    with index_of(store, "one", writes=False) as database, database.reading() as connection:
        for n in (1, 2):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM made_{n}").scalar() == 0


def test_a_task_that_fails_leaves_the_index_as_it_was(store):
    written(store, "one", 1)
    with pytest.raises(ValueError, match="it broke"), index_of(store, "one", writes=True):
        raise ValueError("it broke")
    assert store.within("indexes").files("one.db") == ["one.db-000000"]


def test_another_task_waits_until_the_index_is_put_back(store, monkeypatch):
    monkeypatch.setattr(lease, "_LOOK_S", 0.001)
    versions = []
    other = threading.Thread(target=lambda: versions.extend(written(store, "one", 2)))
    with index_of(store, "one", writes=True):
        other.start()
        assert written(store, "other", 1)
        assert versions == []
    other.join()
    assert "one.db-000001" in versions


def test_an_index_whose_lease_was_lost_is_not_put_back(store):
    with (
        pytest.raises(CorpusError, match="another task has it"),
        index_of(store, "one", writes=True),
    ):
        store.remove("indexes/one.leases")
    assert store.within("indexes").files("one.db") == []


def test_a_second_run_in_an_object_store_is_refused(store, corpus):
    corpus.list_all(grow(corpus.repo("alpha"), "alpha", 2))
    corpus.configure(work=store.address)
    with leased(store, "lock"), pytest.raises(CorpusError, match="another run works in memory:"):
        corpus.run()


def test_a_run_in_an_object_store_is_the_run_in_a_folder(store, corpus):
    corpus.list_all(grow(corpus.repo("alpha"), "alpha", 4), grow(corpus.repo("beta"), "beta", 4))
    corpus.run()
    expected = corpus.content()
    corpus.configure(work=store.address)
    corpus.run()
    assert corpus.content() == expected
