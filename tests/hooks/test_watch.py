"""The watcher, as a process of its own, beside real git without any hook."""

import plistlib
import shlex
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager

import pytest

from rsidx.errors import IndexStoreError
from rsidx.hooks import watch as module
from rsidx.hooks import worker
from rsidx.hooks.units import unit
from rsidx.hooks.watch import Wakes
from rsidx.indexer import ingest
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.hook_api import start_index
from rsidx.store.database import Database, resolve_url
from tests.hooks.installed import indexed, settle
from tests.patience import PATIENCE_S


@contextmanager
def watching(repo, *options, script="from rsidx.__main__ import main; sys.exit(main())"):
    program = [sys.executable, "-u", "-c", f"import sys; {script}"]
    command = [*program, "watch", "-C", str(repo.path), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert "watching" in process.stdout.readline()
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.slow
def test_what_runs_no_hook_is_taken_in_at_once(repo, wait, tmp_path):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    # Polling alone would come far too late.
    with watching(repo, "--poll", "600"):
        settle(repo, wait, repo.git("rev-parse", "HEAD"))
        oid = repo.git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "plumbing")
        repo.git("update-ref", "refs/heads/deep/er/branch", oid)
        settle(repo, wait, oid)
        repo.git("pack-refs", "--all")
        oid = repo.git("commit-tree", "HEAD^{tree}", "-p", oid, "-m", "plumbing 2")
        repo.git("update-ref", "refs/heads/deep/er/branch", oid)
        settle(repo, wait, oid)
        repo.git("worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
        linked = type(repo)(tmp_path / "linked")
        linked.time = repo.time + 1000
        detached = linked.commit("detached", {"s.rs": "fn s() {}\n"})
        settle(repo, wait, detached)
        repo.git("reset", "-q", "--hard", oid)
        repo.git("checkout", "-q", "--detach")
        settle(repo, wait, repo.commit("detached, too", {"a.rs": "fn b() {}\n"}))


@pytest.mark.slow
def test_where_events_get_lost_it_polls(repo, wait):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    script = "import rsidx.hooks.watch as w; w._KINDS = (); from rsidx.__main__ import main; main()"
    with watching(repo, "--poll", "0.5", script=script):
        settle(repo, wait, repo.git("rev-parse", "HEAD"))
        settle(repo, wait, repo.commit("two", {"a.rs": "fn b() {}\n"}))


def file_of(repo):
    return str(discover(repo.path).common_dir / "rsidx" / "index.db")


def test_neither_readers_nor_its_own_writing_wake_it_but_a_commit_does(repo, wait, monkeypatch):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    repository, wakes, seen = discover(repo.path), Wakes(), set()
    start_index(repository, file_of(repo))
    plain = module._Handler.on_any_event

    def handle(handler, event):
        plain(handler, event)
        seen.add(event.src_path)

    monkeypatch.setattr(module._Handler, "on_any_event", handle)

    files = [
        [repository.common_dir / folder / f"{name}.lock" for folder in ("", "refs")]
        for name in ("first", "second")
    ]
    for path in (*files[0], *files[1]):
        path.touch()

    def all_events_are_handled(nth):
        # Those of a folder come in order, and reading is an event that wakes nobody.
        for path in files[nth]:
            path.read_bytes()
            wait(lambda path=path: str(path) in seen)

    with module._events(repository, wakes):
        for n in range(5):
            repo.git("log", "--all")
            repo.git("status")
            repo.write({"a.rs": f"fn a{n}() {{}}\n"})
            repo.git("add", "-A")
            worker.run(repository, file_of(repo), max_bytes=1000)
        all_events_are_handled(0)
        assert not wakes.wait(0)
        repo.commit("two")
        all_events_are_handled(1)
        assert wakes.wait(0)


def test_a_burst_of_events_wakes_it_once():
    wakes = Wakes()
    for _ in range(10):
        wakes.wake()
    assert wakes.wait(0)
    assert not wakes.wait(0)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_and_another_one_may_begin(repo, wait, number):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    with watching(repo) as process:
        command = [sys.executable, "-m", "rsidx", "watch", "-C", str(repo.path)]
        second = subprocess.run(command, capture_output=True, text=True, check=False)
        assert second.returncode == 1
        assert "another `rsidx watch`" in second.stderr
        settle(repo, wait, repo.git("rev-parse", "HEAD"))
        process.send_signal(number)
        assert_ended(process)
    with watching(repo):
        pass


def assert_ended(process):
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out[-6:], err) == (0, "ended\n", "")


