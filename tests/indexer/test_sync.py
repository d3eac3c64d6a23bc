"""Sync: whole commits, whatever the order, the number of workers, or an interruption."""

import os
import signal
import subprocess
import sys

import pytest
from sqlalchemy import text

from rsidx.indexer import extract, ingest
from rsidx.indexer.git import history
from rsidx.indexer.sync import update
from rsidx.store import delta_bases, queries, writer
from rsidx.store.dump import dump
from rsidx.store.reader import Reader
from tests.conftest import EXAMPLES


def dumped(index):
    with index.database.reading() as connection:
        return list(dump(connection))


def grow(repo, n_commits, start=0):
    repo.commits(
        (f"commit {n}",
         {f"src/m{n % 3}.rs": f"pub fn f{n}() -> u32 {{ {n} }}\n\nstruct S{n % 4};\n"})
        for n in range(start, start + n_commits)
    )  # fmt: skip


def test_chunks_of_every_blob_concatenate_to_it(repo, index):
    grow(repo, 12)
    index.sync()
    with index.database.reading() as connection:
        reader = Reader(connection, queries.repository_id(connection, None))
        ids = reader.blob_ids(
            bytes.fromhex(repo.git("rev-parse", f"HEAD~{n}:src/m{(11 - n) % 3}.rs"))
            for n in range(12)
        )
        assert len(ids) == 12
        for oid, blob_id in ids.items():
            content = repo.git("cat-file", "blob", oid.hex())
            assert reader.blob_text(blob_id).decode().strip() == content


def test_twice_is_the_same_as_once(repo, index):
    grow(repo, 5)
    assert index.sync().n_commits == 5
    before = dumped(index)
    again = index.sync()
    assert (again.n_commits, again.n_blobs) == (0, 0)
    assert dumped(index) == before


def test_bit_by_bit_equals_all_at_once_and_one_worker_equals_two(repo, make_index):
    bit_by_bit, at_once, pooled = (
        make_index(repo, "a"),
        make_index(repo, "b"),
        make_index(repo, "c"),
    )
    for n in range(0, 12, 4):
        grow(repo, 4, n)
        bit_by_bit.sync()
    at_once.sync()
    pooled.sync(jobs=2)
    assert dumped(bit_by_bit) == dumped(at_once) == dumped(pooled)


def test_what_the_writer_remembers_makes_no_difference(repo, make_index, monkeypatch):
    grow(repo, 20)
    all_known = make_index(repo, "all.db")
    all_known.sync()
    monkeypatch.setattr(ingest, "_MAX_BATCH_COMMITS", 2)
    monkeypatch.setattr(writer, "_IDS_KEPT", 3)
    for name in ("_LISTS_KEPT", "_LABELS_KEPT", "_KEPT_BYTES"):
        monkeypatch.setattr(delta_bases, name, 1)
    few_known = make_index(repo, "few.db")
    few_known.sync()
    assert dumped(few_known) == dumped(all_known)


def test_history_taken_in_backwards_equals_history_taken_in_forwards(repo, make_index):
    grow(repo, 9)
    backwards, forwards = make_index(repo, "a"), make_index(repo, "b")
    update(backwards.repository, backwards.database, jobs=1, max_bytes=100_000)
    with backwards.database.reading() as connection:
        assert queries.counts(connection).n_commits == 1
        assert connection.execute(text("SELECT count(*) FROM base")).scalar() == 3
    backwards.sync()
    forwards.sync()
    # Blobs met through the base alone are all met through changes, too.
    assert dumped(backwards) == dumped(forwards)


def test_generation_grows_along_every_edge_though_the_clock_goes_back(repo, index):
    grow(repo, 3)
    repo.time -= 100_000
    grow(repo, 3, 3)
    index.sync()
    with index.database.reading() as connection:
        nodes = {n.oid: n for n in queries.commit_nodes(connection, 1)}
    for node in nodes.values():
        for parent in node.parents:
            assert nodes[parent].generation < node.generation


