"""Edits that change next to nothing: which are left out, kept by choice, or counted."""

from functools import cache

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export

OLD = """use std::fmt;
use std::collections::{BTreeMap, HashMap};

/// Counts.
pub fn count() -> HashMap<u8, BTreeMap<u8, fmt::Error>> {
    println!("one  two");
    HashMap::new()
}
"""
CHANGES = {
    "formatting": ("    HashMap::new()\n", "    HashMap\n        ::new()\n"),
    "comments": ("/// Counts.", "/// Counts up."),
    "import_order": ("{BTreeMap, HashMap}", "{HashMap, BTreeMap}"),
    "documentation": ("/// Counts.\n", "/// Counts.\n///\n/// Really.\n"),
    "attributes": ("pub fn", "#[inline]\npub fn"),
    "visibility": ("pub fn", "pub(crate) fn"),
}  # fmt: skip
FORMATTED = {
    "arms": ('match n { 0 => { "" }, _ => { "b" }, }', 'match n { 0 => { "" } _ => { "b" } }'),
    "wrapped": ('"all of it is on a line"', '"all of it \\\n     is on \\\n     a line"'),
}  # fmt: skip
LEFT_OUT = ("formatting", "comments", "import_order")
STAY = ("documentation", "attributes", "visibility")


@pytest.fixture(scope="module")
def exported(make_history, tokenizer_file, tmp_path_factory):
    """Return a function that exports, where the same was not exported before."""
    repo, index = make_history()
    changes = []
    for name, (old, new) in CHANGES.items():
        assert old in OLD
        text = OLD.replace("count", f"count_{name}")
        changes += [
            (f"Add a file for {name}", {f"src/{name}.rs": text}),
            (f"Change only {name}", {f"src/{name}.rs": text.replace(old, new)}),
        ]
    for name, (old, new) in FORMATTED.items():
        text = f"pub fn {name}(n: u8) -> &'static str {{\n    {old}\n}}\n"
        changes += [
            (f"Add a function {name}", {f"src/{name}.rs": text}),
            (f"Format only {name}", {f"src/{name}.rs": text.replace(old, new)}),
        ]
    repo.commits(changes)
    repo.commit("Space it out in a string", {"src/comments.rs": OLD.replace("one  two", "one two")})
    index.sync()

    @cache
    def do(**options):
        settings = {"split": "1,0,0", **options}
        settings["keep"] = (*settings.get("keep", ()), "near_duplicates", "duplicates")
        config = ExportConfig(str(tokenizer_file), **settings)
        out = tmp_path_factory.mktemp("changes") / "out"
        manifest = export(index.database, out, config)
        assert index.problems(out) == []
        return manifest

    return do


def test_comments_formatting_and_the_order_of_imports_are_left_out(exported):
    manifest = exported()
    dropped = {name: manifest["dropped"].get(f"edits_{name}", 0) for name in CHANGES}
    n_formatted = 1 + len(FORMATTED)
    once = dict.fromkeys(LEFT_OUT, 1)
    assert dropped == {**once, **dict.fromkeys(STAY, 0), "formatting": n_formatted}
    tiny = manifest["counts"]["examples_of_tiny_edits"]
    assert tiny == {"comments": 0, "documentation": 1, "attributes": 1, "visibility": 1}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_each_can_be_kept(exported, name):
    plain, kept = exported(), exported(keep=(name,))
    assert f"edits_{name}" not in kept["dropped"]
    n_more = plain["dropped"][f"edits_{name}"]
    assert kept["counts"]["examples"]["train"] == plain["counts"]["examples"]["train"] + n_more


@pytest.mark.parametrize("name", STAY)
def test_each_of_the_others_can_be_left_out(exported, name):
    left = exported(leave_out=(name,))
    assert left["dropped"][f"edits_{name}"] == 1
    assert left["counts"]["examples_of_tiny_edits"][name] == 0


def test_code_that_moves_and_is_only_indented_anew_is_left_out(
    repo, index, tokenizer_file, tmp_path
):
    item = "pub fn count() -> usize {\n    let limit = 3;\n    (0..limit).sum()\n}\n"
    repo.commit("Count to three", {"src/lib.rs": item, "src/more.rs": "pub mod inner {\n}\n"})
    inner = "".join(f"    {line}\n" for line in item.splitlines())
    moved = {"src/lib.rs": "", "src/more.rs": f"pub mod inner {{\n{inner}}}\n"}
    repo.commit("Move it into a module", moved)
    index.sync()
    config = ExportConfig(str(tokenizer_file), split="1,0,0", keep=("near_duplicates",))
    manifest = export(index.database, tmp_path / "out", config)
    assert manifest["dropped"]["edits_formatting"] == 1
