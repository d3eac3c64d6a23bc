"""`rsidx apply` writes what was asked for, whole or not at all, and takes it back if asked to."""

import itertools
import json
import os
import stat
import subprocess
import sys

import pytest

import rsidx
from rsidx import files
from rsidx.__main__ import main
from rsidx.files import put
from rsidx.indexer.undo import MAX_WRITES, UndoLog
from rsidx.locking import locked

SOURCE = b"""\
pub fn act() -> u32 {
    1
}

pub fn free() -> u32 { 1 }
"""
FREE = b"\npub fn free() -> u32 { 2 }\n"


@pytest.fixture
def apply(repo, monkeypatch, capfd, tmp_path):
    monkeypatch.chdir(repo.path)
    repo.commit("the first commit", {"src/lib.rs": SOURCE})

    def run(*arguments, code=FREE):
        (tmp_path / "code").write_bytes(code)
        capfd.readouterr()
        status = main(["apply", *map(str, arguments), str(tmp_path / "code")])
        return status, capfd.readouterr().err

    return run


AFTER = SOURCE.replace(b"{ 1 }", b"{ 2 }")


def test_a_link_stays_one_and_what_it_leads_to_is_written(apply, repo, tmp_path):
    (repo.path / "link.rs").symlink_to("src/lib.rs")
    assert apply("link.rs:free", "--write") == (0, "")
    assert (repo.path / "link.rs").is_symlink()
    assert (repo.path / "src/lib.rs").read_bytes() == AFTER
    (tmp_path / "outside.rs").write_bytes(SOURCE)
    (repo.path / "out.rs").symlink_to(tmp_path / "outside.rs")
    status, err = apply("out.rs:free", "--write")
    assert (status, "not in the worktree" in err) == (1, True)
    assert (tmp_path / "outside.rs").read_bytes() == SOURCE


def test_the_mode_stays_and_a_file_that_is_read_only_is_refused(apply, repo):
    file = repo.path / "src/lib.rs"
    file.chmod(0o750)
    assert apply("src/lib.rs:free", "--write") == (0, "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o750
    file.chmod(0o444)
    status, err = apply("src/lib.rs:free", "--write", code=b"pub fn free() {}\n")
    assert (status, err) == (1, "rsidx: src/lib.rs is read-only\n")
    assert file.read_bytes() == AFTER


def test_what_is_no_file_and_what_is_git_s_is_refused(apply, repo):
    os.mkfifo(repo.path / "pipe.rs")
    assert "is not a file" in apply("pipe.rs:free", "--write")[1]
    (repo.path / ".git/x.rs").write_bytes(SOURCE)
    assert "not in the worktree" in apply(".git/x.rs:free", "--write")[1]
    (repo.path / "loop.rs").symlink_to("loop.rs")
    (repo.path / "Makefile").write_bytes(SOURCE)
    for options in (("loop.rs:free",), ("loop.rs",), ("loop.rs", "--undo")):
        status, err = apply(*options, "--write")
        assert (status, err) == (1, "rsidx: loop.rs is a link that leads to itself\n")
    for address in ("Makefile:free", "Makefile:1"):
        status, err = apply(address, "--write")
        assert (status, err) == (1, "rsidx: Makefile is no Rust file\n")
    long = "a" * 300 + ".rs"
    for options in ((long,), (f"{long}:free",), (long, "--undo")):
        status, err = apply(*options, "--write")
        assert (status, "File name too long" in err) == (1, True)


def test_a_file_that_is_edited_meanwhile_stays_as_it_is(apply, repo, monkeypatch):
    file = repo.path / "src/lib.rs"
    plain = os.fsync

    def edit(descriptor):
        file.write_bytes(b"// mine\n")
        plain(descriptor)

    monkeypatch.setattr(files.os, "fsync", edit)
    status, err = apply("src/lib.rs:free", "--write")
    assert (status, "was changed meanwhile" in err) == (20, True)
    assert file.read_bytes() == b"// mine\n"
    assert [path.name for path in file.parent.iterdir()] == ["lib.rs"]
    # What was not written cannot be taken back.
    status, err = apply("src/lib.rs", "--undo", "--write")
    assert (status, "nothing was written to src/lib.rs" in err) == (1, True)


def test_while_another_writes_nothing_is_taken_back_in_part(apply, repo):
    assert apply("src/lib.rs:free", "--write") == (0, "")
    with locked(repo.path / ".git/rsidx/undo.lock"):
        for arguments in (("src/lib.rs", "--undo", "--write"), ("src/lib.rs:act", "--write")):
            status, err = apply(*arguments, code=b"    fn act(&self) {}\n")
            assert (status, "another rsidx writes to this worktree" in err) == (1, True)
            assert (repo.path / "src/lib.rs").read_bytes() == AFTER
    assert apply("src/lib.rs", "--undo", "--write") == (0, "")


@pytest.mark.usefixtures("apply")
def test_it_is_written_though_nobody_reads_the_diff(repo, tmp_path):
    (tmp_path / "code").write_bytes(FREE)
    command = [sys.executable, "-P", "-m", "rsidx", "apply", "src/lib.rs:free", "--write",
               str(tmp_path / "code")]  # fmt: skip
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (repo.path / "src/lib.rs").read_bytes() == AFTER
    assert done.stderr == b""


def test_nothing_is_waited_for_to_delete(apply, repo):
    status, err = apply("src/lib.rs:free", "--write", code=b"")
    assert (status, "the new code is empty" in err) == (15, True)
    assert apply("src/lib.rs:free", "--write", "--delete", code=b"") == (0, "")
    assert b"free" not in (repo.path / "src/lib.rs").read_bytes()


def test_a_file_that_cannot_be_written_leaves_the_one_before(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"before")

    def fail():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        put(file, b"after", fail)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir() if path.is_file()] == [
        ("file", b"before")
    ]


