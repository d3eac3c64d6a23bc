"""Labels: what new code needed, and whether the prompt showed it."""

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from rsidx.exporters.pipeline.needs import LABELS

pytestmark = pytest.mark.usefixtures("wordy")
NOTHING = {label: [] for label in LABELS}
FAR = "".join(f"pub fn far{n}() -> u32 {{\n    compute_{n}({n}) + {n}\n}}\n\n" for n in range(120))
BEFORE = {
    "Cargo.toml": '[package]\nname = "p"\nedition = "2021"\n',
    "src/lib.rs": "mod far;\n\npub fn near() {}\n\npub fn change() {\n    near();\n}\n",
    "src/far.rs": FAR,
}
LIB = (
    "mod far;\n\npub fn near() {}\n\npub fn change() {\n    near();\n    helper();\n"
    "    crate::far::far77();\n    another();\n}\n\npub fn another() {}\n\npub fn helper() {}\n"
)


@pytest.fixture
def needs(repo, index, tokenizer_file, tmp_path, read_jsonl):
    """Return the labels of the changed function, those of the manifest, and its prompt's words."""

    def do(**options):
        repo.commit("the first commit", BEFORE)
        commit = repo.commit("change it as somebody asked", {"src/lib.rs": LIB})
        index.sync()
        settings = {"split": "1,0,0", "embargo": "0", "given": 0.0, **options}
        out = tmp_path / "out"
        manifest = export(index.database, out, ExportConfig(str(tokenizer_file), **settings))
        assert index.problems(out) == []
        metas = read_jsonl(out / "train.meta.jsonl")
        [meta] = [m for m in metas if (m["commit"], m["symbol"]) == (commit, "change")]
        return meta["needs"], manifest["counts"]["needs"]

    return do


def test_names_are_labelled_by_where_they_come_from_and_whether_they_are_shown(needs):
    labels, counts = needs()
    assert labels == {**NOTHING, "made_shown": ["another", "helper"], "not_shown": ["far77"]}
    assert (counts["made_shown"], counts["not_shown"]) == (2, 1)


def test_by_the_answer_what_is_needed_is_shown(needs):
    labels, _ = needs(context_from="answer")
    assert labels == {**NOTHING, "made_shown": ["another", "helper"], "shown": ["far77"]}


def test_without_the_commit_s_edits_what_they_made_is_not_shown(needs):
    labels, _ = needs(earlier=("none",))
    assert labels == {**NOTHING, "made_not_shown": ["another", "helper"], "not_shown": ["far77"]}


@pytest.fixture
def labels(repo, index, tokenizer_file, tmp_path, read_jsonl):
    """Return the labels of each row of a commit, by symbol and part."""

    def do(before, after, **options):
        repo.commit("the first commit", {"Cargo.toml": BEFORE["Cargo.toml"], **before})
        commit = repo.commit("change it as somebody asked", after)
        index.sync()
        settings = {"split": "1,0,0", "embargo": "0", "given": 0.0, **options}
        export(index.database, tmp_path / "out", ExportConfig(str(tokenizer_file), **settings))
        metas = read_jsonl(tmp_path / "out" / "train.meta.jsonl")
        return {
            (meta["symbol"], meta["part"][0]): {
                label: names for label, names in meta["needs"].items() if names
            }
            for meta in metas
            if meta["commit"] == commit
        }

    return do


def test_a_function_does_not_need_itself(labels):
    before = {"src/lib.rs": "pub fn change(n: u32) {\n    first(n);\n}\n"}
    after = (
        "pub fn change(n: u32) {\n    change(n - 1);\n}\n\npub fn new(n: u32) {\n    new(n);\n}\n"
    )
    assert labels(before, {"src/lib.rs": after}) == {("change", 1): {}, ("new", 1): {}}


