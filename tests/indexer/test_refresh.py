"""Reading again what an older version of rsidx read: in the background, and never twice."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from rsidx.errors import IndexInUseError
from rsidx.hooks import worker
from rsidx.hooks.script import MARK
from rsidx.indexer import extract, ingest, refresh
from rsidx.indexer.gc import collect
from rsidx.indexer.git import history
from rsidx.indexer.status import status
from tests.indexer.test_sync import dumped, grow

VERSIONED = (extract, ingest, refresh)


@pytest.fixture
def age(monkeypatch):
    """Fill an index as an older version does, which keeps no attributes."""

    def fill(index, *revisions, **options):
        with monkeypatch.context() as older:
            for module in VERSIONED:
                older.setattr(module, "EXTRACTOR_VERSION", 0)
            is_kept = lambda path: path.endswith((b".rs", b".toml"))  # noqa: E731
            older.setattr(history, "is_indexed_path", is_kept)
            index.sync(*revisions, **options)

    return fill


@pytest.fixture
def aged(repo, make_index, age):
    repo.commit("before all", {".gitattributes": "a.rs linguist-generated\n"})
    grow(repo, 60)
    repo.commit("manifest", {"Cargo.toml": '[package]\nname = "x"\n'})
    repo.commit("attributes", {"src/.gitattributes": "*.rs linguist-vendored\n"})
    index = make_index(repo, "old.db")
    age(index)
    return index


@pytest.fixture
def own_index(repo, make_index):
    """The index where a hook's worker looks for it."""
    return make_index(repo, str(repo.path / ".git/rsidx/index.db"))


@pytest.fixture
def expected(repo, make_index):
    """What an index says that is made by the version of now."""

    def fresh():
        index = make_index(repo, "new.db")
        index.sync()
        return dumped(index)

    return fresh


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(refresh, "MAX_BATCH_BLOBS", 8)
    monkeypatch.setattr(refresh, "_BATCH_COMMITS", 20)
    monkeypatch.setattr(refresh, "_BATCH_CHUNKS", 5)
    monkeypatch.setattr(refresh, "_REST_S", 0)


@pytest.fixture
def parsed(monkeypatch):
    """The blobs that are parsed in this process."""
    found, plain = [], extract.Extractor.record

    def record(extractor, oid, *args):
        found.append(oid)
        return plain(extractor, oid, *args)

    monkeypatch.setattr(extract.Extractor, "record", record)
    return found


def run(index, **options):
    options = {"jobs": 1, "max_bytes": 100_000, **options}
    return refresh.refresh(index.repository, index.database, **options)


@pytest.mark.parametrize("jobs", [1, 2])
def test_all_blobs_are_parsed_again_and_new_paths_come_in(aged, expected, jobs):
    assert dumped(aged) != expected()
    assert refresh.is_needed(aged.repository, aged.database)
    assert run(aged, jobs=jobs) > 50
    assert dumped(aged) == expected()
    assert not refresh.is_needed(aged.repository, aged.database)
    sizes = [aged.file.with_name(name).stat().st_size for name in ("old.db", "new.db")]
    assert sizes[0] <= sizes[1]


def test_what_was_read_under_a_larger_limit_is_read_again(repo, make_index, age):
    repo.commit("large", {"src/large.rs": "// large\n" * 12_000 + "fn large() {}\n"})
    repo.commit("larger", {"src/larger.rs": "// larger\n" * 16_000 + "fn larger() {}\n"})
    index = make_index(repo, "old.db")
    age(index, max_bytes=130_000)
    run(index)
    fresh = make_index(repo, "new.db")
    fresh.sync(max_bytes=130_000)
    assert dumped(index) == dumped(fresh)


@pytest.mark.usefixtures("small")
def test_it_gives_way_between_batches_and_goes_on_without_doing_anything_twice(
    aged, expected, parsed
):
    n_rounds = 0
    while refresh.is_needed(aged.repository, aged.database):
        run(aged, gives_way=lambda: True)
        n_rounds += 1
    assert n_rounds > 10
    assert len(parsed) == len(set(parsed))
    assert dumped(aged) == expected()


def test_a_version_is_kept_as_what_differs_from_one_of_another_batch(
    repo, make_index, age, monkeypatch
):
    monkeypatch.setattr(refresh, "MAX_BATCH_BLOBS", 2)
    for n in range(20):
        body = "".join(f"    step_{k}(input, {k * 7919}).unwrap_or_default();\n" for k in range(30))
        repo.commit(f"commit {n}", {"a.rs": f"fn same() {{\n{body}    last({n});\n}}\n"})
    old, new = make_index(repo, "old.db"), make_index(repo, "new.db")
    age(old)
    new.sync()
    run(old)
    assert n_differences(old.file) >= n_differences(new.file) > 10


def n_differences(file):
    with closing(sqlite3.connect(file)) as connection:
        query = "SELECT count(*) FROM chunk WHERE base_id IS NOT NULL"
        return connection.execute(query).fetchone()[0]


SCRIPT = """
import os, signal, sys
from pathlib import Path
from rsidx.indexer import refresh as module
from rsidx.indexer.git.discovery import discover
from rsidx.store import unreachable
from rsidx.store.database import Database, resolve_url
module.MAX_BATCH_BLOBS, module._BATCH_COMMITS, module._BATCH_CHUNKS = 8, 20, 5
module._REST_S = 0
repository = discover(Path(sys.argv[1]))
database = Database(resolve_url(sys.argv[2]), create=False)
place, count = sys.argv[3], int(sys.argv[4])
plain = getattr(module._Refresh, place) if hasattr(module._Refresh, place) else None
calls = []
def die_in_the_midst(*args):
    calls.append(1)
    if len(calls) == count:
        os.kill(os.getpid(), signal.SIGKILL)
if plain is not None:
    # Before the step's own work, so that all steps before it are done.
    setattr(module._Refresh, place, lambda *args: (die_in_the_midst(), plain(*args))[1])
else:
    drop = unreachable.delete_rows
    unreachable.delete_rows = lambda *args: (die_in_the_midst(), drop(*args))[1]
module.refresh(repository, database, jobs=1, max_bytes=100_000)
"""


