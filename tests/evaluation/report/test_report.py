"""The figures of a result: which edits count where, beside what nobody had to write."""

import json

import pytest

from rsidx import EvaluationError, EvaluationResult
from rsidx.evaluation.report.report import LENGTHS

HEADER = {
    "format": "rsidx-result", "format_version": 1, "purpose": "predictions", "n_edits": 10,
    "rustc": "rustc 1.0", "sandbox": "bubblewrap", "unlocked": False,
}  # fmt: skip


def edit(name, commit, old="compiles", **more):
    line = {
        "edit_id": name, "ids": [name], "n_parts": 1, "commit": commit, "change": "modify",
        "time": "2024-01-01T00:00:00+00:00", "is_test": False, "needs": {}, "reason": "",
        "check": "cargo check", "lock": "commit", "lines": 10, "floor": {"old": old},
    }  # fmt: skip
    return line | more


def verdict(name, outcome="compiles", error_class="", phase="", sample=0, **more):
    line = {
        "edit_id": name, "ids": [name], "sample": sample, "answer": "", "verdict": outcome,
        "class": error_class, "phase": phase, "where": "edit" if error_class else "",
        "reason": "", "is_exact": False, "keeps_attributes": None,
    }  # fmt: skip
    return line | more


@pytest.fixture
def result(tmp_path):
    def make(edits, verdicts, **header):
        folder = tmp_path / "result"
        folder.mkdir(exist_ok=True)
        (folder / "result.json").write_text(json.dumps(HEADER | header))
        for name, lines in (("edits", edits), ("verdicts", verdicts)):
            text = "".join(json.dumps(line) + "\n" for line in lines)
            (folder / f"{name}.jsonl").write_text(text)
        return EvaluationResult(folder)

    return make


def group(report, by, name):
    [found] = [one for one in report.groups if (one.by, one.name) == (by, name)]
    return found


def test_a_rate_stands_beside_the_floor_and_the_rate_where_the_old_code_fails(result):
    edits = [edit("a", "1"), edit("b", "1", "error"), edit("c", "2", "error"), edit("d", "2")]
    found = result(
        edits,
        [verdict("a"), verdict("b"), verdict("c", "error", "types", "types and traits"),
         verdict("d", "no_answer")],
    ).report()  # fmt: skip
    whole = group(found, "all", "all edits")
    assert (whole.rate.rate, whole.floor.rate, whole.hard.rate) == (0.5, 0.5, 0.5)
    assert (whole.rate.n, whole.hard.n) == (4, 2)
    assert (found.n_edits, found.n_scorable, found.n_unanswered) == (10, 4, 6)
    assert found.verdicts == {"compiles": 2, "error": 1, "no_answer": 1}
    assert (found.classes, found.places) == ({"types": 1}, {"edit": 1})


def test_what_is_not_scorable_is_counted_by_reason_and_in_no_rate(result):
    edits = [edit("a", "1"), edit("b", "1", reason="not_compiled", floor={})]
    found = result(edits, [verdict("a"), verdict("b", "not_scorable")]).report()
    assert group(found, "all", "all edits").rate.n == 1
    assert found.not_scorable == {"not_compiled": 1}
    assert "not_scorable" not in found.verdicts


def test_edits_are_reported_by_length_change_need_and_date(result):
    shown, hidden = {"shown": 2, "not_shown": 0}, {"shown": 1, "made_not_shown": 1}
    edits = [
        edit("a", "1", lines=4, needs=shown),
        edit("b", "1", lines=5, change="add", needs=hidden),
        edit("c", "2", lines=1000, needs={"shown": 0, "not_shown": 0}),
        edit("d", "2", lines=999, time="2024-06-01T00:00:00+00:00"),
    ]
    found = result(edits, [verdict(name) for name in "abcd"]).report(after="2024-02-01")
    counts = {one.name: one.rate.n for one in found.groups if one.by == "lines"}
    assert counts == dict(zip(LENGTHS, (1, 1, 0, 0, 1, 1), strict=True))
    assert {one.name: one.rate.n for one in found.groups if one.by == "needed"} == {
        "all shown": 1, "not all shown": 1, "nothing": 1,
    }  # fmt: skip
    assert group(found, "change", "add").rate.n == 1
    assert group(found, "date", "before 2024-02-01").rate.n == 3
    assert group(found, "date", "from 2024-02-01").rate.n == 1


def test_each_phase_counts_the_answers_that_come_to_it(result):
    outcomes = [
        ("error", "syntax", "parse"),
        ("error", "names", "resolve"),
        ("error", "traits", "types and traits"),
        ("error", "borrows", "borrows"),
        ("compiles", "", ""),
        ("timeout", "", ""),
    ]
    edits = [edit(str(n), str(n)) for n in range(len(outcomes))]
    found = result(edits, [verdict(str(n), *one) for n, one in enumerate(outcomes)]).report()
    assert [(one.name, one.rate.n, one.rate.rate) for one in found.phases] == [
        ("parse", 5, 0.8),
        ("resolve", 4, 0.75),
        ("types and traits", 3, pytest.approx(2 / 3)),
        ("borrows", 2, 0.5),
        ("other", 1, 1.0),
    ]


def test_several_samples_of_an_edit_count_once_and_give_pass_at_k(result):
    lines = [verdict("a", sample=n) for n in range(2)] + [
        verdict("a", "error", sample=n) for n in (2, 3)
    ]
    lines += [verdict("b", "error", sample=n) for n in range(4)]
    found = result([edit("a", "1"), edit("b", "2")], lines).report()
    assert group(found, "all", "all edits").rate.rate == 0.25
    assert {k: one.rate for k, one in found.pass_at.items()} == {
        1: 0.25, 2: pytest.approx((1 - 1 / 6) / 2), 4: 0.5,
    }  # fmt: skip


def test_attributes_count_where_the_answer_compiles(result):
    edits = [edit(name, name) for name in "abcd"]
    kept = [("compiles", True), ("compiles", False), ("error", False), ("compiles", None)]
    lines = [verdict(n, v, keeps_attributes=k) for n, (v, k) in zip("abcd", kept, strict=True)]
    found = result(edits, lines).report().attributes_kept
    assert (found.n, found.rate) == (2, 0.5)


def test_a_result_is_what_it_says_it_is(result, tmp_path):
    with pytest.raises(EvaluationError, match="is the result of a self-test"):
        result([], [], purpose="selftest").report()
    with pytest.raises(EvaluationError, match="is no result of a self-test"):
        result([], []).self_test()
    with pytest.raises(EvaluationError, match="is no date, such as 2025-03-01"):
        result([], []).report(after="yesterday")
    with pytest.raises(EvaluationError, match=r"format version 2 .* reads 1"):
        result([], [], format_version=2)
    with pytest.raises(EvaluationError, match="is no result"):
        result([], [], format="other")
    with pytest.raises(EvaluationError, match="is no result that can be read"):
        EvaluationResult(tmp_path)
