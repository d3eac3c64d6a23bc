"""A commit's files between its edits: what each edit is shown of its own file, and of others."""

import json

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.reader import load_row
from rsidx.exporters.export import export

pytestmark = pytest.mark.usefixtures("wordy")
MANIFEST = {"Cargo.toml": '[package]\nname = "p"\n'}
BEFORE = {
    "src/lib.rs": "mod caller;\nmod helper;\n",
    "src/caller.rs": "pub fn call() -> u32 {\n    1\n}\n",
    "src/helper.rs": "pub fn keep() {}\n\npub fn last() {}\n",
    **MANIFEST,
}


@pytest.fixture
def rows_of(repo, index, tokenizer_file, tmp_path):
    """Return a function that gives the rows of a commit with some files, in their order."""

    def do(before, after, **options):
        repo.commit("the first commit", before)
        commit = repo.commit("change it as somebody asked", after)
        index.sync()
        given = {"split": "1,0,0", "embargo": "0", "keep": ("duplicates",), **options}
        out = tmp_path / "out"
        manifest = export(index.database, out, ExportConfig(str(tokenizer_file), **given))
        assert index.problems(out) == []
        rows = (
            load_row(out, "train", str(number + 1))
            for number in range(manifest["counts"]["examples"]["train"])
        )
        return [row for row in rows if row.meta["commit"] == commit]

    return do


def context(row):
    return "".join(token.text for token in row.tokens if token.role == "context")


AFTER = {
    "src/caller.rs": "pub fn call() -> u32 {\n    crate::helper::help(2)\n}\n",
    "src/helper.rs": "pub fn keep() {}\n\npub fn help(n: u32) -> u32 {\n    n + 40\n}\n\n"
    "pub fn more() {\n    help(3);\n}\n\npub fn last() {}\n",
}


def test_an_edit_is_shown_its_file_as_the_edits_before_it_left_it(rows_of):
    help_, more, call = rows_of(BEFORE, AFTER)
    assert [row.meta["symbol"] for row in (help_, more, call)] == ["help", "more", "call"]
    assert context(help_) == "<|suffix|>\npub fn last() {}\n<|prefix|>pub fn keep() {}\n"
    assert context(more) == (
        "<|suffix|>\npub fn last() {}\n<|prefix|>pub fn keep() {}\n"
        "\npub fn help(n: u32) -> u32 {\n    n + 40\n}\n"
    )


def test_what_an_earlier_edit_changed_is_not_shown_as_it_was(rows_of):
    before = {**BEFORE, "src/lib.rs": "pub struct Pair {\n    old: u8,\n}\n\nfn f(p: Pair) {}\n"}
    after = {"src/lib.rs": "pub struct Pair {\n    new: u8,\n}\n\nfn f(p: Pair) {\n    go();\n}\n"}
    _, row = rows_of(before, after)
    assert row.meta["symbol"] == "f"
    assert context(row) == "<|suffix|><|prefix|>pub struct Pair {\n    new: u8,\n}\n"


def test_it_is_shown_what_they_made_in_other_files(rows_of):
    call = rows_of(BEFORE, AFTER)[-1]
    assert "pub fn help(n: u32) -> u32 {\n    n + 40\n}\n" in context(call)
    assert {one["rule"] for one in call.meta["context"]} == {"earlier"}
    assert {one["path"] for one in call.meta["context"]} == {"src/helper.rs"}


def test_without_earlier_edits_it_is_shown_the_file_before_the_commit(rows_of):
    _, more, call = rows_of(BEFORE, AFTER, earlier=("none",))
    assert context(more) == "<|suffix|>\npub fn last() {}\n<|prefix|>pub fn keep() {}\n"
    assert "help" not in context(call)


