"""What is set by variables and in files, and what a repository's own file may set."""

import json
import os
from pathlib import Path

import click
import pytest

from rsidx import config
from rsidx.__main__ import main
from rsidx.commands.root import root
from rsidx.indexer.git.repository import discover
from rsidx.option import Option, leaves, settable, variables_of

COMMANDS = dict(leaves(root, ()))
OPTIONS = [
    pytest.param(command, key, id=f"{' '.join(command)} --{key}")
    for command, leaf in COMMANDS.items()
    for key in settable(leaf)
]
HARMLESS = {
    (
        "export",
        "tokenizer",
    ): ("to a path inside the repository, or a name that is in the local cache"),
    ("export", "kind"): "",
    ("export", "level"): "",
    ("export", "fim-middle"): "",
    ("export", "fim-spm"): "",
    ("export", "seed"): "",
    ("export", "markers"): "",
    ("export", "dialect"): "",
    ("export", "split"): "",
    ("export", "embargo"): "",
    ("export", "new-commits"): "",
    ("export", "keep"): "without `secrets`",
    ("export", "max-chars"): "up to 4000",
    ("export", "max-tokens"): "up to 2048",
    ("export", "context-tokens"): "up to 1024",
    ("export", "max-files"): "up to 50",
    ("export", "max-edits-per-commit"): "",
    ("export", "min-message"): "up to 10",
    ("export", "message-numbers"): "",
    ("export", "line-ends"): "",
    ("export", "leave-out"): "",
    ("export", "since"): "",
    ("export", "labels"): "",
    ("export", "order"): "",
    ("tokenizer", "train", "size"): "up to 16384",
}
"""What a stranger's file may set: think of what it could do with an option before adding it."""


HOOKS = {("hooks", "run"), ("hooks", "wake")}


@pytest.fixture
def cli(repo, monkeypatch, capfd):
    monkeypatch.chdir(repo.path)

    def run(*arguments, status=0):
        assert main([str(a) for a in arguments]) == status
        return capfd.readouterr()

    return run


@pytest.fixture
def mine():
    """The user's own file, to be written."""
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "rsidx/config.toml"
    path.parent.mkdir(parents=True)
    return path


def settings(command, given=None, own=None):
    """What is set for a command, with the worktree of which the own file counts."""
    context = click.Context(root, info_name="rsidx")
    at = root
    for name in command:
        at = at.get_command(context, name)
        context = click.Context(at, info_name=name, parent=context)
    return config.settings(context, given, own)


def value_of(option):
    """A value that the option takes."""
    if option.is_flag:
        return True
    if isinstance(option.type, click.Choice):
        return str(option.type.choices[-1])
    if isinstance(option.type, click.IntRange | click.FloatRange):
        return max(option.type.min or 0, 0.5 if isinstance(option.type, click.FloatRange) else 1)
    return {"seed": 7, "boundaries": "."}.get(option.name, "x")


def toml(key, value):
    return f"{key} = {json.dumps(value)}\n"


def expected(option, value):
    converted = True if value is True else option.type.convert(str(value), option, None)
    return {option.name: (converted,) if option.multiple else converted}


def test_the_options_that_a_repository_may_set_are_these_alone():
    declared = {
        (*command, key): option.harmless_if
        for command, leaf in COMMANDS.items()
        for key, option in settable(leaf).items()
        if isinstance(option, Option) and option.harmless is not False
    }
    assert declared == HARMLESS


def test_every_command_reads_what_is_set_elsewhere():
    without = [
        command
        for command, leaf in COMMANDS.items()
        if "config_file" not in {parameter.name for parameter in leaf.params}
    ]
    assert without == []


@pytest.mark.parametrize(("command", "key"), OPTIONS)
def test_an_option_in_the_repository_s_file_is_harmless_or_refused(repo, cli, command, key):
    option = settable(COMMANDS[command])[key]
    line = toml(key, value_of(option))
    for text, dotted in (
        (f"[{'.'.join(command)}]\n{line}", ".".join((*command, key))),
        (line, key),
    ):
        (repo.path / "rsidx.toml").write_text(text)
        found = settings(command, own=repo.path)
        if (*command, key) in HARMLESS and key != "tokenizer":
            assert (found.defaults, found.faults) == (expected(option, value_of(option)), [])
            continue
        assert found.defaults == {}
        # A hook only logs it.
        err = cli(*(("status",) if command in HOOKS else command), status=1).err
        assert err.count("\n") == 1
        assert command in HOOKS or err == f"rsidx: {found.faults[0]}\n"
        assert f"rsidx.toml: {dotted}: a repository's own file may" in err
        assert f"set it in {os.environ['XDG_CONFIG_HOME']}/rsidx/config.toml" in err


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


