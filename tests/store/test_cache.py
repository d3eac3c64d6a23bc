"""The cache: values by their keys, for several that ask at once."""

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from rsidx.store import cache as cache_module
from rsidx.store.cache import open_cache, share_cache


def test_a_cache_that_is_in_use_is_done_without(tmp_path):
    file = tmp_path / "cache"
    with open_cache(file, [b"build"]) as one, open_cache(file, [b"build"]) as other:
        one.of(b"build").put([(b"key", b"value")])
        assert other.of(b"build").missing([b"key"]) == [b"key"]
        other.of(b"build").put([(b"key", b"other")])
        assert one.of(b"build").get(b"key") == b"value"


def test_the_cache_drops_what_was_used_longest_ago(tmp_path):
    def kept():
        with closing(sqlite3.connect(tmp_path / "cache")) as connection:
            return {row[0] for row in connection.execute("SELECT name FROM build WHERE n_bytes")}

    for build in (b"a", b"b", b"a", b"c"):
        with open_cache(tmp_path / "cache", [build], max_bytes=2500) as cache:
            cache.of(build).get_or_make([b"key"], lambda _, build=build: [build * 1000])
    assert kept() == {b"a", b"b", b"c"}
    with open_cache(tmp_path / "cache", [b"d"], max_bytes=2500):
        assert kept() == {b"a", b"c"}
    with open_cache(tmp_path / "cache", [b"c", b"a"], max_bytes=1) as cache:
        assert kept() == {b"c"}
        assert cache.of(b"c").missing([b"key"]) == []
        assert cache.of(b"a").missing([b"key"]) == [b"key"]


def test_a_cache_of_an_older_layout_is_begun_anew(tmp_path):
    with sqlite3.connect(tmp_path / "cache") as connection:
        connection.executescript("CREATE TABLE entry (key BLOB PRIMARY KEY, build BLOB)")
    connection.close()
    with open_cache(tmp_path / "cache", [b"build"]) as cache:
        cache.of(b"build").put([(b"key", b"value")])
        assert cache.of(b"build").get(b"key") == b"value"


def make_slowly(file, number, barrier):
    """Ask for overlapping values, some at a time; return the keys that were made here."""
    made = []

    def make(keys):
        if not made:
            # Nobody has asked for these; all three are making some at one time.
            barrier.wait()
        made.extend(keys)
        time.sleep(0.05)
        return [key[::-1] for key in keys]

    with share_cache(file, b"build") as cache:
        for step in range(0, 60, 3):
            keys = [b"%03d" % ((number * 20 + step + n) % 60) for n in range(6)]
            assert cache.get_or_make(keys, make) == {key: key[::-1] for key in keys}
    return made


def test_of_several_that_want_the_same_at_one_time_one_makes_it(tmp_path):
    file, barrier = tmp_path / "cache", threading.Barrier(3)
    with open_cache(file, [b"build"]), ThreadPoolExecutor(3) as pool_of_three:
        futures = [pool_of_three.submit(make_slowly, file, n, barrier) for n in range(3)]
        made = [future.result() for future in futures]
    every = [key for keys in made for key in keys]
    assert all(made)
    assert len(every) == len(set(every)) == 60


def test_what_a_dead_process_had_begun_is_made_by_another(tmp_path, monkeypatch):
    def die(_):
        raise KeyboardInterrupt

    with open_cache(tmp_path / "cache", [b"build"]) as cache:
        with pytest.raises(KeyboardInterrupt):
            cache.of(b"build").get_or_make([b"key"], die)
        monkeypatch.setattr(cache_module, "_TIMEOUT_S", 0.1)
        made = cache.of(b"build").get_or_make([b"key"], lambda keys: [b"late"] * len(keys))
        assert made == {b"key": b"late"}
    monkeypatch.setattr(cache_module, "_TIMEOUT_S", 60)
    with (
        open_cache(tmp_path / "cache", [b"build"]) as cache,
        share_cache(tmp_path / "cache", b"build") as shared,
    ):
        # A claim that still held would be waited for.
        monkeypatch.setattr(cache_module.time, "sleep", die)
        assert shared.get_or_make([b"key"], lambda _: [b"v"]) == {b"key": b"v"}
        assert cache.of(b"build").get(b"key") == b"v"
