"""Embargo, boundaries that are kept, and the count of those that moved."""

import json

import pytest

from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from rsidx.exporters.splits.split import SPLITS, Split

pytestmark = pytest.mark.usefixtures("wordy")

SOURCE = "pub fn f_{n}() -> Kind_{n} {{\n    start_{n}(alpha_{n}, beta_{n}, gamma_{n})\n}}\n"


def grow(repo, index, n_commits, first=0):
    repo.commits(
        (f"number {n}", {f"src/f{n}.rs": SOURCE.format(n=n)})
        for n in range(first, first + n_commits)
    )
    index.sync()


@pytest.fixture
def exported(index, tokenizer_file, tmp_path, read_jsonl):
    def do(name, **options):
        config = ExportConfig(
            tokenizer=str(tokenizer_file), **{"split": "0.5,0.25,0.25", **options}
        )
        manifest = export(index.database, tmp_path / name, config)
        rows = {
            meta["id"]: split
            for split in SPLITS
            for meta in read_jsonl(tmp_path / name / f"{split}.meta.jsonl")
        }
        return manifest, rows

    return do


# Commits are a minute apart, so 0.003 days (259 s) have four of them.
@pytest.mark.parametrize(
    ("embargo", "n_out"), [("0", 0), ("3", 3), ("0.05", 2), ("0.003d", 4), ("9", 9), ("99", 10)]
)
def test_an_embargo_leaves_out_the_beginning_of_val_and_test(repo, index, exported, embargo, n_out):
    grow(repo, index, 40)
    manifest, rows = exported("out", embargo=embargo)
    parts = [manifest["splits"][name] for name in SPLITS]
    assert [part["embargo"]["n_commits"] for part in parts] == [0, n_out, n_out]
    assert manifest["dropped"].get("commits_embargo", 0) == 2 * n_out
    assert len(rows) == 40 - 2 * n_out
    assert sum(part["n_commits"] for part in parts) == 40 - 2 * n_out


@pytest.mark.parametrize("embargo", ["", "x", "-1", "7 d", "1e3"])
def test_an_embargo_that_is_none_is_a_clear_error(repo, index, exported, embargo):
    grow(repo, index, 4)
    with pytest.raises(ExportError, match="--embargo"):
        exported("out", embargo=embargo)


def test_split_says_what_is_out():
    split = Split(4, 8, 1, 2)
    assert [n for n in range(12) if split.is_out(n)] == [4, 8, 9]
    assert split.edges(12) == [(0, 0, 4), (4, 5, 8), (8, 10, 12)]


def test_rows_that_were_val_or_test_and_are_train_now_are_counted(repo, index, exported):
    grow(repo, index, 16)
    _, before = exported("out")
    grow(repo, index, 16, first=16)
    manifest, now = exported("out")
    moved = [before[row] for row in before if before[row] != "train" and now.get(row) == "train"]
    assert manifest["now_train"] == {"val": moved.count("val"), "test": moved.count("test")}
    assert sum(manifest["now_train"].values()) == 8


@pytest.mark.parametrize(("new_commits", "n_rows"), [("test", 56), ("out", 16)])
def test_kept_boundaries_leave_every_row_in_its_split(
    repo, index, exported, tmp_path, new_commits, n_rows
):
    grow(repo, index, 8)
    repo.git("branch", "old-side")
    grow(repo, index, 8, first=8)
    options = {"embargo": "1"}
    first, before = exported("first", **options)
    assert len(before) == 14
    grow(repo, index, 40, first=16)
    # Work of before the boundaries, which is merged only now.
    repo.git("checkout", "-q", "old-side")
    repo.time = 1_700_000_000 + 60 * 9
    repo.commit("late", {"src/late.rs": SOURCE.format(n=99)})
    late = repo.git("rev-parse", "HEAD")
    repo.git("checkout", "-q", "main")
    repo.time += 60 * 90
    repo.git("merge", "-q", "--no-ff", "-m", "merge", "old-side")
    index.sync()
    again, now = exported(
        "again", boundaries=str(tmp_path / "first"), new_commits=new_commits, **options
    )
    assert {row: now.get(row) for row in before} == before
    assert len(now) == n_rows - 2
    assert {now[row] for row in now.keys() - before.keys()} <= {"test"}
    assert again["dropped"]["commits_new"] == (1 if new_commits == "test" else 41)
    for name in SPLITS[:2]:
        assert again["splits"][name] == first["splits"][name]
    metas = (tmp_path / "again" / "test.meta.jsonl").read_text("utf-8")
    assert late not in metas
    # And the boundaries of that one are the same again.
    _, third = exported("third", boundaries=str(tmp_path / "again" / "manifest.json"), **options)
    assert {row: third.get(row) for row in now} == now


def test_boundaries_that_cannot_be_kept_are_clear_errors(repo, index, exported, tmp_path):
    grow(repo, index, 12)
    exported("first")
    (tmp_path / "none").mkdir()
    with pytest.raises(ExportError, match="is no export that can be read"):
        exported("out", boundaries=str(tmp_path / "none"))
    manifest = json.loads((tmp_path / "first" / "manifest.json").read_text("utf-8"))
    manifest["splits"]["val"]["first_commit"] = "00" * 20
    (tmp_path / "other.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(ExportError, match="not in the index"):
        exported("out", boundaries=str(tmp_path / "other.json"))
    exported("whole", split="1,0,0")
    with pytest.raises(ExportError, match="no test split"):
        exported("out", boundaries=str(tmp_path / "whole"))
