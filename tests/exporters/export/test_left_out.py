"""What an export leaves out is counted, and can be kept."""

from dataclasses import replace

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export

pytestmark = pytest.mark.usefixtures("wordy")


@pytest.mark.usefixtures("writable")
def test_what_a_split_leaves_out_is_counted_once_however_often_it_is_split(repo, history, run):
    old = "".join(f"    old{n}(1, 2, 3);\n" for n in range(200))
    repo.commit("long", {"src/big.rs": f"fn big() {{\n{old}}}\n"})
    line = "x" * 700
    repo.commit("cut", {"src/big.rs": f'fn big() {{\n    let s = "{line}";\n}}\n'})
    history.sync()
    keep = ("encoded", "long_lines")
    _, manifest, _ = run(max_chars=1000, max_tokens=600, context_tokens=0, keep=keep)
    assert manifest["dropped"]["examples_unsplittable"] == 1
    # Some 250 characters are left for old code, so the other parts are some 17.
    assert 10 < manifest["dropped"]["parts_deletions"] < 20


def test_what_is_left_out_is_counted_and_can_be_kept(run):
    _, manifest, rows = run()
    dropped = manifest["dropped"]
    assert dropped["commits_merges"] == 1
    assert dropped["commits_bots"] == 1
    assert dropped["edits_formatting"] == 1
    assert dropped["edits_deletions"] == 1
    kept = ("merges", "bots", "formatting", "deletions", "duplicates", "related")
    _, all_kept, more = run(keep=kept)
    assert not {"commits_merges", "commits_bots", "edits_formatting", "edits_deletions",
                "edits_duplicates"} & all_kept["dropped"].keys()  # fmt: skip
    assert len(more) > len(rows)
    deleted = [meta for _, _, meta in more if meta["change"] == "delete"]
    assert [(m["new"], m["text"]["new"]) for m in deleted] == [(None, "")]
    _, bulk, _ = run(max_files=1)
    assert bulk["dropped"]["commits_bulk"] == 13


@pytest.mark.usefixtures("writable")
def test_items_that_were_compared_with_a_part_of_what_they_may_be_are_counted(repo, history, run):
    old, new = (
        "".join(f"fn {name}_{n}() {{\n    {line.format(n=n)}\n}}\n" for n in range(70))
        for name, line in (("old", "a{n}(b{n}, c{n}, d{n}, e{n})"), ("new", "z{n}.y{n}().x{n}?"))
    )
    repo.commit("many", {"src/many.rs": old})
    repo.commit("others", {"src/many.rs": "", "src/others.rs": new})
    history.sync()
    out, manifest, _ = run()
    assert manifest["dropped"]["items_not_compared"] == 70
    assert "items_not_compared" not in (out / "dropped.jsonl").read_text()


def test_an_edit_that_was_made_twice_is_exported_once(
    make_repo, make_index, tokenizer_file, tmp_path
):
    repo = make_repo()
    index = make_index(repo)
    before, after = "fn f() { a(1, 2, 3); }\n", "fn f() { b(1, 2, 3); }\n"
    for n in range(2):
        repo.commit(f"one {n}", {f"src/f{n}.rs": before})
        repo.commit(f"two {n}", {f"src/f{n}.rs": after})
    index.sync()
    config = ExportConfig(tokenizer=str(tokenizer_file), split="1,0,0")
    once = export(index.database, tmp_path / "once", config)
    every = export(
        index.database, tmp_path / "every", replace(config, keep=("duplicates", "near_duplicates"))
    )
    assert once["dropped"]["edits_duplicates"] == 2
    assert (once["counts"]["examples"]["train"], every["counts"]["examples"]["train"]) == (2, 4)
