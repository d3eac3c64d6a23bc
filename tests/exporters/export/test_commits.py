"""Which commits an export is made of, and which split each goes to."""

import itertools

import pytest

from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from rsidx.exporters.splits.split import SPLITS

pytestmark = pytest.mark.usefixtures("wordy")


def test_splits_follow_each_other_in_the_order_of_history(repo, run):
    _, manifest, rows = run(split="0.5,0.25,0.25")
    order = {oid: n for n, oid in enumerate(
        repo.git("rev-list", "--date-order", "--reverse", "HEAD").split())}  # fmt: skip
    positions = [order[meta["commit"]] for _, _, meta in rows]
    assert positions == sorted(positions)
    assert [s for s, _ in itertools.groupby(split for split, _, _ in rows)] == list(SPLITS)
    assert sum(manifest["counts"]["examples"].values()) == len(rows)


def test_splits_by_date_and_by_commit(repo, run):
    tenth, fifteenth = repo.git("rev-list", "--first-parent", "--reverse", "HEAD").split()[9:15:5]
    _, by_commit, _ = run(split=f"{tenth[:12]},{fifteenth[:12]}")
    assert by_commit["splits"]["val"]["first_commit"] == tenth
    assert by_commit["splits"]["test"]["first_commit"] == fifteenth
    dates = [repo.git("log", "-1", "--format=%cI", oid) for oid in (tenth, fifteenth)]
    _, by_date, _ = run(split=",".join(dates))
    assert by_date["splits"] == by_commit["splits"]


@pytest.mark.parametrize(
    ("spec", "says"),
    [("0.8,0.1", "neither a date nor a commit"), ("0.5,0.1,0.1", "do not add up"), ("x", "give"),
     ("a,b,c", "not three numbers"), ("2030-01-01,2020-01-01", "after test"),
     ("ffffffff,eeeeeeee", "no commit of this export")],
)  # fmt: skip
def test_a_split_that_cannot_be_is_a_clear_error(run, spec, says):
    with pytest.raises(ExportError, match=says):
        run(split=spec)


def test_a_ref_that_is_not_indexed_is_a_clear_error(history, tokenizer_file, tmp_path):
    config = ExportConfig(tokenizer=str(tokenizer_file), revisions=("nowhere",))
    with pytest.raises(ExportError, match="'nowhere' names no commit of the index"):
        export(history.database, tmp_path / "out", config)


@pytest.mark.usefixtures("writable")
def test_commits_that_the_chosen_ref_does_not_reach_stay_out(repo, history, tokenizer_file,
                                                             tmp_path, read_jsonl):  # fmt: skip
    repo.git("checkout", "-q", "-b", "other", "HEAD~2")
    unwanted = repo.commit("other", {"src/other.rs": "fn other() { work(); }\n"})
    history.sync("other")
    export(history.database, tmp_path / "out", ExportConfig(tokenizer=str(tokenizer_file),
                                                      revisions=("main",)))  # fmt: skip
    commits = {meta["commit"] for split in SPLITS
               for meta in read_jsonl(tmp_path / "out" / f"{split}.meta.jsonl")}  # fmt: skip
    assert unwanted not in commits
