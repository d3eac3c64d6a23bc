"""The options that commands share, on every command there is."""

import click
import pytest

from rsidx.__main__ import main
from rsidx.commands.options import repository_options
from rsidx.commands.root import root
from tests.repositories import Repo

NOT_TAKEN = {
    "tokenizer compare": "reads a data set, and no index",
    "recipe": "reads a data set, and no index",
    "inspect": "reads a data set, and no index",
    "report": "reads a data set, and no index",
    "eval predict": "asks with the rows of a data set, and no index",
    "eval report": "reads a result, and no index",
    "eval compare": "reads two results, and no index",
    "corpus run": "reads a configuration of its own",
    "corpus status": "reads a configuration of its own",
    "corpus verify": "reads a configuration of its own",
    "hooks wake": "works for the clone that it runs in, which the index knows",
    "hooks run": "works for the clone that it runs in, which the index knows",
}
"""The commands without all of them, and why."""


def commands(group=root, before=()):
    """Yield the words and the command of every command, those of groups and hidden ones, too."""
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command, words = group.get_command(ctx, name), (*before, name)
        if isinstance(command, click.Group):
            yield from commands(command, words)
        else:
            yield words, command


@click.command(add_help_option=False)
@repository_options
def declared(**_):
    """Take the shared options alone."""


def described(command):
    """What is declared of each option by its flags, but for its Python class's own state."""
    found = {}
    for option in command.params:
        if isinstance(option, click.Option):
            about = option.to_info_dict()
            found[tuple(option.opts)] = {**about, "class": type(option)}
    return found


def test_every_command_takes_the_shared_options_as_they_are_declared():
    shared = described(declared)
    assert {max(flags, key=len) for flags in shared} == {
        "--repo", "--db", "--name", "--config", "--log-level"
    }  # fmt: skip
    assert ("-C", "--repo") in shared
    n_commands, without = 0, set()
    for words, command in commands():
        n_commands += 1
        own = described(command)
        if shared.items() <= own.items():
            continue
        without.add(" ".join(words))
    assert n_commands > 20
    assert without == set(NOT_TAKEN)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """An index with two repositories of one folder name, and the second of them."""
    folder = tmp_path_factory.mktemp("shared")
    database = folder / "shared.db"
    for name in ("first", "second"):
        repo = Repo(folder / name / "utils")
        repo.commit("one change", {"src/lib.rs": f"pub fn {name}() {{}}\n"})
        words = ["backfill", "-C", str(repo.path), "--db", str(database), "--name", name]
        assert main(words) == 0
    return database, repo


READING = [
    ("status",),
    ("gc", "--dry-run"),
    ("forget", "--dry-run", "src/lib.rs"),
    ("symbols", "second"),
    ("refs", "second"),
    ("show", "HEAD"),
    ("context", "src/lib.rs"),
    ("tokenizer", "inspect", "TOKENIZER"),
    ("export", "OUT", "--tokenizer", "TOKENIZER", "--dry-run"),
]


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_command_goes_by_the_clone_or_by_the_name(
    shared, words, tokenizer_file, tmp_path, monkeypatch, capsys
):
    database, repo = shared
    places = {"TOKENIZER": str(tokenizer_file), "OUT": str(tmp_path / "out")}
    monkeypatch.chdir(tmp_path)
    command = [places.get(word, word) for word in words]
    where = ["-C", str(repo.path), "--db", str(database)]
    assert main([*command, *where]) == 0
    by_clone = capsys.readouterr()
    assert main([*command, *where, "--name", "second"]) == 0
    assert capsys.readouterr().out == by_clone.out
    assert main([*command, *where, "--name", "third"]) == 1
    assert "the index has first, second, and no third" in capsys.readouterr().err


def test_a_tokenizer_is_measured_on_the_repository_that_is_named(
    shared, tokenizer_file, monkeypatch, capsys, tmp_path
):
    database, repo = shared
    monkeypatch.chdir(tmp_path)
    words = ["tokenizer", "inspect", str(tokenizer_file)]
    assert main([*words, "-C", str(repo.path), "--db", str(database)]) == 0
    assert "coverage" in capsys.readouterr().out
    assert main([*words, "-C", str(repo.path)]) == 1
    assert "there is no index at" in capsys.readouterr().err
    assert main(words) == 0
    assert "coverage" not in capsys.readouterr().out
