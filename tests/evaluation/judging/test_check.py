"""Answers are judged in the place of the commit's own code, at their own commit."""

import json
import os
import threading

import pytest

from rsidx import CheckSettings, Evaluation, EvaluationError
from rsidx.blocks import block
from rsidx.evaluation.compiler import cargo as cargo_module
from rsidx.evaluation.compiler import memo as memo_module
from rsidx.evaluation.compiler import workspace as workspace_module
from rsidx.evaluation.judging import check as check_module
from rsidx.evaluation.judging import judge as judge_module
from tests.conftest import read_lines
from tests.evaluation.conftest import MANIFEST, NEW, OLD, REST

pytestmark = pytest.mark.usefixtures("toolchain", "any_sandbox")
OWN_LINE = "pub fn twice(x: u32) -> u32 { %s }\n"


@pytest.fixture
def gate(tmp_path):
    """Judge predictions of an export; return the verdicts in the order of the predictions."""

    def judge(export, predictions, to="result", jobs=1, **settings):
        settings = CheckSettings(**settings)
        run = Evaluation(export.folder, export.repo.path, settings=settings)
        run.check(predictions, tmp_path / to, jobs=jobs)
        lines = read_lines(tmp_path / to / "verdicts.jsonl")
        order = [json.loads(line)["id"] for line in predictions.read_text().splitlines()]
        return sorted(lines, key=lambda line: (order.index(line["ids"][0]), line["sample"]))

    return judge


@pytest.fixture
def reference(tmp_path):
    def read(to="result"):
        [line] = read_lines(tmp_path / to / "edits.jsonl")
        return line

    return read


@pytest.fixture
def twice(crate, make_export):
    """The row of the function that the crate's second commit changes."""
    export = make_export(crate)
    export.row = export.add(crate.head(), "src/lib.rs", NEW, OLD, symbol="twice")
    return export


ANSWERS = {
    NEW: ("compiles", "", ""),
    OWN_LINE % "x * 2": ("compiles", "", ""),
    f"```rust\n{NEW}```\n": ("compiles", "", ""),
    NEW + "<|endoftext|>and what follows": ("compiles", "", ""),
    "": ("no_answer", "", ""),
    "```rust\n```": ("no_answer", "", ""),
    "pub fn thrice(x: u32) -> u32 { x * 3 }\n": ("not_the_symbol", "", ""),
    OWN_LINE % "let = ;": ("error", "syntax", "edit"),
    OWN_LINE % "y * 2": ("error", "names", "edit"),
    OWN_LINE % "x.double()": ("error", "members", "edit"),
    OWN_LINE % '"two"': ("error", "types", "edit"),
    OWN_LINE % "let f: fn() = x; x": ("error", "types", "edit"),
    OWN_LINE % "let s = String::new(); drop(s); s.len() as u32": ("error", "borrows", "edit"),
    OWN_LINE % "double!(x)": ("error", "macros", "edit"),
    "#[deny(unused_variables)]\n" + OWN_LINE % "let y = 1; x": ("error", "lints", "edit"),
    "pub fn twice(x: u64) -> u64 { x * 2 }\n": ("error", "types", "file"),
    "pub fn twice(_: &str) -> u32 { 2 }\n": ("error", "types", "file"),
    OWN_LINE % "fn needs<T: Copy>(_: T) {} needs(String::new()); x": ("error", "traits", "edit"),
}


@pytest.mark.slow
def test_each_answer_has_its_verdict(twice, gate, predict):
    lines = [(twice.row, text, {"sample": n}) for n, text in enumerate(ANSWERS)]
    found = gate(twice, predict(*lines))
    assert {
        answer: (line["verdict"], line["class"], line["where"])
        for answer, line in zip(ANSWERS, found, strict=True)
    } == ANSWERS
    assert [line["is_exact"] for line in found[:4]] == [True, False, True, True]


