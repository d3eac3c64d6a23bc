"""Several repositories in one index."""

import json

import pytest

from tests.rsidx.commands.conftest import RUST

pytestmark = pytest.mark.usefixtures("wordy")


def test_repositories_share_an_index_by_name_and_never_mix(
    filled, make_repo, cli, tmp_path, monkeypatch
):
    shared = tmp_path / "shared.db"
    cli("backfill", "--db", shared)
    other = make_repo("other")
    other.commit("first", {"src/lib.rs": RUST})
    other.commit("second", {"src/lib.rs": RUST.replace("{}", "{ rest(); }")})
    cli("backfill", "--db", shared, "-C", other.path)
    said = cli("status", "--db", shared)
    assert "repo; the counts are also of other" in said.out
    found = json.loads(cli("status", "--db", shared, "--json").out)
    assert (found["behind"], found["repository"], found["repositories"]) == (
        {},
        "repo",
        ["repo", "other"],
    )
    cli("tokenizer", "train", tmp_path / "tok", "--size", 3000)
    options = ("--tokenizer", tmp_path / "tok", "--split", "1,0,0", "--db", shared)
    monkeypatch.chdir(tmp_path)
    err = cli("export", tmp_path / "out", *options, status=1).err
    assert "the index has repo, other; name one of them with --name" in err
    cli("export", tmp_path / "out", *options, "--name", "other")
    metas = (tmp_path / "out/train.meta.jsonl").read_text().splitlines()
    commits = {json.loads(meta)["commit"] for meta in metas}
    assert commits == set(other.git("rev-list", "HEAD").split())
    cli("export", tmp_path / "named", *options, "-C", other.path)
    assert (tmp_path / "named/train.meta.jsonl").read_text().splitlines() == metas
    measure = ("tokenizer", "inspect", tmp_path / "tok", "--db", shared)
    assert "name one of them with --name" in cli(*measure, status=1).err
    assert "coverage" in cli(*measure, "--name", "other").out
    unknown = make_repo("third")
    unknown.commit("first")
    err = cli("status", "--db", shared, "-C", unknown.path, status=1).err
    assert err == "rsidx: the index has repo, other, and no third\n"
    stranger = make_repo("elsewhere/repo")
    stranger.commit("stranger", {"src/lib.rs": RUST})
    err = cli("backfill", "--db", shared, "-C", stranger.path, "--name", "repo", status=1).err
    assert "the index has another repository called repo" in err
    err = cli("backfill", "--db", shared, "-C", stranger.path).err
    assert "in the index as elsewhere/repo" in err
    err = cli("backfill", "--db", shared, "-C", stranger.path, "--name", "own").err
    assert "elsewhere/repo is now called own in the index" in err
    assert filled.path.exists()
