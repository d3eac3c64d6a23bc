"""What the commands say: numbers with their nouns, colours, and what to do next."""

import click
import pytest

from rsidx.__main__ import main
from rsidx.output import counted, echo_styled, resumable


def test_a_number_has_its_noun():
    assert [counted(n, "commit") for n in (0, 1, 1200)] == [
        "0 commits",
        "1 commit",
        "1,200 commits",
    ]


@pytest.mark.parametrize(("value", "is_plain"), [("1", True), ("", False), (None, False)])
def test_no_color_leaves_colours_out(monkeypatch, value, is_plain):
    if value is not None:
        monkeypatch.setenv("NO_COLOR", value)
    said = []
    monkeypatch.setattr(click.utils, "should_strip_ansi", lambda _, color=None: color is False)
    monkeypatch.setattr(click.utils, "_default_text_stdout", lambda: Lines(said))
    echo_styled(click.style("x", fg="red"))
    assert (said[0] == "x\n") is is_plain


class Lines:
    """A stream that keeps what is written."""

    encoding = "utf-8"

    def __init__(self, kept):
        self.write = kept.append

    def flush(self):
        """Do nothing."""


def test_what_goes_on_when_it_is_run_again_says_so_when_it_is_interrupted(monkeypatch, capfd, repo):
    monkeypatch.chdir(repo.path)
    repo.commit("one", {"a.rs": "fn a() {}\n"})

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("rsidx.api.index.sync", interrupt)
    assert main(["backfill"]) == 130
    assert "interrupted; run it again, and it goes on from here" in capfd.readouterr().err
    monkeypatch.setattr("rsidx.indexer.gc.collect", interrupt)
    assert main(["backfill", "--db", "x"]) == 130
    assert main(["gc", "--db", "x"]) == 130
    assert capfd.readouterr().err.rstrip().endswith("rsidx: interrupted")
    with pytest.raises(KeyboardInterrupt, match="goes on"), resumable():
        raise KeyboardInterrupt


def test_an_export_without_rows_says_so_and_why(repo, tokenizer_file, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(repo.path)
    repo.commit("Add some words about nothing", {"words.txt": "words\n"})
    assert main(["backfill"]) == 0
    out = tmp_path / "out"
    assert main(["export", str(out), "--tokenizer", str(tokenizer_file)]) == 0
    assert "there are no rows: no commit asked for changes Rust code" in capfd.readouterr().out
    card = (out / "README.md").read_text()
    assert "It has no rows" in card
    # The loader of the hub cannot guess a type, and cannot open a split that it is not told of.
    assert card.count("path: ") == card.count("- split: ") == 6
    assert '  - {"name": "input_ids", "list": "int64"}' in card
    repo.commit("x", {"a.rs": "fn a() {}\n"})
    assert main(["backfill"]) == 0
    command = ["export", str(out), "--tokenizer", str(tokenizer_file), "--min-message", "50"]
    assert main(command) == 0
    assert "there are no rows: all of it was left out" in capfd.readouterr().out


def test_a_file_that_is_no_rust_is_named_as_not_indexed(repo, monkeypatch, capfd):
    monkeypatch.chdir(repo.path)
    repo.commit("Add some words about nothing", {"README": "words\n", "a.rs": "fn a() {}\n"})
    assert main(["backfill"]) == 0
    assert main(["context", "README"]) == 1
    assert "among the files that are indexed: *.rs" in capfd.readouterr().err


def test_what_forget_let_go_of_is_not_said_to_be_new_to_git(repo, monkeypatch, capfd):
    monkeypatch.chdir(repo.path)
    repo.commit("Add a function to forget", {"a.rs": "fn a() {}\n"})
    for command in (["backfill"], ["forget", "a.rs"], ["forget", "a.rs", "--undo"]):
        assert main(command) == 0
    said = capfd.readouterr().out
    assert "1 file version and 0 messages forgotten, 1 chunk dropped" in said
    assert "reads 1 file version again" in said
    assert main(["backfill"]) == 0
    assert "1 file version read that the index lacked before" in capfd.readouterr().out