def test_blocks_are_put_into_the_old_code(twice, gate, predict):
    [line] = [one for one in OLD.splitlines(keepends=True) if one not in NEW]
    broken = block([line], ["    nowhere\n"])
    own = "".join(one for one in NEW.splitlines(keepends=True) if one not in OLD)
    answers = {
        block([line], [own]): "compiles",
        f"```rust\n{broken}```": "error",
        block(["    no such line\n"], []): "not_applied",
    }
    lines = [(twice.row, text, {"sample": n}) for n, text in enumerate(answers)]
    found = gate(twice, predict(*lines))
    assert [line["verdict"] for line in found] == [*answers.values()]
    assert found[0]["is_exact"]
    assert "has nowhere: no such line" in found[2]["reason"]


def test_an_answer_that_was_cut_off_is_no_answer_of_the_model(twice, gate, predict):
    cut = {"finish_reason": "length"}
    [line] = gate(twice, predict((twice.row, NEW, cut)))
    assert line["verdict"] == "cut_off"


def test_an_answer_that_takes_other_items_away_is_not_applied(crate, make_export, gate, predict):
    export = make_export(crate)
    row = export.add(crate.head(), "src/lib.rs", NEW, OLD, symbol="twice")
    [line] = gate(export, predict((row, NEW + "mod inner {}\nimpl Thing {\n")))
    # What does not parse is the compiler's to judge; what does, and loses an item, is refused.
    assert (line["verdict"], line["class"]) == ("error", "syntax")


def test_the_name_that_a_prompt_gives_must_be_defined_where_it_is_one(
    crate, make_export, gate, predict
):
    export = make_export(crate)
    rows = [
        export.add(crate.head(), "src/lib.rs", text, None, given={"name": name})
        for text, name in ((REST, "caller"), (REST[1:], "Default for Caller"))
    ]
    other = REST.replace("caller", "other")
    found = gate(export, predict(*((row, REST) for row in rows)))
    assert [line["verdict"] for line in found] == ["compiles", "compiles"]
    found = gate(export, predict(*((row, other) for row in rows)), to="more")
    assert [line["verdict"] for line in found] == ["not_the_symbol", "compiles"]


def test_what_is_known_of_the_edit_is_written_down(twice, gate, predict, reference):
    gate(twice, predict((twice.row, NEW)))
    line = reference()
    assert (line["reason"], line["check"], line["lock"]) == ("", "cargo check", "commit")
    assert (line["lines"], line["floor"]) == (4, {"old": "compiles"})


def test_a_row_without_a_prediction_gets_no_line(twice, crate, predict, tmp_path):
    twice.add(crate.head(), "src/lib.rs", REST, None)
    run = Evaluation(twice.folder, crate.path)
    counts = run.check(predict((twice.row, NEW), ("f" * 24, NEW)), tmp_path / "result", jobs=1)
    assert (counts.n_verdicts, counts.n_rows_without, counts.n_unknown) == (1, 1, 1)
    assert len(read_lines(tmp_path / "result" / "verdicts.jsonl")) == 1


def test_holes_are_judged_wherever_they_begin(crate, make_export, gate, predict):
    export = make_export(crate, kind="fim")
    whole = {"old": None, "new": export.place(crate.head(), "src/lib.rs", NEW)}
    rows = [
        export.add(crate.head(), "src/lib.rs", hole, None, edit=whole, symbol="twice")
        for hole in ("    let y = x;\n", "et y = ", " * 2")
    ]
    good = ["    let y = x + 0;", "et y = 1 + ", " + y"]
    found = gate(export, predict(*zip(rows, good, strict=True)))
    assert [line["verdict"] for line in found] == ["compiles"] * 3
    found = gate(export, predict(*((row, " 1 }") for row in rows)), to="more")
    assert {line["class"] for line in found} == {"syntax"}


