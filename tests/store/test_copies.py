"""Copies of an index: whole ones are read, torn ones are refused in one line."""

import os
import random
import shutil
import sqlite3
import threading

import pytest
from sqlalchemy import text

from rsidx.__main__ import main
from rsidx.errors import IndexStoreError
from rsidx.store import copies
from rsidx.store import database as database_module
from rsidx.store.copies import MADE_BY_BACKUP, home_of
from rsidx.store.database import Database, resolve_url
from rsidx.store.dump import dump

PAGE = 8192


def opened(file, *, create=False):
    return Database(resolve_url(str(file)), create=create)


def dumped(file):
    """Return what an index says but for its refs, of which an older record is no fault."""
    database = opened(file)
    try:
        with database.reading() as connection:
            return [line for line in dump(connection) if not line.startswith("ref ")]
    finally:
        database.close()


def refused(file):
    """Return why a file is refused, empty where it is read."""
    try:
        opened(file).close()
    except IndexStoreError as error:
        return str(error)
    return ""


@pytest.fixture
def checks(monkeypatch):
    """The files that were looked at as a whole."""
    seen = []
    fault = copies.fault

    def counted(connection, file):
        seen.append(file)
        return fault(connection, file)

    monkeypatch.setattr(database_module, "fault", counted)
    monkeypatch.setattr(copies, "fault", counted)
    return seen


@pytest.fixture
def states(repo, make_index, tmp_path):
    """Two states of an index, a transaction apart, as files at rest."""
    repo.commit("an empty file", {"src/empty.rs": ""})
    repo.commits(
        (f"number {n}", {f"src/m{k}.rs": f"pub fn f{n}_{k}() {{}}\n" for k in range(9)})
        for n in range(12)
    )
    index = make_index(repo)
    found = []
    for revision in ("HEAD~5", "HEAD"):
        index.sync(revision)
        index.database.close()
        found.append(tmp_path / f"{revision[-1]}.db")
        shutil.copy(index.file, found[-1])
    return found


def test_a_copy_is_looked_at_once_and_where_it_was_moved_to_not_at_all(states, tmp_path, checks):
    copy = states[0]
    opened(copy).close()
    assert checks == [copy]
    moved = copy.rename(tmp_path / "moved.db")
    opened(moved).close()
    opened(moved).close()
    assert checks == [copy]
    again = shutil.copy(moved, tmp_path / "again.db")
    opened(again).close()
    assert len(checks) == 2


def test_an_index_at_home_is_never_looked_at_as_a_whole(repo, make_index, checks):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    index = make_index(repo)
    index.sync()
    for _ in range(3):
        opened(index.file).close()
    assert checks == []


def test_what_backup_wrote_needs_no_look_until_it_is_written_to(repo, make_index, tmp_path, checks):
    repo.commit("one", {"a.rs": "fn a() {}\n"})
    index = make_index(repo)
    index.sync()
    out = tmp_path / "copy.db"
    steps = []
    index.database.back_up(out, lambda *step: steps.append(step))
    assert out.stat().st_mode & 0o777 == 0o600
    assert steps[-1][0] == steps[-1][1] > 0
    del checks[:]
    assert dumped(out) == dumped(index.file)
    assert checks == []
    database = opened(out)
    with database.writing() as connection:
        connection.execute(text("INSERT INTO name (id, text) VALUES (99999, 'x')"))
        connection.commit()
    database.close()
    opened(out).close()
    assert checks == []
    opened(shutil.copy(out, tmp_path / "by-hand.db")).close()
    assert checks == [tmp_path / "by-hand.db"]


def torn_of(old, new, seed):
    """Yield files with pages of two states, as a copy in the middle of a transaction has."""
    pick = random.Random(seed)
    n_old, n_new = len(old) // PAGE, len(new) // PAGE
    for _ in range(40):
        at, to = sorted(pick.sample(range(n_new + 1), 2))
        at, to = at * PAGE, to * PAGE
        yield old[:at] + new[at:]
        yield new[:at] + old[at:]
        yield new[:at] + old[at:] + bytes(max(0, n_new - n_old) * PAGE)
        yield (old[:at] + new[at:to] + old[to:])[: max(len(old), to)]
        yield new[:at]
        yield new[: at + pick.randrange(PAGE)]


@pytest.mark.parametrize("seed", range(3))
def test_a_torn_copy_is_refused_in_one_line_and_no_other(states, tmp_path, seed):
    whole = [dumped(state) for state in states]
    old, new = (state.read_bytes() for state in states)
    n_refused = 0
    file = tmp_path / "torn.db"
    for content in torn_of(old, new, seed):
        if not content:
            continue
        file.unlink(missing_ok=True)
        file.write_bytes(content)
        reason = refused(file)
        if reason:
            assert content not in (old, new)
            assert "\n" not in reason
            assert "rsidx backup" in reason or "not a database" in reason
            n_refused += 1
        else:
            assert dumped(file) in whole
    assert n_refused > 100


