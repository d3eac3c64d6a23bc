"""Locks: one holder at a time, and a clear word where a file system has none."""

import errno
import fcntl
import os
import stat

import pytest

from rsidx.__main__ import main
from rsidx.locking import HeldError, locked


def test_a_lock_is_held_once_and_for_its_owners_eyes_alone(tmp_path):
    file = tmp_path / "a.lock"
    with locked(file), pytest.raises(HeldError), locked(file):
        pass
    with locked(file):
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_on_the_new_one(tmp_path, monkeypatch):
    file = tmp_path / "a.lock"
    flock = fcntl.flock
    removed = []

    def slow(descriptor, how):
        if not removed:
            removed.append(file.unlink())
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", slow)
    with locked(file):
        assert file.exists()
        with pytest.raises(HeldError), locked(file):
            pass


REFUSALS = [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS]
RUST = "pub fn f() {\n    work();\n}\n"


@pytest.mark.parametrize("refusal", REFUSALS, ids=errno.errorcode.get)
def test_a_file_system_that_refuses_locks_is_named_in_one_line(
    repo, tokenizer_file, tmp_path, monkeypatch, capfd, refusal
):
    def refuse(*_):
        raise OSError(refusal, os.strerror(refusal))

    repo.commit("Add a function", {"src/lib.rs": RUST})
    monkeypatch.chdir(repo.path)
    assert main(["backfill"]) == 0
    capfd.readouterr()
    repo.commit("Change the function", {"src/lib.rs": RUST.replace("work", "play")})
    out = tmp_path / "out"
    inside = repo.path / ".git/rsidx"
    with monkeypatch.context() as refused:
        refused.setattr(fcntl, "flock", refuse)
        commands = (
            (inside, ["backfill"]),
            (inside, ["backfill", "--db", str(inside / "other.db")]),
            (inside, ["gc"]),
            (inside, ["forget", "src/lib.rs"]),
            (inside, ["watch"]),
            (inside, ["hooks", "install"]),
            (inside, ["export", str(out), "--tokenizer", str(tokenizer_file)]),
        )
        for folder, command in commands:
            assert main(command) == 1, command
            said = capfd.readouterr().err.splitlines()
            assert len(said) == 1, command
            assert str(folder) in said[0], command
            assert os.strerror(refusal) in said[0], command
        assert main(["hooks", "run"]) == 0
        assert os.strerror(refusal) in (inside / "index.db.log").read_text()
    assert main(["backfill"]) == 0


def test_a_place_for_exports_that_refuses_locks_is_named_and_left_as_it_was(
    repo, tokenizer_file, tmp_path, monkeypatch, capfd
):
    flock = fcntl.flock

    def refuse_folders(descriptor, how):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
        flock(descriptor, how)

    repo.commit("Add a function", {"src/lib.rs": RUST})
    monkeypatch.chdir(repo.path)
    assert main(["backfill"]) == 0
    capfd.readouterr()
    monkeypatch.setattr(fcntl, "flock", refuse_folders)
    place = tmp_path / "place"
    place.mkdir()
    assert main(["export", str(place / "out"), "--tokenizer", str(tokenizer_file)]) == 1
    [said] = capfd.readouterr().err.splitlines()
    assert str(place) in said
    assert os.strerror(errno.ENOLCK) in said
    assert list(place.iterdir()) == []