FEATURE = "\n[features]\nextra = []\n"
HIDDEN = '#[cfg(feature = "extra")]\npub fn hidden() -> u32 {\n    1\n}\n'
STATEMENT = (
    "pub fn partly() -> u32 {\n    #[cfg(any())]\n    {\n        let a = %s;\n    }\n    1\n}\n"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        ({"src/lib.rs": HIDDEN}, HIDDEN, None, "not_compiled"),
        ({"src/lib.rs": STATEMENT % 2}, STATEMENT % 2, STATEMENT % 1, "statement_not_compiled"),
        ({"src/lib.rs": "", "src/other.rs": NEW}, NEW, None, "not_compiled"),
        ({"src/lib.rs": "pub fn f() { g() }\n"}, "pub fn f() { g() }\n", None, "does_not_build"),
        ({"src/lib.rs": NEW, "Cargo.toml": MANIFEST + '[dependencies]\nabsent = "1"\n'},
         NEW, None, "dependencies"),
        ({"src/lib.rs": NEW, "Cargo.toml": MANIFEST.replace("0.1.0", "0.2.0")},
         NEW, None, "lock"),
        ({"src/lib.rs": NEW, "Cargo.toml": "[profile]\n"}, NEW, None, "no_package"),
    ],
)  # fmt: skip
def test_an_edit_is_not_scorable_for_a_reason(repo, make_export, gate, predict, reference, case):
    files, new, old, reason = case
    path = "src/other.rs" if "src/other.rs" in files else "src/lib.rs"
    lock = 'version = 4\n\n[[package]]\nname = "crate-of-a-test"\nversion = "0.1.0"\n'
    first = {"Cargo.toml": MANIFEST + FEATURE, path: old or "// Empty.\n", "src/lib.rs": old or ""}
    repo.commit("begin", {**first, **({"Cargo.lock": lock} if reason == "lock" else {})})
    commit = repo.commit("change", {"Cargo.toml": MANIFEST + FEATURE, **files})
    export = make_export(repo)
    row = export.add(commit, path, new, old)
    [line] = gate(export, predict((row, "anything")))
    assert (line["verdict"], line["reason"]) == ("not_scorable", reason)
    assert reference()["reason"] == reason


def test_an_edit_goes_to_the_first_check_that_compiles_it(repo, make_export, gate, predict):
    commit = repo.commit("begin", {"Cargo.toml": MANIFEST + FEATURE, "src/lib.rs": HIDDEN})
    export = make_export(repo)
    row = export.add(commit, "src/lib.rs", HIDDEN)
    good, bad = (HIDDEN.replace("1\n", text) for text in ("2\n", "two\n"))
    answers = predict((row, good), (row, bad, {"sample": 1}))
    found = gate(export, answers, checks=("", "--features extra"))
    assert [line["verdict"] for line in found] == ["compiles", "error"]


@pytest.mark.slow
def test_flags_of_the_compiler_are_part_of_a_check(repo, make_export, gate, predict, reference):
    code = HIDDEN.replace('feature = "extra"', "special")
    lint = '[lints.rust]\nunexpected_cfgs = "allow"\n'
    commit = repo.commit("begin", {"Cargo.toml": MANIFEST + lint, "src/lib.rs": code})
    export = make_export(repo)
    row = export.add(commit, "src/lib.rs", code)
    [line] = gate(export, predict((row, code)), checks=("", "RUSTFLAGS='--cfg special'"))
    assert line["verdict"] == "compiles"
    assert reference()["check"] == "RUSTFLAGS='--cfg special' cargo check"


@pytest.mark.slow
def test_tests_are_judged_too_and_so_are_members_of_a_workspace(
    repo, make_export, gate, predict, tmp_path
):
    test = "#[test]\nfn doubles() {\n    assert_eq!(inner::twice(1), 2);\n}\n"
    workspace = '[workspace]\nmembers = ["inner"]\nresolver = "2"\n'
    inner = MANIFEST.replace("crate-of-a-test", "inner")
    files = {"Cargo.toml": workspace, "inner/Cargo.toml": inner, "inner/src/lib.rs": NEW}
    commit = repo.commit("begin", {**files, "inner/tests/all.rs": test})
    export = make_export(repo)
    rows = [
        export.add(commit, "inner/tests/all.rs", test),
        export.add(commit, "inner/src/lib.rs", NEW),
    ]
    wrong = [test.replace("2)", '"")'), NEW.replace("y *", "z *")]
    found = gate(export, predict(*zip(rows, wrong, strict=True)))
    assert [(line["class"], line["where"]) for line in found] == [
        ("types", "edit"),
        ("names", "edit"),
    ]
    locks = {line["lock"] for line in read_lines(tmp_path / "result" / "edits.jsonl")}
    assert locks == {"resolved"}


