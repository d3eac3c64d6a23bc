"""What a model may have seen is left out of its figures, and two results are compared in pairs."""

import json

import pytest

from rsidx import EvaluationError, EvaluationResult, ExportError
from rsidx.evaluation.edits import edit_id
from tests.evaluation.conftest import NEW, OLD, REST
from tests.evaluation.exports import Export
from tests.evaluation.report.test_report import HEADER, edit, verdict

LONG = "pub fn %s(values: &[u32]) -> u32 {\n    let mut total = 0;\n" + "".join(
    f"    total += values.iter().map(|value| value * {n}).sum::<u32>();\n" for n in range(6)
) + "    total\n}\n"  # fmt: skip


@pytest.fixture
def history(repo):
    """Commits that add a function, change it, take it back, and add nearly the same elsewhere."""
    commits = {}
    first = LONG % "first"
    changed = first.replace("* 3", "* 33").replace("* 4", "* 44")
    files = {"Cargo.toml": "[package]\n"}
    commits["begin"] = repo.commit("begin", {**files, "a.rs": OLD, "b.rs": "", "c.rs": first})
    commits["change"] = repo.commit("change", {"c.rs": changed})
    commits["revert"] = repo.commit("take back", {"c.rs": first})
    commits["near"] = repo.commit("near", {"b.rs": LONG % "second"})
    commits["other"] = repo.commit("other", {"a.rs": NEW + REST})
    commits["named"] = repo.commit(f"This reverts commit {commits['change'][:12]}.", {"a.rs": OLD})
    repo.texts = first, changed
    return repo, commits


@pytest.fixture
def result(tmp_path):
    """Write a result of rows of an export: of each, whether it compiles."""

    def write(rows, compiles, name="result", **header):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "result.json").write_text(
            json.dumps(HEADER | {"export": "one", "checks": ["cargo check"]} | header)
        )
        metas = [meta for split, meta in rows.metas if split == "test"]
        edits, verdicts = [], []
        for meta, passes in zip(metas, compiles, strict=True):
            key = edit_id(meta, "edit")
            edits.append(edit(key, meta["commit"]) | {"old": meta["old"], "new": meta["new"]})
            verdicts.append(verdict(key, "compiles" if passes else "error"))
        for file, lines in (("edits", edits), ("verdicts", verdicts)):
            (folder / f"{file}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
        return EvaluationResult(folder)

    return write


def test_edits_in_or_related_to_train_are_left_out_by_reason(history, tmp_path, result):
    repo, commits = history
    first, changed = repo.texts
    learned = Export(tmp_path / "learned", repo)
    learned.add(commits["begin"], "c.rs", first, None, split="train")
    learned.add(commits["change"], "c.rs", changed, first, split="train")
    tested = Export(tmp_path / "tested", repo)
    tested.add(commits["change"], "c.rs", changed, first)
    tested.add(commits["revert"], "c.rs", first, changed)
    tested.add(commits["near"], "b.rs", LONG % "second", None)
    tested.add(commits["named"], "a.rs", OLD, NEW)
    tested.add(commits["other"], "a.rs", NEW, OLD)
    found = result(tested, [True] * 5).report(trained_on=[learned.folder], repository=repo.path)
    assert found.left_out == {"in_train": 1, "revert": 1, "near_duplicate": 1, "named": 1}
    assert found.n_scorable == 1
    every = result(tested, [True] * 5, "again").report()
    assert (every.left_out, every.n_scorable) == ({}, 5)


def test_the_code_of_the_export_must_be_there(history, make_repo, tmp_path, result):
    repo, commits = history
    export = Export(tmp_path / "out", repo)
    export.add(commits["change"], "c.rs", repo.texts[1], repo.texts[0], split="train")
    export.add(commits["other"], "a.rs", NEW, OLD)
    other = make_repo("elsewhere")
    other.commit("begin", {"a": "b"})
    one = result(export, [True])
    with pytest.raises(EvaluationError, match=r"the repository lacks .* with -C"):
        one.report(trained_on=[export.folder], repository=other.path)
    with pytest.raises(ExportError, match="is no export that can be read"):
        one.report(trained_on=[tmp_path], repository=repo.path)


@pytest.fixture
def export(history, tmp_path):
    repo, commits = history
    export = Export(tmp_path / "out", repo)
    export.add(commits["change"], "c.rs", repo.texts[1], repo.texts[0])
    export.add(commits["near"], "b.rs", LONG % "second", None)
    export.add(commits["other"], "a.rs", NEW, OLD)
    export.add(commits["named"], "a.rs", OLD, NEW)
    return export


def test_two_results_are_compared_edit_by_edit(export, result):
    first = result(export, [True, True, False, False], "first")
    second = result(export, [True, False, True, True], "second")
    found = first.compare(second)
    assert (found.both, found.only_first, found.only_second, found.neither) == (1, 1, 2, 0)
    whole = found.groups[0]
    assert (whole.first.rate, whole.second.rate, whole.difference.rate) == (0.5, 0.75, 0.25)
    assert whole.difference.low < 0.25 < whole.difference.high
    assert [group.name for group in found.groups] == ["all edits", "5-49"]
    assert first.compare(first).groups[0].difference.low == 0.0


def test_an_edit_that_one_alone_scores_is_counted_apart(export, result):
    first = result(export, [True] * 4, "first")
    del export.metas[0]
    found = first.compare(result(export, [True] * 3, "second"))
    assert (found.both, found.n_first_alone, found.n_second_alone) == (3, 1, 0)


def test_results_of_different_exports_need_what_each_was_trained_on(export, result, history):
    first, second = (result(export, [True] * 4, name, export=name) for name in ("first", "second"))
    with pytest.raises(EvaluationError, match="are of different exports"):
        first.compare(second)
    repo, _ = history
    options = {"repository": repo.path}
    with pytest.raises(EvaluationError, match="are of different exports"):
        first.compare(second, trained_on=[export.folder], **options)
    export.metas.append(("train", export.metas[0][1]))
    export.write()
    found = first.compare(second, trained_on=[export.folder] * 2, **options)
    # The named one reverts the commit that is in train now.
    assert (found.both, found.n_left_out) == (2, 2)


def test_results_that_were_made_otherwise_are_not_compared(export, result):
    first = result(export, [True] * 4, "first")
    with pytest.raises(EvaluationError, match="were made with another rustc"):
        first.compare(result(export, [True] * 4, "second", rustc="rustc 2.0"))
    with pytest.raises(EvaluationError, match="is the result of a self-test"):
        first.compare(result(export, [True] * 4, "third", purpose="selftest"))