def test_blobs_that_cannot_be_parsed_are_recorded_by_state(repo, index):
    repo.commit("one", {
        "big.rs": "// x\n" * 30_000, "latin.rs": b"// caf\xe9\n", "nul.rs": b"fn a() {}\0",
        "bad.rs": "fn broken( {{{", "empty.rs": "", "gone.rs": "fn gone() {}\n",
        "Cargo.toml": '[package]\nname = "x"\n', "good.rs": "fn g() {}\n",
    })  # fmt: skip
    gone = repo.git("rev-parse", "HEAD:gone.rs")
    (repo.path / ".git/objects" / gone[:2] / gone[2:]).unlink()
    assert index.sync().blobs_by_state == {
        "too_large": 1, "not_text": 2, "errors": 1, "missing": 1, "manifest": 1, "parsed": 2,
    }  # fmt: skip


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_larger_limit_reads_what_was_too_large(repo, make_index, jobs):
    for n in range(3):
        files = {"src/big.rs": f"fn big_{n}() {{}}\n" * 20 * n, "src/s.rs": f"fn s{n}() {{}}\n"}
        repo.commit(f"commit {n}", files)
    index, fresh = make_index(repo, "a.db"), make_index(repo, "b.db")
    assert index.sync(max_bytes=100).blobs_by_state["too_large"] == 2
    assert index.sync(max_bytes=100).n_read_again == 0
    assert index.sync(max_bytes=400, jobs=jobs).n_read_again == 1
    assert index.sync(max_bytes=1000, jobs=jobs).n_read_again == 1
    # What was read stays, whatever the limit is later.
    assert index.sync(max_bytes=100).n_read_again == 0
    fresh.sync(max_bytes=1000)
    assert dumped(index) == dumped(fresh)


def test_the_same_text_elsewhere_has_facts_of_its_own_in_any_order(repo, make_index):
    plain = "fn same() {}\n"
    files = {
        "a.rs": plain, "b.rs": f"#[cfg(test)]\nmod tests {{\n{plain}}}\n",
        "c.rs": f"impl C {{\n{plain}}}\n", "d.rs": f"impl D {{\n{plain}}}\n",
    }  # fmt: skip
    for name in sorted(files):
        repo.commit(name, {name: files[name]})
    repo.git("checkout", "-q", "--orphan", "other")
    repo.git("rm", "-q", "-rf", ".")
    for name in sorted(files, reverse=True):
        repo.commit(name, {name: files[name]})
    found = []
    for branches in (("main", "other"), ("other", "main")):
        index = make_index(repo, f"{branches[0]}.db")
        for branch in branches:
            index.sync(branch)
        found.append(dumped(index))
        with index.database.reading() as connection:
            rows = connection.execute(
                text("SELECT kind, container, is_test FROM symbol WHERE kind != 'impl'")
            )
            assert sorted(map(tuple, rows)) == [
                ("fn", "", 0), ("fn", "mod tests [test]", 1), ("method", "impl C", 0),
                ("method", "impl D", 0), ("mod", "", 1),
            ]  # fmt: skip
    assert found[0] == found[1]


ATTRIBUTES = (
    '#![deny(warnings)]\n#![cfg_attr(\n    feature = "x",\n    feature(y)\n)]\n\nfn f() {}\n'
)


@pytest.mark.parametrize(
    ("content", "state"),
    [(ATTRIBUTES, "parsed"), ('#[cfg_attr(\nfeature = "x")]\nfn f() {}\n', "parsed"),
     ("# made by hand\n#[old]\n[package]\nname = 1\n", "manifest"),
     ("[package\nname = 1\n", "errors"), ('cargo-features = ["x"]\n', "manifest")],
)  # fmt: skip
def test_what_a_blob_is_follows_from_its_bytes_and_nothing_is_lost(content, state):
    raw = content.encode()
    record = extract.Extractor().record(b"oid", len(raw), raw)
    assert record.state == state
    if state != "manifest":
        assert b"".join(chunk.text for chunk in record.new_chunks) == raw


def test_a_shallow_boundary_stands_on_its_own_tree(repo, make_index, tmp_path):
    grow(repo, 6)
    repo.git("clone", "-q", "--depth", "2", f"file://{repo.path}", str(tmp_path / "shallow"))
    repo.path = tmp_path / "shallow"
    index = make_index(repo)
    index.sync()
    with index.database.reading() as connection:
        states = [n.state for n in queries.commit_nodes(connection, 1)]
        assert states == ["boundary", "ok"]
        assert connection.execute(text("SELECT count(*) FROM base")).scalar() == 3


def test_a_partial_clone_fetches_nothing_and_says_what_is_promised(repo, make_index, tmp_path):
    grow(repo, 6)
    repo.git("mv", "src/m0.rs", "src/moved.rs")
    repo.commit("move")
    repo.git("config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    repo.git("clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{repo.path}",
             str(partial))  # fmt: skip
    repo.path = partial
    before = repo.git("count-objects", "-v")
    for jobs in (1, 2):
        index = make_index(repo, f"{jobs}.db")
        assert index.sync(jobs=jobs).blobs_by_state == {"promised": 6}
    assert repo.git("count-objects", "-v") == before


def test_since_takes_the_tree_before_the_first_commit_along(repo, index):
    grow(repo, 6)
    index.sync(since="@1700000270")
    with index.database.reading() as connection:
        assert queries.counts(connection).n_commits == 2
        assert connection.execute(text("SELECT count(*) FROM base")).scalar() == 3


