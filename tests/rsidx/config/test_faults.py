"""What cannot be read, or means nothing, is one line."""

import json

import pytest

from rsidx.indexer.git.discovery import discover


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
