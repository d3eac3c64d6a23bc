"""The hook, fired by real commits."""

import os
import subprocess
import sys
import time

import pytest

from rsidx.errors import RepositoryError
from rsidx.hooks import install as hooks
from rsidx.hooks import worker
from rsidx.hooks.doctor import examine
from rsidx.hooks.script import MARK
from rsidx.indexer.git.repository import discover, git_version
from rsidx.store import queries
from rsidx.store.database import Database, resolve_url
from tests.patience import PATIENCE_S

in_files = pytest.mark.skipif(
    git_version() >= hooks.CONFIG_HOOKS_SINCE, reason="this git has hooks in its settings"
)


def indexed(repo):
    """The commits in the repository's own index."""
    file = discover(repo.path).common_dir / "rsidx" / "index.db"
    if not file.exists():
        return set()
    try:
        database = Database(resolve_url(str(file)), create=False)
    except Exception:
        return set()
    with database.reading() as connection:
        repository_id = queries.repository_id(connection, None)
        found = queries.commit_nodes(connection, repository_id) if repository_id else ()
        oids = {node.oid.hex() for node in found}
    database.close()
    return oids


def install(repo):
    repository = discover(repo.path)
    return hooks.install(repository, str(repository.common_dir / "rsidx" / "index.db"))


@pytest.fixture
def hooked(repo):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    install(repo)
    return repo


def programs(repo):
    """The files that have the block: the hooks of git's folder, and the program for managers."""
    folder = discover(repo.path).common_dir
    files = [folder / "rsidx" / "hook", *(folder / "hooks" / name for name in hooks.HOOKS)]
    return [path for path in files if path.exists()]


def wait_for_workers(repo):
    """Make the hooks end after what they started: once git is back, nothing is under way."""
    for path in programs(repo):
        path.write_text(path.read_text() + "wait\n")


def settle(repo, wait, *oids):
    wait(lambda: set(oids) <= indexed(repo))


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


ORIGINALS = {
    "shell": b"#!/bin/sh\necho theirs >> ran\nexit 3\n",
    "bash, no last newline": b"#!/usr/bin/env bash\necho theirs >> ran",
    "crlf and odd bytes": b"#!/bin/sh\n# caf\xe9\r\necho theirs >> ran\n",
    "python": f"#!{sys.executable}\nopen('ran', 'a').write('theirs\\n')\n".encode(),
}


@pytest.mark.parametrize("original", ORIGINALS.values(), ids=ORIGINALS)
def test_it_runs_beside_an_existing_hook_and_leaves_it_byte_for_byte(repo, wait, original):
    path = repo.path / ".git/hooks/post-commit"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(original)
    path.chmod(0o750)
    repository = discover(repo.path)
    install(repo)
    install(repo)
    assert hooks.state(repository).name == "installed"
    oid = repo.commit("one", {"a.rs": "fn a() {}\n"})
    assert (repo.path / "ran").read_text() == "theirs\n"
    settle(repo, wait, oid)
    hooks.uninstall(repository)
    assert path.read_bytes() == original
    assert path.stat().st_mode & 0o777 == 0o750
    assert [p.name for p in path.parent.iterdir() if not p.name.endswith(".sample")] == [
        "post-commit"
    ]
    assert hooks.uninstall(repository) == []


@in_files
def test_what_was_added_to_a_hook_since_is_kept(repo):
    path = repo.path / ".git/hooks/post-commit"
    path.parent.mkdir(exist_ok=True)
    original = ORIGINALS["python"]
    path.write_bytes(original)
    path.chmod(0o755)
    install(repo)
    aside = path.with_name("post-commit.before-rsidx")
    assert aside.read_bytes() == original
    path.write_text(path.read_text().replace("exec ", "echo mine >>ran\nexec "))
    hooks.uninstall(discover(repo.path))
    # What is left is the hook as it was edited, which calls the one that was moved aside.
    assert aside.read_bytes() == original
    assert "rsidx >>>" not in path.read_text()
    repo.commit("one")
    assert (repo.path / "ran").read_text() == "mine\ntheirs\n"