@pytest.mark.slow
def test_what_the_library_says_at_its_end_is_in_the_log_alone(repo, wait):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    # As it does where a thread of its own finds itself stopped.
    script = """
import logging, threading
import rsidx.hooks.watch as w
class Observer(w.Observer):
    def stop(self):
        logging.getLogger("watchdog.observers.inotify").error("the thread is %s", "inactive")
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        super().stop()
w.Observer = Observer
from rsidx.__main__ import main
sys.exit(main())
"""
    with watching(repo, script=script) as process:
        settle(repo, wait, repo.git("rev-parse", "HEAD"))
        process.send_signal(signal.SIGTERM)
        assert_ended(process)
    log = (repo.path / ".git/rsidx/index.db.log").read_text()
    assert "WARNING watchdog.observers.inotify: the thread is inactive\n" in log
    assert "ZeroDivisionError" in log
    assert " ERROR " not in log


def test_it_ends_while_it_waits_for_another_writer(repo):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    start_index(discover(repo.path), file_of(repo))
    database = Database(resolve_url(file_of(repo)), create=False)
    with closing(database), database.writing(), watching(repo) as process:
        process.send_signal(signal.SIGINT)
        assert_ended(process)


def test_it_ends_after_the_batch_that_is_being_written(repo, monkeypatch):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    repository, wakes, done = discover(repo.path), Wakes(), []
    start_index(repository, file_of(repo))
    for n in range(12):
        repo.commit(f"commit {n}", {"a.rs": f"fn a{n}() {{}}\n"})
    monkeypatch.setattr(ingest, "_MAX_BATCH_COMMITS", 1)
    plain = ingest.Ingester._write

    def write(*args):
        wakes.stop()
        done.append(plain(*args))
        return done[-1]

    monkeypatch.setattr(ingest.Ingester, "_write", write)
    watch(repository, wakes)
    assert done == []
    assert len(indexed(repo)) == 1


def watch(repository, wakes, poll_s=600):
    def update(progress):
        db = str(repository.common_dir / "rsidx" / "index.db")
        worker.work(repository, db, max_bytes=1000, progress=progress)

    module.watch(repository, wakes, update, poll_s=poll_s, ready=lambda: None)


def test_what_goes_wrong_again_and_again_is_said_once(repo, monkeypatch, caplog):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    wakes, tries = Wakes(), []

    def fail(*_, **__):
        tries.append(1)
        if len(tries) == 6:
            wakes.stop()
        raise IndexStoreError("no room" if len(tries) < 4 else "no disk")

    monkeypatch.setattr(worker, "work", fail)
    watch(discover(repo.path), wakes, poll_s=0.001)
    own = [record for record in caplog.records if record.name == "rsidx"]
    said = [record.getMessage().rsplit(": ")[-1] for record in own]
    assert said == ["no room", "no disk"]


@pytest.mark.slow
def test_an_index_of_a_newer_rsidx_ends_it_with_a_line(repo, wait):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    with watching(repo) as process:
        settle(repo, wait, repo.git("rev-parse", "HEAD"))
        with closing(sqlite3.connect(file_of(repo))) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
            connection.commit()
        repo.commit("two", {"a.rs": "fn b() {}\n"})
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    [line] = err.splitlines()
    assert "newer rsidx" in line


def test_a_sync_that_fails_is_tried_again(repo, wait):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    file = discover(repo.path).common_dir / "rsidx" / "index.db"
    file.parent.mkdir()
    file.write_bytes(b"no database" * 200)
    with watching(repo, "--poll", "0.5") as process:
        assert "cannot open the index" in process.stderr.readline()
        file.unlink()
        wait(lambda: len(indexed(repo)) == 1)


def test_the_units_run_this_program_on_this_repository(make_repo):
    repo = make_repo('a "name" with 100% $HOME')
    repository = discover(repo.path)
    db = str(repository.common_dir / "rsidx" / "index.db")
    plist = plistlib.loads(unit("launchd", repository, db).encode())
    expected = [sys.executable, "-P", "-m", "rsidx", "watch", "-C", str(repo.path), "--db", db]
    assert plist["ProgramArguments"] == expected
    [line] = [one for one in unit("systemd", repository, db).splitlines() if "ExecStart" in one]
    text = line.removeprefix("ExecStart=").replace("%%", "%").replace("$$", "$")
    assert shlex.split(text) == expected
