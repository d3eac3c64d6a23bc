"""The messages of rows: tidied, judged by what is left, cut with a mark, and asked for alike."""

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.reader import config_of
from rsidx.exporters.examples.message import CUT_MARK
from rsidx.exporters.export import export
from rsidx.exporters.questions.prompt import prompt_at
from rsidx.exporters.questions.target import Target

SQUASHED = """Count to {n} in steps (#1{n})

* count to {n}

* wip

---------

Co-authored-by: Ann Lee <ann@example.com>
"""


def count(n):
    return f"pub fn count() -> usize {{\n    let limit = {n};\n    (0..limit).sum()\n}}\n"


@pytest.fixture
def rows(index, tokenizer_file, tmp_path, read_jsonl):
    """Return manifest, ids and meta lines of an export, and the folder."""

    def do(**options):
        index.sync()
        out = tmp_path / f"out {options}"
        settings = {"split": "1,0,0", "text": True, "keep": ("near_duplicates",), **options}
        manifest = export(index.database, out, ExportConfig(str(tokenizer_file), **settings))
        assert index.problems(out) == []
        ids = [row["input_ids"] for row in read_jsonl(out / "train.jsonl")]
        return manifest, ids, read_jsonl(out / "train.meta.jsonl"), out

    return do


def test_rows_show_what_a_person_wrote(repo, rows):
    repo.commit(SQUASHED.format(n=3), {"src/lib.rs": count(3)})
    repo.commit(SQUASHED.format(n=4), {"src/lib.rs": count(4)})
    _, _, metas, _ = rows()
    assert [meta["text"]["message"] for meta in metas] == [
        "Count to 3 in steps", "Count to 4 in steps",
    ]  # fmt: skip
    _, _, metas, _ = rows(message_numbers=True)
    assert metas[0]["text"]["message"] == "Count to 3 in steps (#13)"


def test_what_is_left_of_a_message_is_judged(repo, rows):
    repo.commit("Apply suggestions from code review\n\nCloses #12", {"src/lib.rs": count(3)})
    repo.commit("wip\n\nCount in larger steps", {"src/lib.rs": count(4)})
    manifest, _, metas, _ = rows()
    assert [meta["text"]["message"] for meta in metas] == ["Count in larger steps"]
    assert manifest["dropped"]["commits_messages"] == 1


def test_rows_of_a_message_that_is_cut_are_counted_and_end_in_a_mark(repo, rows):
    long = "Count to {n}\n\n" + "A sentence of the body. " * 30 + "\n\n" + "More of it. " * 90
    both = {"src/lib.rs": count(3), "src/more.rs": count(3).replace("count", "more")}
    repo.commit(long.format(n=3), both)
    manifest, _, metas, _ = rows()
    assert len(metas) == 2
    assert all(meta["text"]["message"].endswith(f"body.\n\n{CUT_MARK}") for meta in metas)
    assert manifest["counts"]["examples_with_cut_message"] == 2
    assert manifest["dropped"]["messages_cut"] == 1
    windows = rows(kind="sequence")[0]["counts"]
    assert windows["examples"]["train"] == 2
    assert windows["examples_with_cut_message"] == 0


def test_a_row_whose_message_spells_out_the_answer_is_left_out_and_counted(repo, rows):
    repo.commit("Begin to count", {"src/lib.rs": "pub fn count() {}\n"})
    answer = "".join(f"    {line}\n" for line in count(3).splitlines())
    files = {"src/lib.rs": count(3), "src/more.rs": "pub fn more() {\n    count_more(7, 8);\n}\n"}
    repo.commit(f"Count to 3 at last:\n\n{answer}", files)
    manifest, _, metas, _ = rows()
    assert [meta["path"] for meta in metas] == ["src/lib.rs", "src/more.rs"]
    assert manifest["dropped"]["messages_target"] == 1
    manifest, _, metas, _ = rows(keep=("near_duplicates", "messages_target"))
    assert len(metas) == 3
    assert "messages_target" not in manifest["dropped"]


@pytest.mark.parametrize("keeps", [False, True])
def test_a_prompt_is_given_the_commits_own_message_or_what_its_row_shows(repo, index, rows, keeps):
    repo.commit("Begin to count", {"src/lib.rs": count(3)})
    long = SQUASHED.format(n=4).replace("------", "More of it.\n\n" * 99 + "------")
    at = repo.git("rev-parse", "HEAD")
    repo.commit(long, {"src/lib.rs": count(4)})
    _, ids, metas, out = rows(message_numbers=keeps)
    target = Target(bytes.fromhex(at), "src/lib.rs", "count")
    n_prompt = metas[1]["n_tokens"]["total"] - metas[1]["n_tokens"]["new"] - 1
    assert metas[1]["text"]["message"].endswith(CUT_MARK)
    for message in (long, metas[1]["text"]["message"]):
        prompt = prompt_at(index.database, "repo", target, message, config_of(out))
        assert prompt.input_ids == ids[1][:n_prompt]
