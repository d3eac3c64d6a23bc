"""The hook, fired by real commits."""

import os
import subprocess
import sys
import time

from rsidx.hooks import install as hooks
from rsidx.hooks import worker
from rsidx.hooks.doctor import examine
from rsidx.hooks.script import MARK
from rsidx.indexer.git.discovery import discover
from rsidx.store import queries
from rsidx.store.database import Database, resolve_url
from tests.hooks.installed import in_files, indexed, install, programs, settle, wait_for_workers
from tests.patience import PATIENCE_S


def test_a_commit_wakes_the_index(hooked, wait):
    oid = hooked.commit("two", {"a.rs": "fn b() {}\n"})
    settle(hooked, wait, oid)


def test_amend_cherry_pick_and_a_linked_worktree_wake_it_too(hooked, wait, tmp_path):
    hooked.commit("two", {"a.rs": "fn b() {}\n"})
    hooked.git("commit", "-q", "--amend", "-m", "amended")
    hooked.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    linked = type(hooked)(tmp_path / "linked")
    linked.time = hooked.time + 1000
    side = linked.commit("side", {"s.rs": "fn s() {}\n"})
    settle(hooked, wait, hooked.git("rev-parse", "main"), side)
    hooked.git("cherry-pick", "side")
    settle(hooked, wait, hooked.git("rev-parse", "main"))


def test_a_burst_of_commits_in_two_worktrees_loses_none(hooked, wait, tmp_path):
    hooked.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    linked = type(hooked)(tmp_path / "linked")
    oids = []
    for n in range(8):
        oids.append(hooked.commit(f"m{n}", {"m.rs": f"fn m{n}() {{}}\n"}))
        oids.append(linked.commit(f"s{n}", {"s.rs": f"fn s{n}() {{}}\n"}))
    settle(hooked, wait, *oids)


def test_merges_pulls_rebases_and_patches_wake_it_too(hooked, wait, tmp_path):
    hooked.git("checkout", "-q", "-b", "side")
    hooked.commit("side", {"s.rs": "fn s() {}\n"})
    hooked.git("checkout", "-q", "main")
    hooked.git("merge", "-q", "side")
    settle(hooked, wait, hooked.git("rev-parse", "main"))
    hooked.commit("main", {"m.rs": "fn m() {}\n"})
    hooked.git("checkout", "-q", "side")
    hooked.commit("side 2", {"s.rs": "fn s2() {}\n"})
    hooked.git("merge", "-q", "--no-edit", "main")
    settle(hooked, wait, hooked.git("rev-parse", "side"))
    for backend in ("--merge", "--apply"):
        hooked.git("checkout", "-q", "-B", "topic", "main~1")
        for n in range(3):
            hooked.commit(f"topic {n}", {"t.rs": f"fn t{n}() {{}}\n", "u.rs": backend})
        hooked.git("rebase", "-q", backend, "main")
        settle(hooked, wait, *hooked.git("rev-list", "main..topic").split())
    hooked.git("checkout", "-q", "main")
    hooked.git("format-patch", "-q", "-1", "topic", "-o", str(tmp_path))
    [patch] = tmp_path.glob("*.patch")
    hooked.git("checkout", "-q", "topic~1")
    hooked.git("am", "-q", str(patch))
    settle(hooked, wait, hooked.git("rev-parse", "HEAD"))


@in_files
def test_a_rebase_is_taken_in_at_its_end(hooked, wait):
    for n in range(3):
        hooked.commit(f"topic {n}", {"t.rs": f"fn t{n}() {{}}\n"})
    settle(hooked, wait, hooked.git("rev-parse", "HEAD"))
    started = hooked.path.parent / "started"
    replace_python(hooked, f'echo woken >>{started}\nexec {sys.executable} "$@"\n')
    wait_for_workers(hooked)
    hooked.git("rebase", "-q", "--force-rebase", "--exec", "true", "--root")
    assert set(hooked.git("rev-list", "HEAD").split()) <= indexed(hooked)
    assert started.read_text() == "woken\n"


def replace_python(repo, script):
    """Have the hooks start a shell script."""
    python = repo.path.parent / "python"
    python.write_text(f"#!/bin/sh\n{script}")
    python.chmod(0o755)
    for path in programs(repo):
        path.write_text(path.read_text().replace(sys.executable, str(python)))


@in_files
def test_a_bare_repository_is_woken_by_a_push(hooked, wait, make_repo):
    bare = make_repo("bare.git", "--bare")
    install(bare)
    there = [path.name for path in (bare.path / "hooks").iterdir() if path.suffix != ".sample"]
    assert there == ["post-receive"]
    oid = hooked.commit("two", {"a.rs": "fn b() {}\n"})
    hooked.git("push", "-q", str(bare.path), "main")
    settle(bare, wait, oid)