def test_an_empty_repository_is_no_error(index):
    assert index.sync().n_commits == 0
    assert update(index.repository, index.database, jobs=1, max_bytes=1000).n_commits == 0


@pytest.fixture
def small_tasks(monkeypatch):
    monkeypatch.setattr(extract, "_BLOBS_A_TASK", 2)


@pytest.mark.slow
@pytest.mark.usefixtures("trap", "small_tasks")
def test_a_blob_that_ends_its_worker_is_poison_and_the_others_are_parsed(repo, index):
    grow(repo, 8)
    repo.commit("poison", {"p.rs": "fn POISON() {}\n"})
    grow(repo, 8, 8)
    report = index.sync(jobs=2)
    assert report.n_commits == 17
    assert report.blobs_by_state == {"parsed": 16, "poison": 1}


@pytest.mark.slow
@pytest.mark.usefixtures("trap", "small_tasks")
def test_what_is_asked_for_after_a_worker_died_is_not_lost_with_it(repo, index):
    repo.commit("one", {f"a{n}.rs": f"fn a{n}() {{}}\n" for n in range(300)})
    repo.commit("poison", {"p.rs": "fn POISON() {}\n"})
    tree = history.list_tree(index.repository, bytes.fromhex(repo.git("rev-parse", "HEAD")))
    poison = [oid for path, oid in tree if path == b"p.rs"]
    others = [oid for path, oid in tree if path != b"p.rs"]
    with extract.extraction(index.repository, jobs=2, max_bytes=1000) as extraction:
        ask = [extract.Wanted(oid) for oid in others]
        first = extraction.submit([extract.Wanted(oid) for oid in poison])
        second = extraction.submit(ask[:40])
        assert [record.state for record in first.records()] == ["poison"]
        third = extraction.submit(ask[40:])
        found = [*second.records(), *third.records()]
    assert [record.oid for record in found] == others
    assert {record.state for record in found} == {"parsed"}
    assert all(record.new_chunks for record in found)


def test_a_worktree_shares_the_index_of_its_repository(repo, make_index, tmp_path):
    grow(repo, 2)
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    linked = type(repo)(tmp_path / "linked")
    linked.time = repo.time
    linked.commit("side", {"side.rs": "fn side() {}\n"})
    index = make_index(repo)
    update(index.repository, index.database, jobs=1, max_bytes=1000)
    index.sync(all_refs=True)
    repo.commit("main", {"m.rs": "fn m() {}\n"})
    linked.commit("side again", {"side.rs": "fn side2() {}\n"})
    assert update(index.repository, index.database, jobs=1, max_bytes=1000).n_commits == 2


SCRIPT = """
import sys
from pathlib import Path
from rsidx.indexer import ingest, sync as module
from rsidx.indexer.git.discovery import discover
from rsidx.store.database import Database, resolve_url
ingest._MAX_BATCH_COMMITS = 3
if __name__ == "__main__":
    repository = discover(Path(sys.argv[1]))
    database = Database(resolve_url(sys.argv[2]), create=True)
    scope = module.history_scope(repository, [], all_refs=False, since=None)
    module.sync(
        repository, database, scope, jobs=int(sys.argv[3]), max_bytes=100_000,
        progress=lambda done, total: print(done, flush=True),
    )
"""


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_at_any_moment_it_leaves_whole_commits_and_ends_where_it_would_have(
    repo, make_index, tmp_path, jobs
):
    grow(repo, 90)
    undisturbed = make_index(repo, "undisturbed.db")
    undisturbed.sync()
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    file = tmp_path / "killed.db"
    killed = 0
    for attempt in range(4 * min(EXAMPLES, 2)):
        process = subprocess.Popen(
            [sys.executable, str(script), str(repo.path), str(file), str(jobs)],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        # So many batches are written, and it is at the next one, somewhere.
        for _ in range(attempt):
            process.stdout.readline()
        os.killpg(process.pid, signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        process.stdout.close()
        index = make_index(repo, "killed.db")
        with index.database.reading() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
            lacking = connection.execute(
                text(
                    "SELECT count(*) FROM change c LEFT JOIN blob b ON b.id = c.new_blob_id "
                    "WHERE c.new_blob_id IS NOT NULL AND (b.id IS NULL OR b.state = 'parsed' AND "
                    "NOT EXISTS (SELECT 1 FROM blob_chunks p WHERE p.blob_id = b.id))"
                )
            ).scalar()
            assert lacking == 0
    assert killed
    index.sync()
    assert dumped(index) == dumped(undisturbed)