@pytest.mark.parametrize("wal", [False, True])
def test_copies_made_by_hand_under_a_writer_are_whole_or_refused(tmp_path, monkeypatch, wal):
    monkeypatch.setattr(database_module, "wal_is_safe", lambda _: wal)
    file = tmp_path / "index.db"
    database = opened(file, create=True)
    is_done = threading.Event()

    def write():
        at = 0
        for _ in range(40):
            rows = [{"id": at + n, "text": f"{(at + n) * 7919 % 999983}-name"} for n in range(400)]
            at += 400
            with database.writing() as connection:
                connection.execute(text("INSERT INTO name VALUES (:id, :text)"), rows)
                connection.execute(text("INSERT INTO path VALUES (:id, :text)"), rows)
                connection.commit()
        is_done.set()

    writer = threading.Thread(target=write)
    writer.start()
    n_whole = n_torn = n_backups = 0
    while not is_done.is_set() or not n_backups:
        copy = tmp_path / "copy.db"
        copy.unlink(missing_ok=True)
        with file.open("rb") as source, copy.open("wb") as target:
            while data := source.read(PAGE):
                target.write(data)
        reason = refused(copy)
        if reason:
            assert "rsidx backup" in reason
            n_torn += 1
        else:
            n_whole += 1
            assert_whole(opened(copy))
        database.back_up(tmp_path / "backup.db", lambda *_: None)
        backup = opened(tmp_path / "backup.db")
        assert_whole(backup)
        n_backups += 1
    writer.join()
    database.close()
    assert n_whole + n_torn == n_backups


def assert_whole(database):
    with database.reading() as connection:
        counts = [
            connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()
            for table in ("name", "path")
        ]
    assert counts[0] == counts[1]
    assert counts[0] % 400 == 0
    database.close()


@pytest.fixture
def filled(repo, monkeypatch):
    repo.commit("Add a function", {"src/lib.rs": "pub fn f() {}\n"})
    monkeypatch.chdir(repo.path)
    assert main(["backfill"]) == 0
    return repo.path / ".git/rsidx/index.db"


def test_backup_replaces_an_earlier_copy_and_nothing_else(filled, tmp_path, capfd):
    out = tmp_path / "copy.db"
    assert main(["backup", str(out)]) == 0
    assert "is a complete copy of" in capfd.readouterr().out
    assert main(["backup", str(out)]) == 0
    others = {
        "text": b"mine",
        "empty": b"",
        "live.db": filled.read_bytes(),
        "other.db": b"SQLite format 3\0" + bytes(1000),
    }
    capfd.readouterr()
    for name, content in others.items():
        place = tmp_path / name
        place.write_bytes(content)
        assert main(["backup", str(place)]) == 1
        assert "name another" in capfd.readouterr().err
        assert place.read_bytes() == content
    (tmp_path / "link").symlink_to(out)
    for place in (tmp_path / "link", tmp_path / "home", filled, tmp_path / "none" / "copy.db"):
        assert main(["backup", str(place)]) == 1
        assert len(capfd.readouterr().err.splitlines()) == 1
    assert not list(tmp_path.rglob(".rsidx-*"))


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("wal", [False, True])
def test_a_backup_that_was_copied_in_part_is_refused(tmp_path, monkeypatch, wal):
    monkeypatch.setattr(database_module, "wal_is_safe", lambda _: wal)
    out = tmp_path / "copy.db"
    assert main(["backup", str(out)]) == 0
    content = out.read_bytes()
    for n_bytes in (PAGE, len(content) - PAGE, len(content) - 1):
        out.write_bytes(content[:n_bytes])
        assert "torn copy" in refused(out)
    out.write_bytes(content)
    assert refused(out) == ""


def test_an_interrupted_backup_leaves_nothing(filled, tmp_path):
    database = opened(filled)

    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.back_up(tmp_path / "copy.db", interrupt)
    database.close()
    assert not (tmp_path / "copy.db").exists()
    assert not list(tmp_path.glob(".rsidx-*"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
@pytest.mark.parametrize("wal", [False, True])
def test_a_copy_that_cannot_be_written_is_read_too(filled, tmp_path, monkeypatch, wal):
    monkeypatch.setattr(database_module, "wal_is_safe", lambda _: wal)
    folder = tmp_path / "folder"
    folder.mkdir()
    copy = shutil.copy(filled, folder / "copy.db")
    copy.chmod(0o400)
    folder.chmod(0o500)
    assert dumped(copy) == dumped(filled)


def test_a_damaged_index_is_not_backed_up(filled, tmp_path, capfd):
    with sqlite3.connect(filled) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DELETE FROM path")
    connection.close()
    assert main(["backup", str(tmp_path / "copy.db")]) == 1
    assert "the index is damaged" in capfd.readouterr().err
    assert not (tmp_path / "copy.db").exists()


def test_damage_that_shows_only_in_use_is_one_line_that_says_what_to_do(filled, capfd):
    content = filled.read_bytes()
    # All but the first pages: the schema is read, the rows are not.
    n_whole = 4 * PAGE
    filled.write_bytes(content[:n_whole] + b"\xff" * (len(content) - n_whole))
    assert main(["status"]) == 1
    [said] = capfd.readouterr().err.splitlines()
    assert "torn copy" in said
    assert "rsidx backfill" in said


def test_a_home_is_never_what_backup_says(tmp_path):
    assert home_of(tmp_path) not in (0, MADE_BY_BACKUP)