@in_files
def test_a_file_that_only_has_the_name_of_one_moved_aside_replaces_no_hook(repo):
    path = repo.path / ".git/hooks/post-commit"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(ORIGINALS["shell"])
    aside = path.with_name("post-commit.before-rsidx")
    aside.write_text("something else\n")
    install(repo)
    hooks.uninstall(discover(repo.path))
    assert path.read_bytes() == ORIGINALS["shell"]
    assert aside.read_text() == "something else\n"


def test_a_hook_of_our_own_making_is_removed_whole(hooked):
    repository = discover(hooked.path)
    assert hooks.uninstall(repository) == list(hooks.HOOKS)
    assert not any((hooked.path / ".git/hooks" / name).exists() for name in hooks.HOOKS)
    assert not (hooked.path / ".git/rsidx/hook").exists()
    assert hooks.state(repository).name == "absent"


@in_files
def test_a_hooks_folder_outside_the_repository_is_not_touched(repo, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    repo.git("config", "core.hooksPath", str(shared))
    with pytest.raises(RepositoryError, match="rsidx hooks snippet"):
        install(repo)
    assert list(shared.iterdir()) == []


@in_files
def test_a_hooks_folder_inside_the_repository_that_git_ignores_is_used(repo):
    repo.git("config", "core.hooksPath", "githooks")
    repo.write({".gitignore": "/githooks/\n"})
    assert str(repo.path / "githooks") in install(repo).text
    assert {path.name for path in (repo.path / "githooks").iterdir()} == set(hooks.HOOKS)


@in_files
@pytest.mark.parametrize("is_tracked", [True, False])
def test_a_hooks_folder_that_is_shared_through_git_is_not_touched(repo, is_tracked):
    theirs = "#!/bin/sh\necho theirs >>ran\n"
    repo.git("config", "core.hooksPath", ".githooks")
    repo.write({".githooks/post-commit": theirs})
    (repo.path / ".githooks/post-commit").chmod(0o755)
    if is_tracked:
        repo.commit("hooks")
    before = repo.git("status", "--porcelain")
    with pytest.raises(RepositoryError, match=r"is shared through git.*rsidx hooks snippet"):
        install(repo)
    assert repo.git("status", "--porcelain") == before
    assert hooks.state(discover(repo.path)).name == "absent"


@in_files
def test_the_snippet_for_shared_hooks_works_in_each_clone_that_wants_it(repo, wait):
    text = hooks.snippet()
    assert sys.prefix not in text
    assert str(repo.path) not in text
    for name in hooks.HOOKS:
        repo.write({f".githooks/{name}": f"#!/bin/sh\n{text}set -eu\necho theirs >>ran\n"})
        (repo.path / ".githooks" / name).chmod(0o755)
    repo.git("config", "core.hooksPath", ".githooks")
    oid = repo.commit("without the program", {".gitignore": "ran\n", "a.rs": "fn a() {}\n"})
    assert (repo.path / "ran").read_text() == "theirs\n"
    repository = discover(repo.path)
    assert hooks.state(repository).name == "absent"
    assert install(repo).name == "installed"
    settle(repo, wait, repo.commit("with it", {"a.rs": "fn b() {}\n"}))
    (repo.path / "ran").unlink()
    found = [
        one.verdict for one in examine(repository, str(repository.common_dir / "rsidx/index.db"))
    ]
    assert set(found) == {"ok"}
    assert not (repo.path / "ran").exists()
    assert hooks.uninstall(repository) == list(hooks.HOOKS)
    assert repo.git("status", "--porcelain") == ""
    assert hooks.state(repository).name == "absent"
    assert hooks.uninstall(repository) == []
    later = repo.commit("without it again", {"a.rs": "fn c() {}\n"})
    assert not {oid, later} & indexed(repo)


@in_files
def test_a_link_is_not_followed(repo, tmp_path):
    target = tmp_path / "target"
    target.write_text("#!/bin/sh\n")
    path = repo.path / ".git/hooks/post-commit"
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(target)
    with pytest.raises(RepositoryError, match="is a link"):
        install(repo)
    assert target.read_text() == "#!/bin/sh\n"


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


def test_a_password_does_not_get_into_a_hook(repo):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    with pytest.raises(RepositoryError, match="RSIDX_DB"):
        hooks.install(discover(repo.path), "postgresql://me:secret@127.0.0.1/x")
    assert not (repo.path / ".git/rsidx/hook").exists()
