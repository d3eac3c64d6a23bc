"""Removed options: each error names the replacement."""

import pytest

from rsidx.__main__ import main
from rsidx.commands.root import root
from rsidx.option import leaves, settable, variable
from rsidx.removed import REMOVED

COMMANDS = dict(leaves(root, ()))
CASES = [
    (names, one)
    for one in REMOVED
    for names, command in COMMANDS.items()
    if one.is_of(names) and (one.variable or one.now in settable(command)) and "run" not in names
    if one.now
]


def said(capsys, *arguments, code):
    assert main(arguments) == code
    return capsys.readouterr().err


def test_each_entry_is_of_a_command_and_leads_to_an_option_that_it_has():
    for one in REMOVED:
        for names in one.commands:
            assert not one.now or one.now in settable(COMMANDS[names])
            assert one.name not in settable(COMMANDS[names])
        where = COMMANDS.values()
        assert one.variable or not one.now or any(one.now in settable(command) for command in where)


@pytest.mark.parametrize("name", ["as_json", "as-json"])
def test_a_key_in_a_file_is_answered_by_the_one_that_replaces_it(repo, capsys, tmp_path, name):
    file = tmp_path / "config.toml"
    for text in (f"{name} = true\n", f"[status]\n{name} = true\n"):
        file.write_text(text, "utf-8")
        line = said(capsys, "status", "-C", str(repo.path), "--config", str(file), code=1)
        assert f"{name}: this key is not read any more; use 'json' (since rsidx 0.2.0)" in line
        assert line.count("\n") == 1


def test_each_removed_key_and_variable_is_answered_in_every_command(
    repo, capsys, tmp_path, monkeypatch
):
    file = tmp_path / "config.toml"
    for names, one in CASES:
        shared = variable((*names, one.name))
        with monkeypatch.context() as patch:
            patch.setenv(shared, "1")
            line = said(capsys, "status", "-C", str(repo.path), code=1)
        now = one.variable or variable((*names, one.now))
        assert line == f"rsidx: {shared} is not read any more; set {now} (since rsidx 0.2.0)\n"
        if not one.variable:
            file.write_text(f"[{'.'.join(names)}]\n{one.name} = 1\n", "utf-8")
            line = said(capsys, "status", "-C", str(repo.path), "--config", str(file), code=1)
            assert f"{one.name}: this key is not read any more; use {one.now!r} (" in line


def test_a_flag_of_that_name_is_answered_too(capsys):
    text = said(capsys, "export", "out", "--licenses", "MIT", code=2)
    assert "No such option: --licenses; use --license (since rsidx 0.2.0)." in text
    text = said(capsys, "watch", "--poll_s", "1", code=2)
    assert "use --poll (since" in text
    text = said(capsys, "export", "out", "--context-at", "commit", code=2)
    assert "No such option: --context-at; nothing takes its place (since rsidx 0.2.0)." in text
    text = said(capsys, "export", "out", "--revision", "HEAD", code=2)
    assert "use --at" not in text


def test_a_table_of_such_a_name_is_an_unknown_table(repo, capsys, tmp_path):
    file = tmp_path / "config.toml"
    file.write_text("[system]\nx = 1\n", "utf-8")
    line = said(capsys, "status", "-C", str(repo.path), "--config", str(file), code=1)
    assert "unknown key [system]" in line
