"""The same index on a PostgreSQL server: `RSIDX_TEST_POSTGRES` names an empty database there."""

import os
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from sqlalchemy import create_engine, text

from rsidx.errors import IndexStoreError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from rsidx.indexer.gc import collect
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.identity import name_of
from rsidx.indexer.status import soundness, status
from rsidx.indexer.sync import history_scope, sync
from rsidx.store.database import Database, resolve_url
from rsidx.store.dump import dump
from rsidx.store.locks import _READERS
from tests.patience import PATIENCE_S

SERVER = os.environ.get("RSIDX_TEST_POSTGRES", "")
pytestmark = [
    pytest.mark.usefixtures("wordy"),
    pytest.mark.skipif(not SERVER, reason="RSIDX_TEST_POSTGRES names no database on a server"),
]

FUNCTION = "pub fn number_{n}(scale: &Scale) -> u64 {{\n    scale.factor * {n} + other_{n}()\n}}\n"


@pytest.fixture
def server():
    """The database, emptied, and for one test at a time, whichever process it is in."""
    engine = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with closing(engine.connect()) as connection:
        connection.execute(text("SELECT pg_advisory_lock(1)"))
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
        with closing(Database(resolve_url(SERVER), create=True)) as database:
            yield database
        connection.execute(text("SELECT pg_advisory_unlock(1)"))
    engine.dispose()


def lines(database):
    with database.reading() as connection:
        return list(dump(connection))


def take_in(index, database, **options):
    scope = history_scope(index.repository, (), all_refs=True, since=None)
    sync(index.repository, database, scope, jobs=1, max_bytes=100_000, **options)


def grow(repo, n_commits):
    for n in range(n_commits):
        files = {f"src/m{n % 5}.rs": FUNCTION.format(n=n), "src/lib.rs": f"mod m{n % 5};\n"}
        repo.commit(f"number {n} of them", files)


def test_dates_that_need_more_than_32_bits_are_stored(repo, index, server):
    date = f"@{1 << 33} +0000"
    repo.commit("one", {"a.rs": "fn a() {}\n"}, GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)
    index.sync(all_refs=True)
    take_in(index, server)
    assert lines(server) == lines(index.database)


def test_its_size_is_that_of_its_own_tables(repo, index, server):
    grow(repo, 1)
    take_in(index, server)
    size = server.n_bytes()
    assert 100_000 < size < 2_000_000
    with server.engine.begin() as connection:
        # Somebody else's, in the same database.
        connection.execute(text("CREATE TABLE other AS SELECT generate_series(1, 99999) AS n"))
    assert server.n_bytes() == size
    found = status(index.repository, server)
    assert found.database_bytes == size


@pytest.fixture
def roles(server):
    """Two roles of the server that may do nothing so far."""
    names = ("rsidx_reader", "rsidx_member")
    with server.engine.begin() as connection:
        may = "SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user"
        if not connection.execute(text(may)).scalar():
            pytest.skip("the role of RSIDX_TEST_POSTGRES may create no roles")
        for name in names:
            # A run that was killed left it.
            connection.execute(text(f"DROP ROLE IF EXISTS {name}"))
            connection.execute(text(f"CREATE ROLE {name} LOGIN"))
    yield
    with server.engine.begin() as connection:
        connection.execute(text("REVOKE ALL ON SCHEMA public FROM rsidx_reader"))
        connection.execute(text("REVOKE SELECT (text) ON chunk FROM rsidx_reader"))
        for name in names:
            connection.execute(text(f"DROP ROLE {name}"))


@pytest.mark.usefixtures("roles")
def test_who_may_read_it_is_said(index, server):
    take_in(index, server)
    with server.engine.begin() as connection:
        connection.execute(text("GRANT USAGE ON SCHEMA public TO rsidx_reader"))
    assert "where nobody but its owner" in soundness(SERVER)
    with server.engine.begin() as connection:
        connection.execute(text("GRANT SELECT (text) ON chunk TO rsidx_reader"))
    assert soundness(SERVER).endswith("may read it: rsidx_reader")
    with server.engine.begin() as connection:
        connection.execute(text("GRANT rsidx_reader TO rsidx_member"))
    assert soundness(SERVER).endswith("may read it: rsidx_member, rsidx_reader")


