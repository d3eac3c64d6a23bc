"""An index by the command line: what fills it, and what it says."""

import json

import pytest

from tests.rsidx.commands.conftest import RUST

pytestmark = pytest.mark.usefixtures("wordy")


def test_backfill_says_what_it_did_and_does_it_once(repo, cli):
    repo.commit("one", {"src/lib.rs": RUST, "bad.rs": "fn ("})
    assert "1 commit and 2 file versions ingested" in cli("backfill").out
    assert json.loads(cli("backfill", "--json").out)["n_commits"] == 0


def test_a_larger_limit_reads_what_status_says_was_too_large(repo, cli):
    repo.commit("one", {"src/lib.rs": RUST, "big.rs": "fn big() {}\n" * 20})
    cli("backfill", "--max-bytes", "100")
    advice = "1; `rsidx backfill --max-bytes BYTES` reads up to that size"
    assert f"too large      {advice}" in cli("status").out
    assert "1 file version read that the index lacked before" in cli("backfill").out
    assert "too large" not in cli("status").out


def test_status_counts_and_says_how_far_behind_it_is(filled, cli):
    assert "every branch is indexed" in cli("status").out
    filled.commit("three")
    filled.git("checkout", "-q", "-b", "topic")
    filled.commit("four")
    found = json.loads(cli("status", "--json").out)
    assert found["behind"] == {"HEAD": 2, "refs/heads/main": 1, "refs/heads/topic": 2}
    assert found["counts"]["n_commits"] == 2
    assert found["hook"] == "absent"


def test_symbols_gives_path_line_kind_and_signature(filled, cli):
    filled.commit("shift", {"src/lib.rs": "// One line more.\n" + RUST})
    cli("backfill")
    assert cli("symbols", "act").out == "src/lib.rs:6: method pub fn act(&self)\n"
    assert cli("symbols", "act", "--at", "HEAD~1").out.startswith("src/lib.rs:5:")
    found = json.loads(cli("symbols", "Thing", "--json").out)
    assert [(at["kind"], at["line"]) for at in found] == [("struct", 3), ("impl", 5)]
    assert json.loads(cli("symbols", "Thing::act", "--json").out)[0]["container"] == "impl Thing"
    assert "no definition of nothing" in cli("symbols", "nothing", status=1).err


def test_symbols_says_what_is_not_indexed(filled, cli):
    filled.commit("three", {"new.rs": "fn new() {}\n"})
    assert "1 file of HEAD not indexed" in cli("symbols", "Thing").err


def test_show_gives_the_edits_chunk_by_chunk(filled, cli):
    out = cli("show", "HEAD").out
    assert "modify fn act in impl Thing at src/lib.rs:5" in out
    assert "-    pub fn act(&self) {}\n+    pub fn act(&self) { work(); }" in out
    [edit] = json.loads(cli("show", "HEAD", "--json").out)["edits"]
    assert (edit["old_line"], edit["new_line"], edit["change"]) == (5, 5, "modify")
    filled.commit("three")
    assert "is not indexed" in cli("show", "HEAD", status=1).err


def test_the_log_lies_beside_the_index_for_its_owner_alone(filled):
    log = filled.path / ".git/rsidx/index.db.log"
    assert log.stat().st_mode & 0o777 == 0o600


def test_symbols_of_the_code_on_disk(filled, cli):
    (filled.path / "src/new.rs").write_text("// first\npub fn unsaved() {}\n")
    (filled.path / "src/lib.rs").unlink()
    assert (
        cli("symbols", "unsaved", "--at", "worktree").out == "src/new.rs:2: fn pub fn unsaved()\n"
    )
    assert "no definition" in cli("symbols", "unsaved", status=1).err
    assert "src/lib.rs" in cli("symbols", "act").out
    assert "src/lib.rs" not in cli("symbols", "act", "--at", "worktree", status=1).out
