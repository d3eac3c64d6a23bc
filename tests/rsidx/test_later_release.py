"""An index that a later release wrote: every command says so in one line, and leaves it alone."""

import sqlite3

import pytest

from rsidx.__main__ import main

COMMANDS = [
    ("backfill",),
    ("status",),
    ("status", "--json"),
    ("backup", "copy.db"),
    ("gc",),
    ("forget", "src/lib.rs"),
    ("symbols", "f"),
    ("refs", "f"),
    ("show", "HEAD"),
    ("context", "src/lib.rs:f"),
    ("export", "out", "--tokenizer", "TOKENIZER"),
    ("tokenizer", "train", "out"),
]


@pytest.fixture
def later(repo, capfd, monkeypatch):
    """The index of a repository, as a later release would have upgraded it."""
    monkeypatch.chdir(repo.path)
    repo.commit("Add a function", {"src/lib.rs": "fn f() {}\n"})
    assert main(["backfill"]) == 0
    capfd.readouterr()
    file = repo.path / ".git" / "rsidx" / "index.db"
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    return file


def dump(file):
    with sqlite3.connect(file) as connection:
        lines = list(connection.iterdump())
    connection.close()
    return lines


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_index_of_a_later_schema_is_refused_in_one_line(later, capfd, tokenizer_file, command):
    before = dump(later)
    given = [str(tokenizer_file) if one == "TOKENIZER" else one for one in command]
    status = main(given)
    said = "".join(capfd.readouterr())
    assert status == 1, said
    assert said.count("\n") == 1
    assert "the index was written by a newer rsidx (schema 9999, this one knows " in said
    assert "upgrade rsidx" in said
    assert dump(later) == before


def test_a_hook_does_not_fail_on_an_index_of_a_later_schema(later, capfd):
    before = dump(later)
    assert main(["hooks", "run"]) == 0
    # A hook's worker has no stderr but the log.
    assert "newer rsidx" in capfd.readouterr().err
    assert dump(later) == before
