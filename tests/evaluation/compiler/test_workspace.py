"""A scratch clone has a commit's files as they are in git, and gives what it writes a new time."""

import os

import pytest

from rsidx.errors import EvaluationError
from rsidx.evaluation.compiler.workspace import Workspace
from rsidx.evaluation.lines import append_line, read_lines
from rsidx.indexer.git.discovery import discover


@pytest.fixture
def workspace(repo, tmp_path):
    repo.commit("begin", {"a.rs": "a\n", "b.rs": "b\n"})
    return Workspace(discover(repo.path), tmp_path / "worker")


def age(path):
    """Give a file an old time, as a build long ago would have seen it."""
    os.utime(path, (1_000_000_000, 1_000_000_000))


def test_it_moves_through_history_and_touches_only_what_differs(repo, workspace):
    first = repo.head()
    second = repo.commit("change", {"b.rs": "c\n"})
    workspace.move_to(first)
    before = [(workspace.tree / name).stat().st_mtime_ns for name in ("a.rs", "b.rs")]
    workspace.move_to(second)
    assert (workspace.tree / "b.rs").read_bytes() == b"c\n"
    after = [(workspace.tree / name).stat().st_mtime_ns for name in ("a.rs", "b.rs")]
    assert after[0] == before[0]
    assert after[1] > before[1]


def test_what_is_written_and_restored_has_a_new_time(repo, workspace):
    workspace.move_to(repo.head())
    file = workspace.tree / "a.rs"
    for act in (
        lambda: workspace.write("a.rs", b"x\n"),
        lambda: workspace.write("a.rs", b"a\n"),
        workspace.restore,
    ):
        age(file)
        act()
        assert file.stat().st_mtime > 1_000_000_000
    assert file.read_bytes() == b"a\n"
    workspace.write("a.rs", b"x\n")
    assert workspace.read("a.rs") == b"a\n"


def test_moving_takes_away_whatever_was_written(repo, workspace):
    workspace.move_to(repo.head())
    workspace.write("a.rs", b"x\n")
    (workspace.tree / "more").mkdir()
    (workspace.tree / "more" / "Cargo.lock").write_text("made")
    workspace.move_to(repo.head())
    assert (workspace.tree / "a.rs").read_bytes() == b"a\n"
    assert not (workspace.tree / "more").exists()


def test_no_program_and_no_filter_of_the_repository_runs(repo, workspace, tmp_path):
    trace = tmp_path / "ran"
    hook = repo.path / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {trace}\n")
    hook.chmod(0o755)
    repo.git("config", "filter.evil.smudge", f"touch {trace}; cat")
    commit = repo.commit(
        "attributes",
        {".gitattributes": "*.rs filter=evil eol=crlf ident\n", "c.rs": "// $Id$\nc\n"},
    )
    trace.unlink(missing_ok=True)
    workspace.move_to(commit)
    assert (workspace.tree / "c.rs").read_bytes() == b"// $Id$\nc\n"
    assert not trace.exists()


def test_a_link_is_no_file_and_is_never_written_through(repo, workspace, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("safe")
    (repo.path / "link.rs").symlink_to(outside)
    workspace.move_to(repo.commit("link"))
    assert workspace.read("link.rs") is None
    with pytest.raises(EvaluationError, match=r"link.rs is no file"):
        workspace.write("link.rs", b"x")
    assert outside.read_text() == "safe"


def test_a_commit_that_is_not_there_is_named(workspace):
    with pytest.raises(EvaluationError, match=r"commit 1111.* cannot be checked out"):
        workspace.move_to("1" * 40)


def test_a_target_that_has_grown_too_large_is_begun_anew(workspace):
    (workspace.target / "built").write_bytes(b"x" * 1000)
    workspace.limit_target(1000)
    assert (workspace.target / "built").exists()
    workspace.limit_target(999)
    assert list(workspace.target.iterdir()) == []


def test_a_line_that_was_interrupted_is_cut_off(tmp_path):
    file = tmp_path / "lines"
    assert read_lines(file) == []
    append_line(file, {"a": 1})
    with file.open("ab") as opened:
        opened.write(b'{"a": 2')
    assert read_lines(file) == [{"a": 1}]
    append_line(file, {"a": 3})
    assert read_lines(file) == [{"a": 1}, {"a": 3}]