def test_a_checkout_says_nothing_and_keeps_its_status(hooked):
    done = subprocess.run(
        ["git", "-C", str(hooked.path), "checkout", "-q", "-b", "other"],
        capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout == done.stderr == b""


def test_the_hook_says_nothing_and_nothing_waits_for_its_worker(hooked, wait):
    go = hooked.path.parent / "go"
    # A worker that ends only once the commit is known to be over.
    wait_for_go = f"while [ ! -e {go} ]; do sleep 0.05; done\n"
    replace_python(hooked, f'echo said; {wait_for_go}exec {sys.executable} "$@"\n')
    (hooked.path / "a.rs").write_text("fn c() {}\n")
    try:
        # Whoever reads a pipe waits for all that have it open.
        done = subprocess.run(
            ["git", "-C", str(hooked.path), "-c", "user.name=x", "-c", "user.email=x@y",
             "commit", "-qam", "three"],
            capture_output=True, check=True, stdin=subprocess.DEVNULL, timeout=PATIENCE_S,
        )  # fmt: skip
    finally:
        go.touch()
    assert done.stdout == done.stderr == b""
    settle(hooked, wait, hooked.git("rev-parse", "HEAD"))


def test_a_commit_that_comes_while_the_worker_reads_is_read_in_another_round(hooked, monkeypatch):
    repository = discover(hooked.path)
    mark = repository.common_dir / MARK
    rounds = []

    def read(*_, **__):
        rounds.append(mark.exists())
        if len(rounds) < 3:
            mark.touch()

    monkeypatch.setattr(worker, "update_index", read)
    worker.run(repository, "unused", max_bytes=1)
    assert rounds == [False, False, False]
    assert not mark.exists()


def test_a_mark_that_nobody_came_for_does_not_stop_the_next_hook(hooked):
    wait_for_workers(hooked)
    mark = discover(hooked.path).common_dir / MARK
    mark.touch()
    skipped = hooked.commit("while a worker is on its way", {"a.rs": "fn b() {}\n"})
    assert skipped not in indexed(hooked)
    os.utime(mark, (time.time() - 300, time.time() - 300))
    oid = hooked.commit("later", {"a.rs": "fn c() {}\n"})
    assert {skipped, oid} <= indexed(hooked)


def test_rsidx_0_turns_it_off(hooked):
    wait_for_workers(hooked)
    off = hooked.commit("off", {"a.rs": "fn off() {}\n"}, RSIDX="0")
    assert off not in indexed(hooked)
    on = hooked.commit("on", {"a.rs": "fn on() {}\n"})
    assert {off, on} <= indexed(hooked)


def test_a_failing_worker_fails_no_commit_and_leaves_its_reason_in_the_log(hooked, wait):
    folder = discover(hooked.path).common_dir / "rsidx"
    (folder / "index.db").write_bytes(b"no database" * 200)
    hooked.commit("two", {"a.rs": "fn b() {}\n"})
    log = folder / "index.db.log"
    wait(lambda: log.exists() and "cannot open the index" in log.read_text())
    assert log.stat().st_mode & 0o777 == 0o600


@in_files
def test_the_program_that_is_gone_fails_no_commit(hooked):
    path = hooked.path / ".git/hooks/post-commit"
    path.write_text(path.read_text().replace(sys.executable, "/nowhere/python"))
    done = hooked.git("commit", "-q", "--allow-empty", "-m", "x", PATH=os.defpath)
    assert done == ""


def test_code_in_the_repository_is_not_what_the_hook_runs(hooked, wait):
    trap = "open('trapped', 'w')\n"
    oid = hooked.commit("two", {
        "rsidx/__init__.py": trap, "rsidx/__main__.py": trap, "hooks/__init__.py": trap,
        "click.py": trap, "a.rs": "fn b() {}\n",
    })  # fmt: skip
    settle(hooked, wait, oid)
    assert not (hooked.path / "trapped").exists()


def test_a_linked_worktree_that_wakes_the_index_does_not_move_its_head(hooked, wait, tmp_path):
    hooked.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    linked = type(hooked)(tmp_path / "linked")
    linked.time = hooked.time + 1000
    settle(hooked, wait, linked.commit("side", {"s.rs": "fn s() {}\n"}))
    own = hooked.git("rev-parse", "main")
    for place in (hooked, linked):
        file = discover(place.path).common_dir / "rsidx" / "index.db"
        database = Database(resolve_url(str(file)), create=False)
        with database.reading() as connection:
            tips = queries.ref_tips(connection, 1)
        database.close()
        assert tips[b"HEAD"].hex() == own


@in_files
def test_a_submodule_has_hooks_and_an_index_of_its_own(repo, make_repo, wait):
    inner = make_repo("inner")
    inner.commit("one", {"a.rs": "fn a() {}\n"})
    repo.commit("outer", {"b.rs": "fn b() {}\n"})
    url = str(inner.path)
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", url, "sub")
    repo.commit("with a submodule")
    sub = type(repo)(repo.path / "sub")
    sub.time = repo.time + 1000
    assert install(sub).name == "installed"
    assert not (repo.path / ".git/hooks/post-commit").exists()
    oid = sub.commit("two", {"a.rs": "fn c() {}\n"})
    settle(sub, wait, oid)
    assert discover(sub.path).common_dir == repo.path / ".git/modules/sub"
    assert indexed(repo) == set()


def test_an_index_elsewhere_is_what_the_hook_writes_to(repo, wait, tmp_path):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    file = tmp_path / "an other place" / "index.db"
    repository = discover(repo.path)
    hooks.install(repository, str(file))
    oid = repo.commit("two", {"a.rs": "fn b() {}\n"})
    log = file.with_name("index.db.log")
    wait(lambda: log.exists() and "sync: 1 commits" in log.read_text())
    database = Database(resolve_url(str(file)), create=False)
    with database.reading() as connection:
        assert oid in {node.oid.hex() for node in queries.commit_nodes(connection, 1)}
    database.close()
    assert not (repo.path / ".git/rsidx/index.db").exists()
    assert all(one.is_well for one in examine(repository, str(file)))
    other = str(repository.common_dir / "rsidx" / "index.db")
    bad = [one.text for one in examine(repository, other) if not one.is_well]
    assert "for another index" in bad[0]