def test_forks_and_repositories_of_one_name_are_told_apart(
    repo, index, server, make_repo, tmp_path
):
    grow(repo, 3)
    take_in(index, server)
    repo.git("clone", "-q", str(repo.path), str(tmp_path / "fork"))
    stranger = make_repo("else/repo")
    grow(stranger, 1)
    for path in (tmp_path / "fork", stranger.path):
        repository = discover(path)
        scope = history_scope(repository, (), all_refs=True, since=None)
        sync(repository, server, scope, jobs=1, max_bytes=100_000)
    names = [name_of(server, discover(p)) for p in (repo.path, tmp_path / "fork", stranger.path)]
    assert names == ["repo", "fork", "else/repo"]


def test_it_is_not_copied_into_a_file(server, tmp_path):
    with pytest.raises(IndexStoreError, match="pg_dump"):
        server.back_up(tmp_path / "copy.db", lambda *_: None)


def test_it_has_what_a_file_has_whatever_happens(repo, index, server):
    grow(repo, 12)
    repo.git("checkout", "-q", "-b", "side", "HEAD~4")
    repo.commit("beside the others", {"src/side.rs": FUNCTION.format(n=99)})
    for database in (index.database, server):
        take_in(index, database)
    assert lines(server) == lines(index.database)
    assert len(lines(server)) > 60
    repo.git("checkout", "-q", "main")
    repo.git("branch", "-q", "-D", "side")
    repo.commit("after it went", {"src/m1.rs": FUNCTION.format(n=100)})
    for database in (index.database, server):
        take_in(index, database)
        collect(index.repository, database, max_bytes=100_000)
    assert lines(server) == lines(index.database)


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_export_is_the_same_bytes(repo, index, server, tokenizer_file, tmp_path, jobs):
    grow(repo, 60)
    for name, database in (("file", index.database), ("server", server)):
        take_in(index, database)
        config = ExportConfig(tokenizer=str(tokenizer_file), split="0.6,0.2,0.2")
        export(database, tmp_path / name, config, jobs=jobs)
    for file in ("train.jsonl", "train.meta.jsonl", "val.jsonl", "test.jsonl"):
        one, other = (tmp_path / name / file for name in ("file", "server"))
        assert one.read_bytes() == other.read_bytes()
        assert one.stat().st_size
    assert index.problems(tmp_path / "server") == []


def test_several_machines_write_at_once(make_repo, make_index, server):
    commands, repos = [], [make_repo(f"repo{n}") for n in range(3)]
    for number, repo in enumerate(repos):
        # Shared texts, so that they want the same rows.
        grow(repo, 20 + number)
        folder = str(repo.path)
        commands.append([sys.executable, "-m", "rsidx", "backfill", "-C", folder, "--db", SERVER])
    running = [subprocess.Popen(one, stderr=subprocess.PIPE, text=True) for one in commands]
    for process in running:
        _, complaint = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, complaint
    alone = make_index(repos[0], "alone.db")
    for repo in repos:
        take_in(make_index(repo, "alone.db"), alone.database)
    assert sorted(lines(server)) == sorted(lines(alone.database))


def test_a_writer_waits_for_another_or_says_so(server):
    waiting = pytest.raises(IndexStoreError, match="another process is writing")
    with server.writing(), waiting, server.writing(timeout_s=0):
        pass
    with server.writing(timeout_s=0):
        pass


def test_nothing_is_dropped_under_a_reader(server, wait):
    refused = pytest.raises(IndexStoreError, match="an export is reading")
    with server.long_read(), refused, server.exclusive():
        pass
    with server.exclusive():
        done = threading.Event()

        def read():
            with server.long_read():
                done.set()

        thread = threading.Thread(target=read)
        thread.start()
        with server.reading() as connection:
            low = _READERS & 0xFFFFFFFF
            waiting = text(f"SELECT count(*) FROM pg_locks WHERE objid = {low} AND NOT granted")
            wait(lambda: connection.execute(waiting).scalar())
        assert not done.is_set()
    assert done.wait(PATIENCE_S)
    thread.join()


def test_a_writer_that_is_killed_lets_go(server):
    script = (
        "import sys\n"
        "from rsidx.store.database import Database, resolve_url\n"
        "with Database(resolve_url(sys.argv[1]), create=True).writing():\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "held\n"
        process.kill()
    with server.writing(timeout_s=PATIENCE_S):
        pass
