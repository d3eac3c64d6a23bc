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
