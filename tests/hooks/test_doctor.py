"""What the doctor proves, and what it will not run."""

import os
import time
from contextlib import closing

import pytest

from rsidx.hooks.doctor import examine
from rsidx.hooks.script import MARK, block
from rsidx.indexer.git.discovery import discover
from rsidx.store.database import Database, resolve_url
from tests.hooks.installed import in_files, install

pytestmark = in_files


@pytest.fixture
def hooked(repo):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    install(repo)
    return repo


def file(repo):
    return discover(repo.path).common_dir / "rsidx" / "index.db"


def bad(repo):
    """The texts of what is not well."""
    return [one.text for one in examine(discover(repo.path), str(file(repo))) if not one.is_well]


def hook(repo):
    return repo.path / ".git/hooks/post-commit"


def test_all_is_well_in_every_worktree_and_nothing_of_theirs_is_run(repo, tmp_path):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    hook(repo).parent.mkdir(exist_ok=True)
    hook(repo).write_text("#!/bin/sh\necho theirs >>ran\n")
    hook(repo).chmod(0o755)
    install(repo)
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side", RSIDX="0")
    found = list(examine(discover(tmp_path / "linked"), str(file(repo))))
    assert [one.text for one in found if not one.is_well] == []
    fires = {one.name for one in found if one.text.startswith("fires")}
    assert fires == {f"hook in {repo.path}", f"hook in {tmp_path / 'linked'}"}
    assert not (repo.path / "ran").exists()


def test_a_bare_repository_is_proven_too(make_repo):
    bare = make_repo("bare.git", "--bare")
    install(bare)
    assert bad(bare) == []


@pytest.mark.parametrize("how", ["no hook", "other folder in a worktree", "mode", "changed",
                                 "not first", "program gone"])  # fmt: skip
def test_it_says_what_is_wrong_with_a_hook(hooked, how, tmp_path):
    path, text = hook(hooked), hook(hooked).read_text()
    where = hooked.path
    if how == "no hook":
        path.unlink()
    elif how == "other folder in a worktree":
        where = tmp_path / "linked"
        hooked.git("worktree", "add", "-q", str(where), "-b", "side", RSIDX="0")
        hooked.git("config", "extensions.worktreeConfig", "true")
        hooked.git("-C", str(where), "config", "--worktree", "core.hooksPath", "/nowhere")
    elif how == "mode":
        path.chmod(0o644)
    elif how == "changed":
        path.write_text(text.replace("trap '' HUP INT", f"touch {tmp_path}/run"))
    elif how == "not first":
        path.write_text("#!/bin/sh\nexit 0\n" + block("/bin/sh"))
    else:
        python = tmp_path / "python"
        path.write_text("#!/bin/sh\n" + block(str(python)))
    expected = {
        "no hook": "post-commit are missing", "other folder in a worktree": "not installed",
        "mode": "chmod +x", "changed": "does not begin with", "not first": "does not begin with",
        "program gone": "is gone",
    }[how]  # fmt: skip
    [text] = bad(hooked)
    assert expected in text
    assert not (tmp_path / "run").exists()
    assert where.exists()


def test_it_sees_the_switch_a_late_worker_and_an_index_that_is_not_sound(hooked, monkeypatch):
    monkeypatch.setenv("RSIDX", "0")
    assert bad(hooked) == ["RSIDX=0 is set here: no hook does anything"]
    monkeypatch.delenv("RSIDX")
    mark = discover(hooked.path).common_dir / MARK
    mark.touch()
    os.utime(mark, (time.time() - 300, time.time() - 300))
    assert ["never came" in text for text in bad(hooked)] == [True]
    mark.unlink()
    file(hooked).chmod(0o644)
    assert ["can be read by others" in text for text in bad(hooked)] == [True]
    file(hooked).chmod(0o600)
    database = Database(resolve_url(str(file(hooked))), create=False)
    with closing(database), database.writing() as connection:
        rows = [(n, f"name {n:06d}" * 20) for n in range(5000)]
        connection.exec_driver_sql("INSERT INTO name VALUES (?, ?)", rows)
        connection.commit()
    content = file(hooked).read_bytes()
    half = len(content) // 2
    file(hooked).write_bytes(content[:half] + b"\xff" * 40_000 + content[half + 40_000 :])
    assert ["remove it and run" in text for text in bad(hooked)] == [True]
    file(hooked).unlink()
    assert ["there is no index" in text for text in bad(hooked)] == [True]
