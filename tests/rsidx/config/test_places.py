"""The places that set an option, and which of them decides."""

import json

import pytest

from rsidx import config
from rsidx.__main__ import main
from rsidx.option import settable, variables_of
from tests.rsidx.config.options import COMMANDS, OPTIONS, expected, settings, toml, value_of


def test_every_command_reads_what_is_set_elsewhere():
    without = [
        command
        for command, leaf in COMMANDS.items()
        if "config_file" not in {parameter.name for parameter in leaf.params}
    ]
    assert without == []


@pytest.mark.parametrize(("command", "key"), OPTIONS)
def test_an_option_is_set_by_its_variable_and_in_the_user_s_own_file(
    mine, monkeypatch, command, key
):
    option = settable(COMMANDS[command])[key]
    value = value_of(option)
    mine.write_text(f"[{'.'.join(command)}]\n{toml(key, value)}")
    assert settings(command) == config.Settings(expected(option, value))
    mine.write_text(toml(key, value))
    assert settings(command) == config.Settings(expected(option, value))
    mine.unlink()
    name = f"RSIDX_{'_'.join((*command, key)).replace('-', '_').upper()}"
    for variable in {name, *variables_of(option, command)}:
        with monkeypatch.context() as patch:
            patch.setenv(variable, str(value))
            assert settings(command) == config.Settings(expected(option, value))
            patch.setenv(variable, "")
            assert settings(command) == config.Settings()


def test_the_first_place_that_sets_an_option_decides_key_by_key(repo, mine, monkeypatch):
    (repo.path / "rsidx.toml").write_text(
        '[export]\nmax-tokens = 100\nseed = 1\nkind = "fim"\nkeep = "bulk"\n'
    )
    mine.write_text("max-tokens = 200\n[export]\nseed = 2\nkind = 'sequence'\n")
    monkeypatch.setenv("RSIDX_EXPORT_SEED", "3")
    monkeypatch.setenv("RSIDX_EXPORT_KEEP", "bots merges")
    assert settings(("export",), own=repo.path).defaults == {
        "max_tokens": 200, "seed": 3, "kind": "sequence", "keep": ("bots", "merges"),
    }  # fmt: skip
    other = repo.path / "other.toml"
    other.write_text("[export]\nmax-tokens = 300\n")
    assert settings(("export",), other, repo.path).defaults == {
        "max_tokens": 300, "seed": 3, "kind": "fim", "keep": ("bots", "merges"),
    }  # fmt: skip


@pytest.mark.usefixtures("wordy")
def test_settings_rise_from_the_files_to_the_variables_to_the_options(
    repo, cli, tmp_path, mine, monkeypatch, tokenizer_file
):
    repo.commit("one", {"src/lib.rs": "pub fn one() -> u32 { 1 }\n"})
    cli("backfill")
    (repo.path / "rsidx.toml").write_text('[export]\nmax-tokens = 500\nkeep = ["bots"]\n')

    def exported(*options):
        out = cli("export", tmp_path / "out", "--json", "--split", "1,0,0",
                  "--tokenizer", tokenizer_file, *options).out  # fmt: skip
        return json.loads(out)["config"]

    assert (exported()["max_tokens"], exported()["keep"]) == (500, ["bots"])
    mine.write_text("[export]\nmax-tokens = 550\n")
    assert (exported()["max_tokens"], exported()["keep"]) == (550, ["bots"])
    monkeypatch.setenv("RSIDX_EXPORT_MAX_TOKENS", "600")
    assert exported()["max_tokens"] == 600
    assert exported("--max-tokens", "700")["max_tokens"] == 700


@pytest.mark.usefixtures("wordy")
def test_a_licence_gate_that_a_variable_sets_gates_as_the_option_does(
    repo, cli, tmp_path, monkeypatch, tokenizer_file
):
    manifest = '[package]\nname = "gpl"\nversion = "1.0.0"\nlicense = "GPL-3.0-only"\n'
    repo.commit("one", {"Cargo.toml": manifest, "src/lib.rs": "pub fn one() -> u32 { 1 }\n"})
    cli("backfill")
    export = ("--tokenizer", str(tokenizer_file), "--split", "1,0,0", "--json")

    def rows(name, *options):
        # It is refused, or nothing is in it.
        main(["export", str(tmp_path / name), *export, *options])
        file = tmp_path / name / "train.jsonl"
        return file.read_text() if file.exists() else ""

    assert rows("all")
    assert rows("option", "--license", "MIT") == ""
    monkeypatch.setenv("RSIDX_EXPORT_LICENSE", "MIT Apache-2.0")
    assert rows("variable") == ""
    monkeypatch.setenv("RSIDX_EXPORT_LICENSE", "MIT GPL-3.0-only")
    assert rows("met") == rows("all")


def test_a_shared_setting_reaches_every_command(repo, cli, tmp_path):
    repo.commit("one", {"src/lib.rs": "pub fn one() {}\n"})
    file = tmp_path / "mine.toml"
    file.write_text(f'db = "{tmp_path / "elsewhere.db"}"\n')
    named = ("--config", str(file))
    assert "no index at" in cli("status", *named, status=1).err
    cli("backfill", *named)
    shown = json.loads(cli("status", "--json", *named).out)
    assert shown["database"] == str(tmp_path / "elsewhere.db")


def test_the_repository_is_found_on_either_side_of_the_file(
    repo, make_repo, cli, tmp_path, monkeypatch
):
    other = make_repo("other")
    (other.path / "rsidx.toml").write_text("[backfill]\njobs = 1\n")
    (tmp_path / "mine.toml").write_text("")
    named = ("--config", tmp_path / "mine.toml")
    for options in ((*named, "-C", other.path), ("-C", other.path, *named)):
        assert "other/rsidx.toml: backfill.jobs" in cli("status", *options, status=1).err
    monkeypatch.setenv("GIT_DIR", str(repo.path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(repo.path))
    monkeypatch.chdir(other.path)
    assert "no index at" in cli("status", *named, status=1).err
    monkeypatch.setenv("RSIDX_REPO", str(other.path))
    assert "other/rsidx.toml: backfill.jobs" in cli("status", *named, status=1).err
    assert repo.path.exists()


def test_the_repository_s_file_counts_as_the_user_s_own_where_the_user_names_it(repo):
    file = repo.path / "rsidx.toml"
    file.write_text("[backfill]\njobs = 1\n")
    assert settings(("backfill",), file, repo.path) == config.Settings({"jobs": 1})


def test_a_relative_xdg_folder_is_none_of_the_user_s(repo, cli, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", ".")
    (repo.path / "rsidx").mkdir()
    (repo.path / "rsidx/config.toml").write_text("[apply]\nwrite = true\n")
    assert settings(("apply",), own=repo.path) == config.Settings()
    assert cli("--version").out


def test_a_number_or_a_date_may_stand_without_quotes(mine):
    mine.write_text("[export]\nembargo = 20\n[backfill]\nsince = 2024-01-31\n")
    assert settings(("export",)).defaults == {"embargo": "20"}
    assert settings(("backfill",)).defaults == {"since": "2024-01-31"}


def test_other_variables_are_left_alone(repo, cli, monkeypatch):
    repo.commit("one")
    for name in ("RSIDX", "RSIDX_TEST_X", "RSIDX_PROBE", "RSIDX_FOREIGN", "RSIDXEXPORT_X",
                 "RSIDX_EXPORT", "RSIDX_EXPORTS_X", "XRSIDX_EXPORT_X"):  # fmt: skip
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("RSIDX_EXPORT_X", "")
    cli("backfill")