def test_what_was_there_before_is_not_what_another_edit_makes(labels):
    """A function of that name elsewhere, and a method that only changes."""
    before = {
        "src/lib.rs": "mod far;\n\npub fn change(it: T) {\n    1;\n}\n",
        "src/far.rs": f"{FAR}impl S {{\n    fn method(&self) -> u32 {{\n        1\n    }}\n}}\n",
        "src/other.rs": "pub fn other() {}\n",
    }
    changed = "mod far;\n\npub fn change(it: T) {\n    it.method();\n    crate::far::far77();\n}\n"
    after = {
        "src/lib.rs": changed,
        "src/far.rs": before["src/far.rs"].replace("        1\n", "        2\n"),
        "src/other.rs": "pub fn other() {}\n\npub fn far77() {\n    other();\n}\n",
    }
    assert labels(before, after)["change", 1] == {"not_shown": ["far77"]}


def test_names_are_found_through_imports_that_are_new(labels):
    before = {"src/lib.rs": "mod far;\n\npub fn change() {\n    1;\n}\n", "src/far.rs": FAR}
    inside = (
        "mod far;\n\npub fn change() {\n    use crate::far::far66;\n    far66();\n    far77();\n}\n"
    )
    after = {"src/lib.rs": inside.replace("mod far;\n", "mod far;\n\nuse crate::far::far77;\n")}
    assert labels(before, after)["change", 1] == {"not_shown": ["far66", "far77"]}


def test_what_the_file_around_shows_is_shown_and_the_rest_of_another_file_is_not(labels):
    text = (
        "mod far;\n\npub fn near() {{}}\n\npub fn change() {{\n    crate::far::far1();\n{more}}}\n"
    )
    before = {"src/lib.rs": text.format(more=""), "src/far.rs": FAR}
    after = {"src/lib.rs": text.format(more="    near();\n    crate::far::far77();\n")}
    assert labels(before, after)["change", 1] == {"shown": ["near"], "not_shown": ["far77"]}


def test_what_an_earlier_edit_changed_counts_as_shown_where_its_new_form_is(labels):
    text = "mod far;\n\npub fn change() {{\n{more}}}\n"
    before = {"src/lib.rs": text.format(more=""), "src/far.rs": FAR}
    after = {
        "src/lib.rs": text.format(more="    crate::far::far77(1);\n"),
        "src/far.rs": FAR.replace("far77()", "far77(more: u32)"),
    }
    assert labels(before, after)["change", 1] == {"shown": ["far77"]}


def test_a_part_needs_what_its_own_code_names(labels):
    body = [f"    let value_{n} = compute_{n}(seed, {n});\n" for n in range(60)]
    before = {"src/lib.rs": "mod far;\n\nfn long(seed: u32) {\n" + "".join(body) + "}\n"}
    body[1], body[58] = "    crate::far::far5();\n", "    crate::far::far77();\n"
    after = {"src/lib.rs": "mod far;\n\nfn long(seed: u32) {\n" + "".join(body) + "}\n"}
    found = labels({**before, "src/far.rs": FAR}, after, max_chars=600)
    assert [one.get("not_shown") for one in found.values()] == [["far5"], ["far77"]]


def test_a_deletion_needs_nothing(labels):
    before = {"src/lib.rs": "pub fn keep() {}\n\npub fn gone() {\n    keep();\n}\n"}
    found = labels(before, {"src/lib.rs": "pub fn keep() {}\n"}, keep=("deletions",))
    assert found == {("gone", 1): {}}


def test_names_mean_what_they_did_at_the_old_name_of_a_file(labels):
    def body(more):
        lines = "".join(f"    let value_{n} = compute_{n}({n});\n" for n in range(9))
        return f"pub fn change() {{\n{lines}{more}}}\n"

    before = {"src/lib.rs": "mod far;\nmod old;\n", "src/far.rs": FAR, "src/old.rs": body("")}
    after = {
        "src/lib.rs": "mod far;\nmod new;\n",
        "src/old.rs": None,
        "src/new.rs": body("    super::far::far77();\n"),
    }
    assert labels(before, after)["change", 1] == {"not_shown": ["far77"]}