def test_of_what_changed_the_lines_that_are_new_are_shown(rows_of):
    body = "".join(f"    step({n});\n" for n in range(60))
    before = {**BEFORE, "src/helper.rs": f"pub fn help(n: u32) {{\n{body}}}\n"}
    after = {
        "src/helper.rs": f"pub fn help(n: u32) {{\n{body}    added(n);\n}}\n",
        "src/lib.rs": BEFORE["src/lib.rs"] + "\nfn lib() {}\n",
        "src/caller.rs": "pub fn call() -> u32 {\n    2\n}\n",
    }
    rows = rows_of(before, after)
    last = next(row for row in rows if row.meta["symbol"] == "help")
    call = next(row for row in rows if row.meta["symbol"] == "call")
    first, second = sorted((last, call), key=rows.index)
    assert (first, second) == (call, last)
    assert "    2\n" in context(last)


def test_a_file_without_code_may_go(rows_of):
    before = {**BEFORE, "src/empty.rs": ""}
    rows = rows_of(before, {**AFTER, "src/empty.rs": None})
    assert [row.meta["symbol"] for row in rows] == ["help", "more", "call"]


def test_what_the_commit_only_moved_stands_at_its_new_place(rows_of):
    moved = "\npub fn moved() -> u32 {\n    a_long_name() + another() + the_third()\n}\n"
    before = {"src/lib.rs": f"pub fn first() {{}}\n{moved}\npub fn end() {{}}\n", **MANIFEST}
    after = {
        "src/lib.rs": f"pub fn first() {{}}\n\npub fn end() {{}}\n{moved}\npub fn new() {{}}\n"
    }
    (row,) = rows_of(before, after)
    assert context(row) == f"<|suffix|><|prefix|>pub fn first() {{}}\n\npub fn end() {{}}\n{moved}"


@pytest.mark.parametrize("earlier", ["commit", "none"])
def test_code_that_moved_and_changed_is_not_shown_where_it_was(rows_of, earlier):
    def moved(n):
        return f"\npub fn moved() -> u32 {{\n    a_long_name() + another() + the_third({n})\n}}\n"

    before = {"src/lib.rs": f"pub fn first() {{}}\n{moved(1)}\npub fn end() {{}}\n", **MANIFEST}
    after = {"src/lib.rs": f"pub fn first() {{}}\n\npub fn end() {{}}\n{moved(2)}"}
    (row,) = rows_of(before, after, earlier=(earlier,))
    assert context(row) == "<|suffix|><|prefix|>pub fn first() {}\n\npub fn end() {}\n"
    assert "".join(token.text for token in row.tokens if token.role == "old") == moved(1)


@pytest.mark.parametrize("comment", ["", "    // The end.\n"])
def test_a_container_whose_header_is_edited_is_shown_with_its_end_as_it_was(rows_of, comment):
    body = "    fn one(&self) {}\n"
    before = {"src/lib.rs": f"struct A;\n\nimpl A {{\n{body}}}\n", **MANIFEST}
    after = f"struct A;\n\nunsafe impl A {{\n{body}{comment}}}\n"
    (row,) = rows_of(before, {"src/lib.rs": after})
    assert context(row) == f"<|suffix|>{body}}}\n<|prefix|>struct A;\n"


def test_a_container_whose_header_stays_as_it_was_is_shown_once(rows_of):
    def file(said, n):
        return f"//! Shapes.\n\n/// {said}\npub mod deep {{\n    pub fn one() {{ {n} }}\n}}\n"

    # Changes of comments alone are no edits.
    before = {"src/lib.rs": file("A module.", 1), **MANIFEST}
    (row,) = rows_of(before, {"src/lib.rs": file("A deeper module.", 2)})
    assert context(row) == ("<|suffix|>}\n<|prefix|>//! Shapes.\n\n/// A module.\npub mod deep {\n")


