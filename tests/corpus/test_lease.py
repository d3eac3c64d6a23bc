"""Leases in an object store, which here is in memory."""

import threading
import time

import pytest

pytest.importorskip("datatrove", reason="needs datatrove, of the extra `corpus`")

from rsidx.corpus import lease
from rsidx.corpus.lease import leased
from rsidx.corpus.workspace import Workspace
from rsidx.errors import CorpusError
from rsidx.locking import HeldError


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "_LOOK_S", 0.001)
    return Workspace(f"memory:/{tmp_path}")


def test_a_second_one_is_refused_until_the_first_is_over(store):
    with leased(store, "one"), pytest.raises(HeldError), leased(store, "one"):
        pass
    with leased(store, "one"), leased(store, "other"):
        pass
    assert store.within("one.leases").files() == []


def test_of_two_who_ask_at_the_same_moment_at_most_one_gets_it(store, monkeypatch):
    write, both_ask, both_know = lease._write, threading.Barrier(2), threading.Barrier(2)
    holders = []

    def write_together(*args):
        both_ask.wait()
        write(*args)

    def ask():
        try:
            with leased(store, "one"):
                holders.append(1)
                both_know.wait()
        except HeldError:
            both_know.wait()

    monkeypatch.setattr(lease, "_write", write_together)
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(holders) <= 1


def test_those_who_wait_get_it_one_after_another(store):
    n_inside, most, done = 0, 0, []

    def work():
        nonlocal n_inside, most
        with leased(store, "one", waits=True):
            n_inside += 1
            most = max(most, n_inside)
            time.sleep(0)
            n_inside -= 1
        done.append(True)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, len(done)) == (1, 8)


def test_a_lease_is_renewed_and_that_of_a_dead_task_runs_out(store, monkeypatch):
    monkeypatch.setattr(lease, "_RENEW_S", 0.001)
    leases = store.within("one.leases")
    with leased(store, "one") as check:
        [name] = leases.files()
        first = leases.read_json(name)
        while leases.read_json(name) == first:
            time.sleep(0.001)
        check()
    leases.write_json("dead", time.time() - 2 * lease._DEAD_S)
    with leased(store, "one"):
        assert "dead" not in leases.files()
    leases.write_json("alive", time.time())
    with pytest.raises(HeldError), leased(store, "one"):
        pass


def test_one_whose_lease_was_taken_for_dead_is_told(store):
    leases = store.within("one.leases")
    with leased(store, "one") as check:
        [name] = leases.files()
        leases.write_json(name, time.time() - 2 * lease._DEAD_S)
        with leased(store, "one"), pytest.raises(CorpusError, match="another task has it"):
            check()