@pytest.mark.slow
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("place", "count"),
    [("_list_again", 2), ("_rewrite", 1), ("_rewrite", 4), ("_end", 1), ("dropping", 6)],
)
def test_killed_it_goes_on_where_it_was(aged, expected, parsed, tmp_path, place, count):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    aged.database.close()
    command = [sys.executable, str(script), aged.repository.worktree, aged.file, place, str(count)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    now = status(aged.repository, aged.database)
    assert now.n_stale_blobs > 0
    assert now.refreshing_since is None
    # Else a process of its own parses, where nothing is counted.
    aged.file.with_name(f"{aged.file.name}.parsing").unlink(missing_ok=True)
    n_read = run(aged)
    if place != "_list_again":
        assert len(parsed) == n_read == now.n_stale_blobs
    if place in ("_end", "dropping"):
        assert n_read == 1
    assert dumped(aged) == expected()


@pytest.mark.usefixtures("small")
def test_a_commit_that_comes_meanwhile_comes_in_first(repo, own_index, age, expected, monkeypatch):
    index = own_index
    grow(repo, 60)
    age(index)
    rounds, n_stale, priorities = [], [], []
    monkeypatch.setattr(os, "setpriority", lambda *args: priorities.append(args[-1]))

    def progress(done, _total):
        if done == 16 and not rounds:
            repo.commit("meanwhile", {"new.rs": "fn new() {}\n"})
            (index.repository.common_dir / MARK).touch()

    def report(done):
        rounds.append(done.n_commits)
        n_stale.append(status(index.repository, index.database).n_stale_blobs)

    worker.work(
        index.repository, str(index.file), max_bytes=100_000, report=report, progress=progress
    )
    assert rounds == [0, 1]
    assert n_stale[0] > n_stale[1] == 0
    assert priorities[0] >= 10
    assert dumped(index) == expected()


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_status_shows_what_is_left_and_who_is_at_it(aged, repo):
    shown = []

    def progress(done, _total):
        if done == 24:
            command = [sys.executable, "-m", "rsidx", "status", "-C", str(repo.path)]
            command += ["--db", str(aged.file)]
            for option in ([], ["--json"]):
                out = subprocess.run([*command, *option], capture_output=True, check=True).stdout
                shown.append(out.decode())

    assert status(aged.repository, aged.database).refreshing_since is None
    n_read = run(aged, progress=progress)
    text, value = shown[0], json.loads(shown[1])
    assert value["n_stale_blobs"] == n_read - 24
    assert value["refreshing_since"] > 1_700_000_000
    assert f"{n_read - 24} of {value['counts']['n_blobs']} file versions are as another" in text
    assert "a process has been at it since" in text
    after = status(aged.repository, aged.database)
    assert (after.n_stale_blobs, after.refreshing_since) == (0, None)


def test_while_an_export_reads_commits_come_in_and_the_rest_waits(
    repo, own_index, age, expected, monkeypatch, caplog
):
    index = own_index
    grow(repo, 20)
    age(index)
    repo.commit("meanwhile", {"new.rs": "fn new() {}\n"})
    monkeypatch.setattr(os, "setpriority", lambda *_: None)
    with index.database.long_read(), caplog.at_level("INFO"):
        with pytest.raises(IndexInUseError, match="an export is reading"):
            run(index)
        worker.run(index.repository, str(index.file), max_bytes=100_000)
        now = status(index.repository, index.database)
        assert (now.behind, now.counts.n_commits) == ({}, 21)
        assert now.n_stale_blobs > 0
    assert "left for later" in caplog.text
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    run(index)
    assert dumped(index) == expected()


def test_what_only_another_repository_has_is_not_taken_for_missing(make_repo, make_index, age):
    one, other = make_repo("one"), make_repo("other")
    one.commit("one", {"a.rs": "fn a() {}\n"})
    other.time += 1
    other.commit("other", {"b.rs": "fn b() {}\n"})
    indexes = [make_index(repo, "shared.db") for repo in (one, other)]
    for index in indexes:
        age(index)
    assert run(indexes[0]) == 1
    assert status(indexes[0].repository, indexes[0].database).counts.blobs_by_state == {"parsed": 2}
    assert run(indexes[1]) == 1
    assert not refresh.is_needed(indexes[0].repository, indexes[0].database)


def test_facts_that_another_process_drops_meanwhile_are_given_again(
    repo, make_index, age, monkeypatch
):
    monkeypatch.setattr(refresh, "MAX_BATCH_BLOBS", 1)
    repo.commit("base", {"z.rs": "fn z() {}\n"})
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("side", {"a.rs": "fn shared() {}\n\nfn a() {}\n"})
    repo.git("checkout", "-q", "main")
    repo.commit("main", {"b.rs": "fn shared() {}\n\nfn b() {}\n"})
    repo.commit("last", {"c.rs": "fn c() {}\n"})
    index, new = make_index(repo, "old.db"), make_index(repo, "new.db")
    age(index, "side")
    age(index, "main")

    def progress(done, _total):
        if done == 2:
            repo.git("branch", "-q", "-D", "side")
            collect(index.repository, index.database, max_bytes=100_000)

    run(index, progress=progress)
    new.sync()
    assert dumped(index) == dumped(new)