PARTS = (
    "    let a = x;\n    let b = a;\n",
    "    let c = b;\n",
    "    c + b + z\n}\n",
)


@pytest.fixture
def parted(repo, make_export):
    """A function that is asked for in three parts, with code between them that stays."""
    code = "pub fn long(x: u32) -> u32 {\n%s    // Stays.\n%s    let z = x;\n%s"
    before = "    let a = x;\n", "    let c = a;\n", "    c + z\n}\n"
    files = {
        name: {"Cargo.toml": MANIFEST, "src/lib.rs": code % parts}
        for name, parts in (("old", before), ("new", PARTS))
    }
    repo.commit("begin", files["old"])
    commit = repo.commit("Add b", files["new"])
    export = make_export(repo)
    old, new = (
        export.place(at, "src/lib.rs", files[name]["src/lib.rs"])
        for at, name in ((f"{commit}^", "old"), (commit, "new"))
    )
    export.rows = [
        export.add(commit, "src/lib.rs", text, before[n], symbol="long", part=[n + 1, 3],
                   edit={"old": old, "new": new})
        for n, text in enumerate(PARTS)
    ]  # fmt: skip
    return export


def test_an_edit_in_parts_is_judged_as_a_whole(parted, gate, predict, reference):
    other = "    let c = a;\n", "    let c = b + 1; // one", "    c * z\n}"
    wrong = PARTS[0], PARTS[1].replace("c", "d"), PARTS[2]
    missing = PARTS[0], "", PARTS[2]
    answers = (PARTS, (PARTS[0], *other[1:]), (other[0], *PARTS[1:]), wrong, missing)
    lines = [
        (row, text, {"sample": n})
        for n, texts in enumerate(answers)
        for row, text in zip(parted.rows, texts, strict=True)
    ]
    found = gate(parted, predict(*lines))
    assert [(line["verdict"], line["class"]) for line in found] == [
        ("compiles", ""), ("compiles", ""), ("error", "names"), ("error", "names"),
        ("no_answer", ""),
    ]  # fmt: skip
    assert [line["is_exact"] for line in found[:2]] == [True, False]
    assert found[0]["ids"] == parted.rows
    line = reference()
    assert (line["n_parts"], line["lines"], line["floor"]) == (3, 7, {"old": "compiles"})


def test_an_edit_that_lacks_an_answer_to_a_part_gets_no_line(parted, predict, tmp_path):
    run = Evaluation(parted.folder, parted.repo.path)
    counts = run.check(predict(*zip(parted.rows[:2], PARTS, strict=False)), tmp_path / "r", jobs=1)
    assert (counts.n_verdicts, counts.n_rows_without) == (0, 1)


def test_what_lacks_a_part_is_not_judged_and_deletions_have_no_place(
    crate, make_export, gate, predict
):
    export = make_export(crate)
    rows = [
        export.add(crate.head(), "src/lib.rs", NEW, OLD, part=[1, 2]),
        export.add(crate.head(), "src/lib.rs", None, OLD, change="delete"),
    ]
    found = gate(export, predict(*((row, NEW) for row in rows)))
    assert [line["reason"] for line in found] == ["part_missing", "deletion"]


