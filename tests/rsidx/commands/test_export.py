"""An export by the command line, from the tokenizer to the check."""

import json
import shutil

import pytest

pytestmark = pytest.mark.usefixtures("wordy")


def test_export_and_tokenizer_work_from_end_to_end(filled, cli, tmp_path):
    assert "tokens" in cli("tokenizer", "train", tmp_path / "tok", "--size", 3000).out
    out = cli("export", tmp_path / "out", "--tokenizer", tmp_path / "tok", "--split", "1,0,0")
    assert "definitions shown in" in out.out
    assert (tmp_path / "out/train.jsonl").read_text().count("\n") == 2
    asked = ("prompt", "src/lib.rs:act", "--message", "Rest", "--like", tmp_path / "out")
    assert cli(*asked).out.endswith(
        "<|old_code|>    pub fn act(&self) { work(); }\n<|/old_code|><|new_code|>"
    )
    assert json.loads(cli(*asked, "--json").out)["n_excerpts_left_out"] == 0
    assert "is no export" in cli(*asked[:-1], tmp_path, status=1).err
    assert "all hold" in cli("verify", tmp_path / "out").out
    (tmp_path / "out/README.md").write_text("other")
    assert "README.md: its checksum does not hold" in cli("verify", tmp_path / "out", status=1).out
    found = json.loads(cli("tokenizer", "inspect", tmp_path / "tok", "--json", "--db",
                           filled.path / ".git/rsidx/index.db").out)  # fmt: skip
    assert found["split_keywords"] == found["split_macros"] == {}
    assert found["chars_per_token"] > 1
    assert found["dialects"]["starcoder2"] == []
    assert "lacks" in cli("tokenizer", "inspect", tmp_path / "tok").out


def test_an_index_that_was_copied_away_is_enough_to_export_from(filled, cli, tmp_path, monkeypatch):
    copy = tmp_path / "training" / "index.db"
    copy.parent.mkdir()
    copy.write_bytes((filled.path / ".git/rsidx/index.db").read_bytes())
    shutil.rmtree(filled.path)
    monkeypatch.chdir(copy.parent)
    cli("tokenizer", "train", "tok", "--size", 3000, "--db", copy)
    cli("export", "out", "--tokenizer", "tok", "--db", copy, "--split", "1,0,0")
    assert (copy.parent / "out/train.jsonl").read_text().count("\n") == 2
    assert "not in a git repository" in cli("status", "--db", copy, status=1).err


def test_a_vocabulary_without_room_for_the_keywords_is_refused(filled, cli, tmp_path):
    err = cli("tokenizer", "train", tmp_path / "tok", "--size", 400, status=1).err
    assert err == "rsidx: a vocabulary of 400 has no room for Rust's keywords and macros\n"
    assert not (tmp_path / "tok").exists()
    assert filled.path.exists()


@pytest.mark.usefixtures("wordy")
def test_an_export_in_a_linked_worktree_is_of_its_own_branch(
    filled, cli, tmp_path, tokenizer_file, monkeypatch, read_jsonl
):
    filled.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    linked = type(filled)(tmp_path / "linked")
    linked.time = filled.time + 1000
    oid = linked.commit("on the side", {"src/side.rs": "pub fn side() -> u32 { 1 }\n"})
    cli("backfill", "--all")
    options = ("--tokenizer", tokenizer_file, "--split", "1,0,0", "--keep", "messages")
    cli("export", tmp_path / "main", *options)
    monkeypatch.chdir(linked.path)
    cli("export", tmp_path / "side", *options)
    commits = {
        name: {row["commit"] for row in read_jsonl(tmp_path / name / "train.meta.jsonl")}
        for name in ("main", "side")
    }
    assert commits["side"] == {*commits["main"], oid}
