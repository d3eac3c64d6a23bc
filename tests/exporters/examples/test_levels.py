"""Edits of whole files, and no-op edits."""

import json

import pytest

from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.reader import load_row
from rsidx.exporters.dedup.leakage import COMPARED
from rsidx.exporters.export import export

pytestmark = pytest.mark.usefixtures("wordy")
N_FUNCTIONS = 8


def source(n, *changed):
    """Return eight functions, of which those that are named have a body of their own at `n`."""
    bodies = {k: f"    work_{k}({n if k in changed else 0}, alpha_{k}, beta_{k});\n" for k in
              range(N_FUNCTIONS)}  # fmt: skip
    return "use std::fmt;\n\n" + "\n".join(
        f"pub fn f{k}() {{\n{body}}}\n" for k, body in bodies.items()
    )


@pytest.fixture
def exported(index, tokenizer_file, tmp_path):
    def do(name="out", **options):
        given = {"split": "1,0,0", "embargo": "0", **options}
        out = tmp_path / name
        manifest = export(index.database, out, ExportConfig(tokenizer=str(tokenizer_file), **given))
        assert index.problems(out) == []
        return out, manifest

    return do


def text_of(row, role):
    return "".join(token.text for token in row.tokens if token.role == role)


def test_a_file_is_one_edit_and_what_did_not_change_names_nothing(repo, index, exported):
    first = repo.commit("first", {"src/lib.rs": source(0), "src/a.rs": "struct A;\n"})
    second = repo.commit("second", {"src/lib.rs": source(1, 2, 5), "src/a.rs": "struct A(u8);\n"})
    index.sync()
    out, manifest = exported(level="file", context_from="answer")
    assert manifest["counts"]["examples_by_change"] == {"train/add": 2, "train/modify": 2}
    assert manifest["counts"]["examples_by_kind"] == {"file": 4}
    row = load_row(out, "train", "4")
    assert (row.meta["commit"], row.meta["path"]) == (second, "src/lib.rs")
    assert text_of(row, "old") == source(0)
    assert text_of(row, "new") == source(1, 2, 5)
    assert load_row(out, "train", "2").meta["commit"] == first
    _, of_items = exported("items", context_from="answer")
    references = of_items["counts"]["references"]
    assert manifest["counts"]["references"].keys() == references.keys()


def test_a_file_that_only_moves_is_no_edit(repo, index, exported):
    repo.commit("first", {"src/lib.rs": source(0)})
    repo.git("mv", "src/lib.rs", "src/main.rs")
    repo.commit("second")
    repo.git("mv", "src/main.rs", "src/lib.rs")
    repo.commit("third", {"src/lib.rs": source(1, 2)})
    index.sync()
    _, manifest = exported(level="file")
    assert manifest["counts"]["examples_by_change"] == {"train/add": 1, "train/move": 1}
    assert manifest["dropped"]["edits_moved_unchanged"] == 1


def test_a_long_file_comes_in_parts_around_what_changed(repo, index, exported):
    repo.commit("first", {"src/lib.rs": source(0)})
    repo.commit("second", {"src/lib.rs": source(1, 0, 7)})
    index.sync()
    out, _ = exported(level="file", max_chars=200)
    parts = [load_row(out, "train", str(n)) for n in range(1, 20) if has_row(out, n)]
    changed = [row for row in parts if row.meta["change"] == "modify"]
    assert [row.meta["part"] for row in changed] == [[1, 2], [2, 2]]
    for row, k in zip(changed, (0, 7), strict=True):
        assert f"work_{k}(0," in text_of(row, "old")
        assert f"work_{k}(1," in text_of(row, "new")
        assert len(text_of(row, "new")) <= 200


def test_a_part_that_is_left_alone_says_what_it_is_a_part_of(repo, index, exported):
    """Relations are those of the whole edit, for the export and for verify."""
    lines = "".join(f"    step_{n}(alpha_{n}, beta_{n});\n" for n in range(40))
    before, after = f"{source(0)}\nfn big() {{\n{lines}}}\n", source(1, 0)
    repo.commit("first", {"src/lib.rs": before})
    repo.commit("second", {"src/lib.rs": after})
    index.sync()
    out, manifest = exported(level="file", max_chars=200)
    assert manifest["dropped"]["parts_deletions"] > 0
    metas = [
        json.loads(line)
        for line in (out / "train.meta.jsonl").read_text().splitlines()
        if '"change":"modify"' in line
    ]
    for number, meta in enumerate(metas, 1):
        assert meta["part"] == [number, len(metas)]
        ranges = [(side["start"], side["end"]) for side in meta["edit"].values()]
        assert ranges == [(0, len(before)), (0, len(after))]
    assert metas


def has_row(out, n):
    return n <= len((out / "train.jsonl").read_text("utf-8").splitlines())


@pytest.fixture
def long_history(repo, index):
    repo.commit("the first commit", {"src/lib.rs": source(0)})
    repo.commits(
        (f"change number {n} of them", {"src/lib.rs": source(n, n % 3, (n + 1) % 3)})
        for n in range(1, 31)
    )
    index.sync()


@pytest.mark.usefixtures("long_history")
def test_a_share_of_the_examples_changes_nothing(exported, read_jsonl):
    out, manifest = exported(no_edit=0.4, keep=("duplicates", "near_duplicates"))
    by_change = manifest["counts"]["examples_by_change"]
    share = by_change["train/none"] / sum(by_change.values())
    assert share == pytest.approx(0.4, abs=0.1)
    metas = read_jsonl(out / "train.meta.jsonl")
    shown = [load_row(out, "train", str(n)) for n, m in enumerate(metas, 1)
             if m["change"] == "none"]  # fmt: skip
    changed = {(meta["commit"], meta["symbol"]) for meta in metas if meta["change"] != "none"}
    for row in shown:
        assert text_of(row, "old") == text_of(row, "new") != ""
        assert (row.meta["commit"], row.meta["symbol"]) not in changed
        # The prompt does not say it: the code is to be looked at.
        assert "<|modify|>" in text_of(row, "prompt")
    assert len({row.meta["symbol"] for row in shown}) > 3


@pytest.mark.usefixtures("long_history")
def test_which_do_follows_from_the_seed(exported):
    rows = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        out, _ = exported(name, no_edit=0.3, seed=seed)
        rows[name] = (out / "train.jsonl").read_bytes()
    assert rows["a"] == rows["b"] != rows["c"]


@pytest.mark.usefixtures("long_history")
def test_code_that_stayed_twice_is_no_news_in_a_later_split(exported):
    _, manifest = exported(no_edit=0.5, split="0.5,0.2,0.3")
    assert manifest["dropped"]["edits_duplicates"] > 0
    assert manifest["relations"]["across_splits"] == dict.fromkeys(COMPARED, 0)


@pytest.mark.usefixtures("long_history")
@pytest.mark.parametrize("options", [{"level": "file"}, {"no_edit": 0.1}])
def test_holes_have_neither(exported, options):
    with pytest.raises(ExportError, match="not for holes"):
        exported(kind="fim", **options)


@pytest.mark.usefixtures("long_history")
def test_no_file_is_shown_that_stays(exported):
    with pytest.raises(ExportError, match="is for items"):
        exported(level="file", no_edit=0.1)