def test_what_no_edit_changes_stands_as_it_was_between_what_edits_make(rows_of):
    """A member that is only formatted, in an impl whose header an edit changes."""
    head = "impl Show for A\n{}\n{{\n"
    member, formatted = (
        f"    fn show(&self) -> u8 {{{blank}self.0{blank}}}\n}}\n" for blank in (" ", "\n        ")
    )
    where, bound = head.format("    where A: Copy"), head.format("    where A: Copy + Send")
    before = f"struct A(u8);\n\n{where}{member}\nfn last() {{ one() }}\n"
    after = f"struct A(u8);\n\n{bound}{formatted}\nfn last() {{ two() }}\n"
    header, last = rows_of({"src/lib.rs": before, **MANIFEST}, {"src/lib.rs": after})
    assert [row.meta["symbol"] for row in (header, last)] == ["Show for A", "last"]
    assert context(header) == (
        f"<|suffix|>{member}\nfn last() {{ one() }}\n<|prefix|>struct A(u8);\n"
    )
    _, _, around = context(last).partition("<|suffix|>")
    assert around == f"<|prefix|>struct A(u8);\n\n{bound}{member}"


def test_the_end_of_a_container_that_no_edit_changes_is_shown_once(rows_of):
    def file(comment, n):
        impl = f"impl A {{\n    fn one(&self) {{}}\n{comment}}}\n"
        return f"struct A;\n\n{impl}\nfn last() {{ {n}() }}\n"

    before = {"src/lib.rs": file("", "one"), **MANIFEST}
    (row,) = rows_of(before, {"src/lib.rs": file("    // The end.\n", "two")})
    rest = file("", "one").partition("\nfn last")[0]
    assert context(row) == f"<|suffix|><|prefix|>{rest}"


def test_where_the_file_is_long_the_nearest_is_shown_and_the_cut_is_marked(rows_of):
    items = [f"pub fn f{n}() {{\n    call({n});\n}}\n\n" for n in range(80)]
    before = {"src/lib.rs": "".join(items), **MANIFEST}
    items[40] = items[40].replace("call", "other")
    (row,) = rows_of(before, {"src/lib.rs": "".join(items)}, context_tokens=400)
    shown = context(row)
    suffix, prefix = shown.removeprefix("<|suffix|>").split("<|prefix|>")
    assert prefix.startswith("// ...\n")
    assert suffix.endswith("// ...\n")
    above = prefix.removeprefix("// ...\n")
    below = suffix.removesuffix("// ...\n")
    whole = "".join(items)
    assert f"{above}\n{items[40].strip()}\n{below}" in whole
    assert len(below) < len(above) < len(whole) / 2
    assert row.meta["n_tokens"]["context"] <= 400


def test_what_the_file_around_covers_leaves_its_room_to_more_of_the_file(rows_of):
    items = [f"pub fn f{n}() {{\n    call({n});\n}}\n\n" for n in range(80)]
    fields = "".join(f"    field_{n}: u32,\n" for n in range(8))
    items[30] = f"pub struct Wide {{\n{fields}}}\n\n"
    items[40] = "pub fn f40(wide: Wide) {\n    call(wide);\n}\n\n"
    before = {"src/lib.rs": "".join(items), **MANIFEST}
    items[40] = items[40].replace("call", "other")
    (row,) = rows_of(before, {"src/lib.rs": "".join(items)}, context_tokens=800)
    assert context(row).count("field_7: u32") == 1
    assert not row.meta["context"]
    largest_block = 120
    assert 800 - largest_block < row.meta["n_tokens"]["context"] <= 800


def test_verify_sees_that_the_file_around_is_another(rows_of, index, tmp_path, read_jsonl):
    rows_of(BEFORE, AFTER)
    file = tmp_path / "out" / "train.meta.jsonl"
    original = read_jsonl(file)
    number = next(n for n, one in enumerate(original) if one["symbol"] == "more")
    place = original[number]["surroundings"]["before"][-1]
    cases = (
        ({**place, "blob": "0" * 40}, "is no version of"),
        ({**place, "end": place["end"] - 1, "start": 0}, "does not have the file around"),
        (original[number]["new"], "shows the edit's own code"),
    )
    for changed, said in cases:
        metas = json.loads(json.dumps(original))
        metas[number]["surroundings"]["before"][-1] = changed
        file.write_text("".join(json.dumps(one) + "\n" for one in metas))
        assert any(said in problem for problem in index.problems(tmp_path / "out")), said