def test_an_answer_that_is_written_is_taken_back_while_nothing_else_changed_it(apply, repo):
    file = repo.path / "src/lib.rs"
    again = FREE.replace(b"{ 2 }", b"{ 3 }")
    assert apply("src/lib.rs:free", "--write") == (0, "")
    assert apply("src/lib.rs:free", "--write", code=again) == (0, "")
    assert apply("src/lib.rs", "--undo")[1] == "rsidx: nothing is written without --write\n"
    assert file.read_bytes() == SOURCE.replace(b"{ 1 }", b"{ 3 }")
    file.write_bytes(file.read_bytes() + b"// mine\n")
    status, err = apply("src/lib.rs", "--undo", "--write")
    assert (status, err) == (20, "rsidx: src/lib.rs was changed since, and stays as it is\n")
    file.write_bytes(file.read_bytes().removesuffix(b"// mine\n"))
    for expected in (AFTER, SOURCE):
        assert apply("src/lib.rs", "--undo", "--write") == (0, "")
        assert file.read_bytes() == expected
    status, err = apply("src/lib.rs", "--undo", "--write")
    assert (status, err) == (1, "rsidx: nothing was written to src/lib.rs that is still known\n")
    with rsidx.open(repo.path) as index:
        same = index.apply("src/lib.rs", "free", FREE.replace(b"{ 2 }", b"{ 1 }"), write=True)
    assert (same.is_written, same.diff) == (False, ())
    log = repo.path / ".git/rsidx/undo.jsonl"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_file_that_is_not_there_is_made_and_taken_back(apply, repo):
    file = repo.path / "src/deep/new.rs"
    assert apply("src/deep/new.rs", "--write") == (0, "")
    assert file.read_bytes() == FREE
    assert "name a symbol" in apply("src/deep/new.rs")[1]
    assert apply("src/deep/new.rs", "--undo", "--write") == (0, "")
    assert not file.exists()
    assert "is no Rust file" in apply("src/new.txt", "--write")[1]
    assert "not in the worktree" in apply("../new.rs", "--write")[1]


def test_only_the_last_writes_are_known(tmp_path):
    log = UndoLog(tmp_path / "undo.jsonl")
    texts = [b"%d" % n for n in range(MAX_WRITES + 3)]
    for before, after in itertools.pairwise(texts):
        with log.noted("a.rs", before, after):
            pass
    assert log.last("a.rs", texts[-1]).text == texts[-2]
    assert log.last("a.rs", texts[3]).text == texts[2]
    assert log.last("a.rs", texts[2]) is None
    assert log.last("b.rs", texts[-1]) is None
    log.remove(log.last("a.rs", texts[-2]))
    assert log.last("a.rs", texts[-1]) is None
    assert log.last("a.rs", texts[-3]).text == texts[-4]


@pytest.mark.usefixtures("apply")
def test_what_is_done_is_said_as_json(capfd, tmp_path):
    (tmp_path / "code").write_bytes(b"```rust\n" + FREE + b"```\n<|endoftext|>\n")
    code = str(tmp_path / "code")
    assert main(["apply", "src/lib.rs:free", code, "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    start = SOURCE.index(FREE.replace(b"{ 2 }", b"{ 1 }"))
    assert found["old"] == found["new"] == [start, start + len(FREE)]
    assert (found["outcome"], found["is_written"], found["names"]) == ("applies", False, ["free"])
    assert found["left_out"] == ["the end token <|endoftext|>", "the lines of ```"]
    assert "+pub fn free() -> u32 { 2 }" in found["diff"]
    assert main(["apply", "src/lib.rs:absent", code, "--json"]) == 18
    refused = json.loads(capfd.readouterr().out)
    assert refused == {"outcome": "no_place", "reason": "absent is defined nowhere in the file"}
    assert main(["apply", "src/lib.rs:free", code]) == 0
    assert "rsidx: the end token <|endoftext|> left out\n" in capfd.readouterr().err


def test_to_undo_is_for_a_file(apply):
    for options in (("src/lib.rs:free", "--undo"), ("src/lib.rs", "--undo", "--after", "free")):
        assert apply(*options)[0] == 2
