"""An index opened by a program: what it gives, and that it keeps nobody waiting."""

import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import rsidx
from rsidx.__main__ import main
from tests.repositories import Repo

CODE = "pub fn {name}() -> u32 {{\n    {n}\n}}\n"


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A repository with a merge, a tag and a branch, and its index; each test has a copy."""
    repo = Repo(tmp_path_factory.mktemp("begun") / "repo")
    manifest = '[package]\nname = "x"\nlicense = "MIT"\n'
    repo.commit(
        "Begin with one", {"Cargo.toml": manifest, "src/lib.rs": CODE.format(name="a", n=1)}
    )
    repo.git("tag", "v1")
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("Add two on the side", {"src/two.rs": CODE.format(name="b", n=2)})
    repo.git("checkout", "-q", "main")
    repo.commit("Change one to three", {"src/lib.rs": CODE.format(name="a", n=3)})
    repo.time += 60
    repo.git("merge", "-q", "--no-ff", "-m", "Merge the side", "side")
    repo.commit("Rename a to c", {"src/lib.rs": CODE.format(name="c", n=3)})
    with rsidx.open(repo.path) as index:
        index.backfill()
    return repo


@pytest.fixture
def filled(repo, begun):
    repo.fill_from(begun)
    return repo


def of_git(repo, *args):
    return repo.git(*args).split()


def test_an_index_is_made_by_the_first_update_and_filled_by_the_backfill(repo):
    first = repo.commit("one", {"a.rs": "fn a() {}\n"})
    second = repo.commit("two", {"b.rs": "fn b() {}\n"})
    file = repo.path / ".git/rsidx/index.db"
    with rsidx.open(repo.path) as index:
        assert (index.file, index.address, file.exists()) == (file, str(file), False)
        assert index.update().n_commits == 1
        assert [commit.oid for commit in index.commits()] == [second]
        assert index.backfill().n_commits == 1
        assert [commit.oid for commit in index.commits()] == [first, second]
        third = repo.commit("three", {"b.rs": "fn c() {}\n"})
        report = index.update()
        assert (report.n_commits, report.n_blobs, report.n_refreshed) == (1, 1, 0)
        assert index.commit().oid == third
        assert index.update().n_commits == 0
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_repository_without_a_commit_has_an_empty_history(repo):
    with rsidx.open(repo.path) as index:
        assert (index.update().n_commits, index.backfill().n_commits) == (0, 0)
        with pytest.raises(rsidx.ExportError, match="'HEAD' names no commit of the index"):
            list(index.commits())


def test_commits_come_in_the_order_of_history_with_what_git_says_of_them(filled):
    with rsidx.open(filled.path) as index:
        commits = list(index.commits("HEAD"))
        lines = filled.git(
            "log", "--reverse", "--topo-order", "--format=%H %ct %P%n%s"
        ).splitlines()
        assert {c.oid for c in commits} == {line.split()[0] for line in lines[::2]}
        seen = set()
        for commit in commits:
            assert set(commit.parents) <= seen
            seen.add(commit.oid)
            [place] = [n for n, line in enumerate(lines) if line.startswith(commit.oid)]
            oid, time, *parents = lines[place].split()
            assert commit.parents == tuple(parents)
            assert commit.time == datetime.fromtimestamp(int(time), UTC)
            assert commit.message == lines[place + 1]
            assert oid[:12] in repr(commit)


@pytest.mark.parametrize(
    "revision", ["HEAD", "main", "side", "v1", "HEAD~1", "refs/heads/side", "@"]
)
def test_a_revision_is_what_git_says_it_is(filled, revision):
    expected = set(of_git(filled, "rev-list", revision))
    tip = filled.git("rev-parse", revision)
    with rsidx.open(filled.path) as index:
        assert {commit.oid for commit in index.commits(revision)} == expected
        assert {commit.oid for commit in index.commits(tip[:8])} == expected
        assert index.commit(revision).oid == tip


def test_edits_are_those_that_the_command_shows(filled, capsys):
    with rsidx.open(filled.path) as index:
        for commit in index.commits():
            assert main(["show", commit.oid, "--json", "-C", str(filled.path)]) == 0
            shown = json.loads(capsys.readouterr().out)
            edits = list(commit.edits())
            assert [(e.path, e.symbol, e.kind, e.change, e.old, e.new) for e in edits] == [
                (e["path"], e["name"], e["kind"], e["change"], e["old"], e["new"])
                for e in shown["edits"]
            ]
            assert shown["message"] == commit.message
            assert shown["dropped"] == commit.no_edits()
        [edit] = index.commit("HEAD~1^1").edits()
    assert (edit.path, edit.symbol, edit.kind, edit.change) == ("src/lib.rs", "a", "fn", "modify")
    assert (edit.old, edit.new) == (CODE.format(name="a", n=1), CODE.format(name="a", n=3))
    assert (edit.old_line, edit.new_line, edit.old_path, edit.is_test) == (1, 1, None, False)
    assert list(edit.diff()) == [
        "@@ -1,3 +1,3 @@",
        " pub fn a() -> u32 {",
        "-    1",
        "+    3",
        " }",
    ]


def test_an_edit_of_a_commit_can_be_had_after_the_loop_over_commits(filled):
    with rsidx.open(filled.path) as index:
        commits = list(index.commits())
        assert [len(list(commit.edits())) for commit in commits]
        assert commits[0].message == "Begin with one"
    with pytest.raises(rsidx.RsidxError, match="the index is closed"):
        list(commits[0].edits())
    with pytest.raises(rsidx.RsidxError, match="the index is closed"):
        _ = commits[0].message


def test_loops_inside_of_one_another_end_in_any_order(filled):
    with rsidx.open(filled.path) as index:
        outer, inner = index.commits(), index.commits("side")
        first, other = next(outer), next(inner)
        outer.close()
        assert first.oid == other.oid
        assert len(list(inner)) == 1
        assert len(list(index.commits())) == 5


def test_a_loop_keeps_no_writer_waiting_and_is_not_deleted_under(filled):
    command = [sys.executable, "-m", "rsidx", "backfill", "-C", str(filled.path), "--json"]
    with rsidx.open(filled.path) as index:
        commits = index.commits()
        next(commits)
        oid = filled.commit("Add another while it is read", {"src/new.rs": "fn new() {}\n"})
        done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=120)
        assert json.loads(done.stdout)["n_commits"] == 1
        assert index.commit(oid).message == "Add another while it is read"
        for delete in (index.gc, lambda: index.forget(["src/lib.rs"])):
            with pytest.raises(rsidx.IndexInUseError, match="an export is reading the index"):
                delete()
        assert sum(1 for _ in commits) == 4
        assert index.gc().n_commits == 0
        assert index.forget(["src/new.rs"]).n_blobs == 1


def test_an_update_inside_of_a_loop_is_seen(filled):
    with rsidx.open(filled.path) as index:
        for commit in index.commits():
            assert commit.oid
            filled.commit("Add one more", {"src/more.rs": f"fn more() {{ {filled.time} }}\n"})
            assert index.update().n_commits == 1
            assert [edit.path for edit in index.commit().edits()] == ["src/more.rs"]
        assert len(list(index.commits())) == 10


def test_a_copied_index_is_read_without_its_repository(filled, tmp_path):
    copy = tmp_path / "copy.db"
    with rsidx.open(filled.path) as index:
        index.backup(copy)
        own = [commit.oid for commit in index.commits()]
    for place in (copy, f"sqlite:///{copy}"):
        with rsidx.open(place) as index:
            assert (index.name, index.address, index.worktree) == ("repo", str(copy), None)
            assert [commit.oid for commit in index.commits()] == own
            assert index.commit(own[0][:10]).oid == own[0]
            for call in (index.update, index.backfill, index.status, index.at, index.gc,
                         lambda index=index: index.hooks):  # fmt: skip
                with pytest.raises(rsidx.RepositoryError, match="without its repository"):
                    call()
    with rsidx.open(filled.path, db=str(copy)) as index:
        assert index.update().n_commits == 0


def test_one_of_several_repositories_is_named(filled, make_repo, tmp_path):
    other = make_repo("other")
    other.commit("Say something else", {"src/lib.rs": "fn z() {}\n"})
    both = str(tmp_path / "both.db")
    for repo in (filled, other):
        with rsidx.open(repo.path, db=both) as index:
            index.backfill()
    with rsidx.open(both, name="other") as index:
        assert (index.name, len(list(index.commits()))) == ("other", 1)
    with pytest.raises(rsidx.IndexStoreError, match="the index has repo, other"):
        rsidx.open(both)
    with pytest.raises(rsidx.IndexStoreError, match="and no third"):
        rsidx.open(both, name="third")


def test_a_linked_worktree_has_a_head_of_its_own(filled, tmp_path):
    filled.git("worktree", "add", "-q", str(tmp_path / "linked"), "side")
    with rsidx.open(tmp_path / "linked") as linked, rsidx.open(filled.path) as main_one:
        assert linked.commit().oid == filled.git("rev-parse", "side")
        assert len(list(linked.commits())) == 2
        assert len(list(main_one.commits())) == 5
        assert linked.file == main_one.file


def test_progress_is_told_and_what_it_raises_ends_the_backfill(repo):
    for n in range(3):
        repo.commit(f"number {n}", {"a.rs": f"fn a() {{ {n} }}\n"})
    told = []
    with rsidx.open(repo.path) as index:
        index.backfill(progress=lambda done, total: told.append((done, total)))
        assert told[-1] == (3, 3)

        def give_up(_done, _total):
            raise TimeoutError("enough")

        repo.commit("one more", {"a.rs": "fn a() {}\n"})
        with pytest.raises(TimeoutError, match="enough"):
            index.backfill(progress=give_up)


def test_the_state_of_an_index_is_told(filled):
    with rsidx.open(filled.path) as index:
        oid = filled.commit("Add one more", {"src/more.rs": "fn more() {}\n"})
        status = index.status()
        assert (status.counts.n_commits, status.n_missing_commits) == (5, 1)
        assert status.oldest_missing == datetime.fromtimestamp(filled.time, UTC)
        assert status.newest_commit < status.oldest_missing
        assert (status.refresh_began, index.last_error()) == (None, None)
        assert (index.needs_refresh(), index.refresh()) == (False, 0)
        assert index.n_bytes() == index.file.stat().st_size
        index.update()
        assert (index.status().behind, index.commit().oid) == ({}, oid)
        assert (index.git_folder, index.is_partial) == (filled.path / ".git", False)


def test_what_is_forgotten_can_be_remembered(filled):
    with rsidx.open(filled.path) as index:
        assert index.forget(["src/two.rs"], dry_run=True).n_blobs == 1
        assert index.forgotten() == []
        index.forget(["src/two.rs"])
        assert index.forgotten() == [("path", "src/two.rs")]
        assert index.remember(["src/two.rs"]) == 1
        assert index.backfill().n_read_again == 1


def test_hooks_are_installed_and_looked_after(filled):
    with rsidx.open(filled.path) as index:
        hooks = index.hooks
        assert hooks.state().name == "absent"
        assert hooks.install().name == "installed"
        assert all(finding.is_well for finding in hooks.check())
        assert "[Service]" in hooks.unit("systemd")
        assert "rsidx" in hooks.snippet()
        assert hooks.uninstall()
        assert hooks.state().name == "absent"
        with pytest.raises(rsidx.RsidxError, match="'cron' is not one of systemd, launchd"):
            hooks.unit("cron")


def test_a_watcher_takes_commits_in_until_it_is_stopped(filled):
    with rsidx.open(filled.path) as index:
        watcher = index.hooks.watcher(max_bytes=1_000_000, poll_s=600)
        oid = filled.commit("Add one to be watched", {"src/w.rs": "fn w() {}\n"})
        reports = []

        def report(done):
            reports.append(done.n_commits)
            watcher.stop()

        watcher.run(report=report)
        assert reports == [1]
        assert index.commit().oid == oid


def test_code_is_put_in_the_place_of_a_symbol(filled):
    file = filled.path / "src/lib.rs"
    before = file.read_text()
    with rsidx.open(filled.path) as index:
        new = CODE.format(name="c", n=4)
        diff = index.apply("src/lib.rs", "c", new).diff
        assert diff[:2] == ("--- a/src/lib.rs", "+++ b/src/lib.rs")
        assert file.read_text() == before
        assert index.apply("src/lib.rs", "c", new.encode(), write=True).diff == diff
        assert file.read_text() == new
        with pytest.raises(rsidx.PlacementError, match="does not define c"):
            index.apply("src/lib.rs", "c", "fn other() {}\n")
        assert index.undo("src/lib.rs", write=True).is_written
        assert file.read_text() == before


def test_nothing_is_printed_and_the_process_stays_as_it_is(filled, capfd):
    before = dict(os.environ), logging.getLogger().handlers[:], Path.cwd()
    with rsidx.open(filled.path) as index:
        index.update()
        list(index.commits())
    assert (dict(os.environ), logging.getLogger().handlers[:], Path.cwd()) == before
    assert capfd.readouterr() == ("", "")