@pytest.mark.parametrize(
    ("text", "says"),
    [("[export]\nmax-token = 5\n", "unknown key export.max-token; did you mean 'max-tokens'?"),
     ("[export]\nlicenses = ['MIT']\n", "export.licenses: this key is not read any more; use"),
     ("[exprot]\nx = 1\n", "unknown key [exprot]; did you mean 'export'?"),
     ("log-levle = 'info'\n", "unknown key log-levle; did you mean 'log-level'?"),
     ("[hooks.instal]\ndb = 'x'\n", "unknown key [hooks.instal]; did you mean 'install'?"),
     ('["a\\\\nb"]\ndb = "x"\n', "unknown key ['a\\\\nb']"),
     ("repo = 'x'\n", "no file can set this; give --repo or RSIDX_REPO"),
     ("[status]\nconfig = 'x'\n", "no file can set this; give --config or RSIDX_CONFIG"),
     ("db = \n", "is not TOML"),
     pytest.param(f"x = {'[' * 5000}\n", "is not TOML", id="deep"),
     pytest.param(f"x = {'9' * 5000}\n", "is not TOML", id="long number"),
     ("\\xff", "is not TOML"),
     pytest.param(f"#{' ' * 1_000_000}\n", "it has more than 1,000,000 bytes", id="large")],
)  # fmt: skip
@pytest.mark.parametrize("is_mine", [True, False])
def test_what_cannot_be_read_is_one_line_with_the_nearest_known_key(
    repo, mine, cli, text, says, is_mine
):
    (mine if is_mine else repo.path / "rsidx.toml").write_text(text)
    err = cli("backfill", status=1).err
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [("max-tokens = 'x'", "max-tokens: 'x' is not a valid integer range"),
     ("max-tokens = 4096.5", "max-tokens: '4096.5' is not a valid integer range"),
     ("max-tokens = 1", "max-tokens: 1 is not in the range x>=64"),
     ("max-tokens = true", "max-tokens: true is no value of --max-tokens"),
     ("max-tokens = [500]", "max-tokens: a list is no value of --max-tokens"),
     ("kind = 'fun'", "kind: 'fun' is not one of"),
     ("keep = 'bulky'", "keep: 'bulky' is not one of"),
     ("keep = [['bulk']]", "keep: a list is no value of --keep"),
     ("pad = 1", "pad: 1 is neither true nor false"),
     ("[export.pad]\nx = 1", "pad: a table is neither true nor false"),
     pytest.param(f"seed{'.a' * 5000} = 1", "seed: a table is no value of --seed", id="deep")],
)  # fmt: skip
def test_a_value_of_the_wrong_type_is_one_line_with_file_and_key(mine, cli, text, says):
    mine.write_text(f"[export]\n{text}\n")
    err = cli("export", "out", status=1).err
    assert err.startswith(f"rsidx: {mine}: export.{says}")
    assert err.count("\n") == 1


def test_a_number_or_a_date_may_stand_without_quotes(mine):
    mine.write_text("[export]\nembargo = 20\n[backfill]\nsince = 2024-01-31\n")
    assert settings(("export",)).defaults == {"embargo": "20"}
    assert settings(("backfill",)).defaults == {"since": "2024-01-31"}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [("RSIDX_EXPORT_LICENSES", "MIT", "is not read any more; set RSIDX_EXPORT_LICENSE (since "),
     ("RSIDX_EXPORT_LICENCE", "MIT", "no variable of rsidx; did you mean RSIDX_EXPORT_LICENSE?"),
     ("RSIDX_EXPORT_FIM_MIDDLES", "commit", "not read any more; set RSIDX_EXPORT_FIM_MIDDLE "),
     ("RSIDX_CONTEXT_REVISION", "HEAD", "not read any more; set RSIDX_CONTEXT_AT "),
     ("RSIDX_WATCH_SYSTEM", "systemd", "not read any more; set RSIDX_WATCH_UNIT "),
     ("RSIDX_EXPORT_REPO", "x", "not read any more; set RSIDX_REPO "),
     ("RSIDX_TOKENIZER_SIZE", "5", "did you mean RSIDX_TOKENIZER_TRAIN_SIZE?"),
     ("RSIDX_TOKENIZER_TRAIN_SIZES", "5", "did you mean RSIDX_TOKENIZER_TRAIN_SIZE?"),
     ("RSIDX_HOOKS_RUN_MAX_BYTE", "5", "did you mean RSIDX_HOOKS_RUN_MAX_BYTES?"),
     ("RSIDX_STATUS_JSON", "maybe", "RSIDX_STATUS_JSON: 'maybe' is not a valid boolean"),
     ("RSIDX_LOG_LEVEL", "loud", "RSIDX_LOG_LEVEL: 'loud' is not one of"),
     ("RSIDX_CONFIG", "/nowhere", "cannot read /nowhere")],
)  # fmt: skip
def test_a_variable_that_means_nothing_is_one_line_with_the_nearest(
    repo, cli, monkeypatch, name, value, says
):
    repo.commit("one")
    monkeypatch.setenv(name, value)
    err = cli("status", status=1).err
    assert says in err
    assert err.count("\n") == 1


