"""The watcher, as a process of its own, beside real git without any hook."""

import plistlib
import shlex
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from rsidx.hooks.units import unit
from rsidx.indexer.git import discover
from tests.hooks.test_hooks import indexed, settle


@contextmanager
def watching(repo, *options):
    command = [sys.executable, "-u", "-m", "rsidx", "watch", "-C", str(repo.path), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert "watching" in process.stdout.readline()
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def looks(repo):
    """How often the watcher has brought the index up to date."""
    log = discover(repo.path).common_dir / "rsidx" / "index.db.log"
    return log.read_text().count("sync: ") if log.exists() else 0


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


def test_where_events_get_lost_it_polls(repo, wait):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    stop_events = "import rsidx.hooks.watch as w; w._KINDS = (); " \
        "from rsidx.__main__ import main; main()"  # fmt: skip
    command = [
        sys.executable,
        "-u",
        "-c",
        stop_events,
        "watch",
        "-C",
        str(repo.path),
        "--poll",
        "0.5",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert "watching" in process.stdout.readline()
            settle(repo, wait, repo.git("rev-parse", "HEAD"))
            settle(repo, wait, repo.commit("two", {"a.rs": "fn b() {}\n"}))
        finally:
            process.kill()


def test_it_does_not_wake_itself_nor_for_who_only_reads(repo, wait):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    with watching(repo, "--poll", "600"):
        settle(repo, wait, repo.git("rev-parse", "HEAD"))
        time.sleep(1)
        before = looks(repo)
        for _ in range(5):
            repo.git("log", "--all")
            repo.git("status")
            repo.write({"a.rs": f"fn a{time.time_ns()}() {{}}\n"})
            repo.git("add", "-A")
        time.sleep(1.5)
        assert looks(repo) == before
        # A burst is one look, or two.
        for n in range(10):
            repo.commit(f"burst {n}", {"a.rs": f"fn b{n}() {{}}\n"})
        settle(repo, wait, repo.git("rev-parse", "HEAD"))
        time.sleep(1)
        assert looks(repo) - before <= 4


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
        out, err = process.communicate(timeout=10)
        assert process.returncode == 0
        assert out.endswith("ended\n")
        assert err == ""
    with watching(repo):
        pass


def test_a_sync_that_fails_is_tried_again(repo, wait):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    file = discover(repo.path).common_dir / "rsidx" / "index.db"
    file.parent.mkdir()
    file.write_bytes(b"no database" * 200)
    with watching(repo, "--poll", "0.5"):
        time.sleep(1)
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