def test_another_repository_than_the_export_s_is_refused(twice, make_repo, predict, tmp_path):
    other = make_repo("other")
    other.commit("begin", {"a": "b"})
    with pytest.raises(EvaluationError, match=r"commit [0-9a-f]{40} cannot be checked out"):
        Evaluation(twice.folder, other.path).check(
            predict((twice.row, NEW)), tmp_path / "r", jobs=1
        )


def test_a_run_goes_on_where_it_was_interrupted(twice, gate, predict, tmp_path, monkeypatch):
    answers = predict((twice.row, NEW), (twice.row, OLD, {"sample": 1}))
    before = gate(twice, answers)
    file = tmp_path / "result" / "verdicts.jsonl"
    first, second = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + second[:20])

    def refuse(*_arguments, **_options):
        raise AssertionError("a check that was made before is made again")

    monkeypatch.setattr(cargo_module.Cargo, "check", refuse)
    assert gate(twice, answers) == before


def test_a_result_of_other_answers_is_not_gone_on_with(twice, gate, predict):
    gate(twice, predict((twice.row, NEW)))
    with pytest.raises(EvaluationError, match="has a verdict on another answer"):
        gate(twice, predict((twice.row, OLD)))
    with pytest.raises(EvaluationError, match="was begun with another checks"):
        gate(twice, predict((twice.row, NEW)), checks=("--tests",))


def test_a_check_that_takes_too_long_is_ended_and_not_remembered(twice, gate, predict, monkeypatch):
    endless = OWN_LINE % "const X: u32 = { while true {} 1 }; x * X"
    endless = "#[allow(long_running_const_eval)]\n" + endless
    monkeypatch.setattr(judge_module, "_MIN_TIMEOUT_S", 2)
    monkeypatch.setattr(judge_module, "_TIMES_THE_BUILD", 0)
    kept = []
    monkeypatch.setattr(memo_module, "append_line", lambda _file, line: kept.append(line))
    [line] = gate(twice, predict((twice.row, endless)))
    assert line["verdict"] == "timeout"
    assert {one["outcome"] for one in kept} == {"ok", "errors"}


def test_a_verdict_without_a_compilation_is_none(twice, gate, predict, monkeypatch):
    """What cargo takes for unchanged says nothing of the answer."""
    write = workspace_module._write

    def write_with_the_old_time(file, content):
        time = file.stat().st_mtime_ns
        write(file, content)
        if b"wrong" in content:
            os.utime(file, ns=(time, time))

    monkeypatch.setattr(workspace_module, "_write", write_with_the_old_time)
    # The commit's own code comes last before the answer, so that it is what cargo knows.
    monkeypatch.setattr(judge_module.probe, "with_probes", lambda source, *_: (source, ()))
    monkeypatch.setattr(check_module, "replace", lambda reference, **_: reference)
    [line] = gate(twice, predict((twice.row, OWN_LINE % "wrong")))
    assert (line["verdict"], line["reason"]) == (
        "not_scorable",
        "cargo did not compile the answer",
    )


def test_two_runs_do_not_share_a_scratch_folder(twice, predict, tmp_path):
    started, go_on = threading.Event(), threading.Event()

    def wait(_done, _total):
        started.set()
        go_on.wait(60)

    answers = predict((twice.row, NEW))
    run = Evaluation(twice.folder, twice.repo.path)
    first = threading.Thread(
        target=lambda: run.check(answers, tmp_path / "a", jobs=1, progress=wait)
    )
    first.start()
    started.wait(60)
    try:
        with pytest.raises(EvaluationError, match="another run uses"):
            run.check(answers, tmp_path / "b", jobs=1)
    finally:
        go_on.set()
        first.join()


def test_the_repository_is_left_alone(twice, gate, predict):
    before = sorted(twice.repo.path.iterdir()), twice.repo.git("for-each-ref")
    gate(twice, predict((twice.row, NEW)))
    assert (sorted(twice.repo.path.iterdir()), twice.repo.git("for-each-ref")) == before
    assert twice.repo.git("worktree", "list").count("\n") == 0
    assert twice.repo.git("status", "--short") == ""