def test_other_variables_are_left_alone(repo, cli, monkeypatch):
    repo.commit("one")
    for name in ("RSIDX", "RSIDX_TEST_X", "RSIDX_PROBE", "RSIDX_FOREIGN", "RSIDXEXPORT_X",
                 "RSIDX_EXPORT", "RSIDX_EXPORTS_X", "XRSIDX_EXPORT_X"):  # fmt: skip
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("RSIDX_EXPORT_X", "")
    cli("backfill")


def test_a_hook_writes_what_is_wrong_to_the_log_and_goes_on(repo, mine, cli, monkeypatch):
    cli("backfill")
    (repo.path / "rsidx.toml").write_text("db = '/nowhere'\n[hooks.run]\nmax-bytes = 1\n")
    repo.commit("one", {"src/lib.rs": "pub fn one() {}\n"})
    mine.write_text("seed = 1\n[export]\nx = 1\n[hooks.run]\nmax-bytes = 'x'\n")
    monkeypatch.setenv("RSIDX_HOOKS_RUN_MAX_BYTE", "1")
    monkeypatch.setenv("RSIDX_HOOKS_RUN_LOG_LEVEL", "loud")
    assert cli("hooks", "run") == ("", "")
    log = (discover(repo.path).common_dir / "rsidx/index.db.log").read_text()
    for fault in ("rsidx.toml: db: ", "rsidx.toml: hooks.run.max-bytes: ",
                  "config.toml: hooks.run.max-bytes: 'x' is not a valid integer range",
                  "RSIDX_HOOKS_RUN_MAX_BYTE is no variable of rsidx",
                  "RSIDX_HOOKS_RUN_LOG_LEVEL: 'loud' is not one of"):  # fmt: skip
        assert any("INFO ignored: " in line and fault in line for line in log.splitlines())
    # What is set for others costs a hook nothing.
    assert "unknown key" not in log
    monkeypatch.undo()
    monkeypatch.chdir(repo.path)
    for file in (mine, repo.path / "rsidx.toml"):
        file.unlink()
    found = json.loads(cli("status", "--json").out)
    assert (found["behind"], found["counts"]["blobs_by_state"]) == ({}, {"parsed": 1})


def test_a_repository_s_tokenizer_is_its_own_or_one_that_is_here_already(
    repo, tmp_path, tokenizer_file, monkeypatch
):
    file = repo.path / "rsidx.toml"
    inside = repo.path / "tools/tok"
    inside.mkdir(parents=True)
    outside = tmp_path / "outside.json"
    outside.write_bytes(tokenizer_file.read_bytes())
    (inside / "tokenizer.json").write_bytes(tokenizer_file.read_bytes())
    (repo.path / "tools/link").symlink_to(tmp_path)
    (repo.path / "tools/linked").mkdir()
    (repo.path / "tools/linked/tokenizer.json").symlink_to(outside)
    for name in ("tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"):
        folder = repo.path / "tools/with" / name
        folder.mkdir(parents=True)
        (folder / "tokenizer.json").write_bytes(tokenizer_file.read_bytes())
        (folder / name).symlink_to(outside)
    monkeypatch.setattr("rsidx.exporters.config.cached_file",
                        lambda name: outside if name == "own/cached" else None)  # fmt: skip

    def of(source):
        file.write_text(f"[export]\ntokenizer = {json.dumps(str(source))}\n")
        found = settings(("export",), own=repo.path)
        assert len(found.faults) == (0 if found.defaults else 1)
        return found.defaults.get("tokenizer")

    assert of("tools/tok") == str(inside)
    assert of(inside / "tokenizer.json") == str(inside / "tokenizer.json")
    assert of("own/cached") == "own/cached"
    for source in ("own/elsewhere", outside, "../outside.json", "tools/link/outside.json",
                   "tools/linked", "tools/nothing", "~/tok", "nothing", "", ".", "x" * 5000,
                   "a\x00b", "own/name/x",
                   *(repo.path / "tools/with").iterdir()):  # fmt: skip
        assert of(source) is None, source


def test_sizes_and_kept_rows_end_where_a_repository_s_file_may_go(repo):
    for text, is_set in (
        ("max-tokens = 2048", True), ("max-tokens = 2049", False),
        ("keep = ['bulk', 'bots']", True), ("keep = ['bulk', 'secrets']", False),
        ("keep = 'secrets'", False),
    ):  # fmt: skip
        (repo.path / "rsidx.toml").write_text(f"[export]\n{text}\n")
        found = settings(("export",), own=repo.path)
        assert (bool(found.defaults), bool(found.faults)) == (is_set, not is_set), text
