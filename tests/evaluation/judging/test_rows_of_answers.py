"""Rows are made of what the gate said of answers: repairs, and preferences."""

import json
import re

import pytest
from click.testing import CliRunner

import rsidx
from rsidx import DataSet, Evaluation, ExportError
from rsidx.api.snapshot import WORKTREE
from rsidx.commands.root import root
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.rendering.renderer import n_prompt_ids
from tests.conftest import read_lines
from tests.evaluation.conftest import MANIFEST
from tests.evaluation.exports import predictions
from tests.planted import PLANTED

pytestmark = [
    pytest.mark.usefixtures("toolchain", "any_sandbox", "wordy"),
    pytest.mark.slow,
]
LOCK = 'version = 4\n\n[[package]]\nname = "crate-of-a-test"\nversion = "0.1.0"\n'
N_COMMITS = 20
BAD_TYPE = 'pub fn twice(x: u32) -> u32 {\n    let y: u32 = "x";\n    y + %d\n}\n'
BAD_NAME = "pub fn twice(x: u32) -> u32 {\n    absent(x)\n}\n"


def twice(n):
    return f"pub fn twice(x: u32) -> u32 {{\n    let y = x * {n};\n    y + {n}\n}}\n"


def source(n, password=""):
    kept = f'pub const WORD: &str = "{n}{password}";\n' if password else ""
    return f"{kept}{twice(n)}\npub fn caller() -> u32 {{\n    twice(1)\n}}\n"


@pytest.fixture
def crate_history(repo, index):
    """A crate of which each commit changes one function; the last one reverts the one before."""
    files = {"Cargo.toml": MANIFEST, "Cargo.lock": LOCK, ".gitignore": "/target\n"}
    repo.commit("Add a function and its caller", {"src/lib.rs": source(0), **files})
    for n in range(1, N_COMMITS):
        repo.commit(f"Multiply by the number {n}", {"src/lib.rs": source(n)})
    index.sync()
    return repo


@pytest.fixture
def made(index, tokenizer_file, tmp_path):
    """Export with the options given to a folder of that name."""

    def make(name="out", **options):
        options = {"split": "0.7,0.15,0.15", "embargo": "0", **options}
        config = ExportConfig(tokenizer=str(tokenizer_file), **options)
        export(index.database, tmp_path / name, config)
        return tmp_path / name

    return make


@pytest.fixture
def judged(crate_history, made, tmp_path):
    """Have answers to the rows of a split judged; return the folder of the result."""

    def judge(split="train", answers=(BAD_TYPE % 1, BAD_NAME), to="result", rows=3):
        out = made()
        metas = read_lines(out / f"{split}.meta.jsonl")
        asked = [meta["id"] for meta in metas if meta["symbol"] == "twice"][:rows]
        lines = [
            (row, answer, {"sample": sample})
            for row in asked
            for sample, answer in enumerate(answers)
        ]
        run = Evaluation(out, crate_history.path, split=split)
        run.check(predictions(tmp_path / f"{to}.predictions", *lines), tmp_path / to, jobs=1)
        return tmp_path / to

    return judge


def texts_of(out, split="train"):
    """Yield the rows of ids of a split as the texts of their roles, with their meta lines."""
    encoder = Encoder(load(str(out / "tokenizer")), source=str(out / "tokenizer"))
    for row in DataSet(out).rows(split):
        texts, at = {}, 0
        for role, n in row.meta["roles"]:
            texts[role] = texts.get(role, "") + encoder.decode(row.input_ids[at : at + n])
            at += n
        yield texts, row.meta


def test_a_repair_shows_the_failed_code_with_its_errors_and_teaches_the_commits_code(
    judged, made, crate_history
):
    result = judged()
    out = made("repairs", kind="repair", from_results=(str(result),))
    rows = list(texts_of(out))
    assert len(rows) == 6
    asked = {meta["commit"] for _, meta in rows}
    assert len(asked) == 3
    for texts, meta in rows:
        commit_code = crate_history.blob(meta["commit"], "src/lib.rs").decode()
        assert texts["new"] in commit_code
        assert texts["old"] in (BAD_TYPE % 1, BAD_NAME)
        code = "E0308" if texts["old"] == BAD_TYPE % 1 else "E0425"
        assert f"error[{code}]" in texts["prompt"]
        assert meta["old"] is None
        assert meta["answer"]["verdict"] == "error"
    assert len({meta["id"] for _, meta in rows}) == 6
    checked = DataSet(out).verify(crate_history.path)
    assert checked.problems == ()
    manifest = DataSet(out).manifest
    assert manifest["counts"]["examples_by_verdict"] == {"error": 6}
    assert manifest["config"]["from_results"] == ["result"]
    assert manifest["dropped"]["commits_unanswered"] > 10
    assert "| `error` | 6 |" in (out / "README.md").read_text()
    shown = CliRunner().invoke(root, ["inspect", str(out)])
    assert re.search(r"answer \w{16}, sample 0: error", shown.output)


def test_a_repair_is_what_is_asked_for_where_the_failed_code_is_on_disk(
    judged, made, crate_history, index
):
    result = judged(rows=1)
    out = made("repairs", kind="repair", from_results=(str(result),))
    edits = made("edits")
    _, meta = next(texts_of(out))
    line = read_lines(result / "verdicts.jsonl")[0]
    parent = crate_history.blob(meta["parent"], "src/lib.rs").decode()
    number = int(re.search(r"x \* (\d+)", parent)[1])
    crate_history.git("checkout", "-q", "--detach", meta["parent"])
    (crate_history.path / "src/lib.rs").write_text(parent.replace(twice(number), line["code"]))
    message = crate_history.git("log", "-1", "--format=%B", meta["commit"])
    with rsidx.open(crate_history.path, db=str(index.file)) as opened:
        prompt = opened.at(WORKTREE).prompt(
            "src/lib.rs", "twice", f"{message}\n\n{line['errors']}", like=DataSet(edits)
        )
    [row, _] = DataSet(out).rows("train")
    assert prompt.input_ids == row.input_ids[: n_prompt_ids(row.meta["roles"])]
    assert prompt.text.endswith(f"{line['code']}<|/old_code|><|new_code|>")


def test_repairs_in_other_shapes_are_true_as_well(judged, made, crate_history):
    result = judged()
    ids = None
    for name, options in {
        "text": {"columns": "text"},
        "blocks": {"target": "blocks"},
        "changed": {"labels": "changed"},
    }.items():
        out = made(name, kind="repair", from_results=(str(result),), **options)
        assert DataSet(out).verify(crate_history.path).problems == ()
        found = [meta["id"] for meta in read_lines(out / "train.meta.jsonl")]
        assert ids in (None, found)
        ids = found
        if name == "text":
            rows = read_lines(out / "train.jsonl")
            assert rows[0].keys() == {"id", "prompt", "completion"}


def test_verify_sees_a_repair_whose_code_is_not_the_commits(judged, made, crate_history):
    result = judged()
    out = made("repairs", kind="repair", from_results=(str(result),), columns="text")
    lines = (out / "train.jsonl").read_text()
    row = json.loads(lines.splitlines()[0])
    row["completion"] = row["completion"].replace("let y", "let z")
    (out / "train.jsonl").write_text("\n".join([json.dumps(row), *lines.splitlines()[1:], ""]))
    problems = [one.text for one in DataSet(out).verify(crate_history.path).problems]
    assert "the new code is not what src/lib.rs has there" in problems


def test_a_preference_has_the_commits_code_and_the_answer_that_failed(judged, made, crate_history):
    result = judged()
    out = made("pairs", kind="preference", columns="text", from_results=(str(result),))
    edits = made("edits", columns="text")
    rows = read_lines(out / "train.jsonl")
    assert len(rows) == 6
    assert all(row.keys() == {"id", "prompt", "chosen", "rejected"} for row in rows)
    # What is asked is what was asked when the answer was given, token for token.
    prompts = {row["prompt"]: row["completion"] for row in read_lines(edits / "train.jsonl")}
    for row in rows:
        assert prompts[row["prompt"]].removesuffix("<|endoftext|>") == row["chosen"]
        assert row["rejected"] in (BAD_TYPE % 1, BAD_NAME)
    assert DataSet(out).verify(crate_history.path).problems == ()
    assert DataSet(out).show().tokens[2].role == "rejected"
    assert next(DataSet(out).rows("train")).rejected == rows[0]["rejected"]
    assert DataSet(out).manifest["counts"]["examples_by_verdict"] == {"error": 6}


def test_a_long_worse_answer_takes_no_room_from_the_prompt(judged, made):
    lines = "".join(f"    let y{n} = absent(x + {n});\n" for n in range(12))
    result = judged(answers=(f"pub fn twice(x: u32) -> u32 {{\n{lines}    x\n}}\n",))
    options = {"columns": "text", "max_tokens": 512}
    edits = made("edits", **options)
    out = made("pairs", kind="preference", from_results=(str(result),), **options)
    [*metas] = read_lines(out / "train.meta.jsonl")
    assert [meta["n_tokens"]["rejected"] > 200 for meta in metas] == [True] * 3
    prompts = {row["prompt"] for row in read_lines(edits / "train.jsonl")}
    assert all(row["prompt"] in prompts for row in read_lines(out / "train.jsonl"))


def test_errors_are_the_same_where_the_check_was_made_before(judged, tmp_path):
    first = judged(answers=(BAD_TYPE % 1,), rows=1)
    again = judged(answers=(BAD_TYPE % 1,), rows=1, to="again")
    [line], [same] = (read_lines(folder / "verdicts.jsonl") for folder in (first, again))
    assert line["errors"] == same["errors"]
    assert "expected `u32`, found `&str`" in line["errors"]
    assert (tmp_path / "out.eval" / "memo.jsonl").exists()


def test_a_true_revert_is_a_preference_without_a_result(crate_history, made, index):
    head = crate_history.head()
    crate_history.git("revert", "--no-edit", head)
    crate_history.commit(
        f"Say that it reverts\n\nThis reverts commit {head}.", {"src/lib.rs": source(77)}
    )
    index.sync()
    out = made("pairs", kind="preference", columns="text", keep=("related",))
    [row] = read_lines(out / "test.jsonl")
    assert row["chosen"] == twice(N_COMMITS - 2)
    assert row["rejected"] == twice(N_COMMITS - 1)
    [meta] = read_lines(out / "test.meta.jsonl")
    assert meta["answer"]["verdict"] == "reverted"
    assert meta["answer"]["sample"] == head
    assert DataSet(out).verify(crate_history.path).problems == ()


def test_verdicts_of_val_and_test_are_refused_for_train(judged, made):
    result = judged("test")
    out = made("pairs", kind="preference", columns="text", from_results=(str(result),))
    counts = DataSet(out).manifest["counts"]["examples"]
    assert counts["test"] > 0
    assert counts["train"] == 0
    for kind, columns in (("preference", "text"), ("repair", "ids")):
        with pytest.raises(ExportError, match="would be in train: keep the splits"):
            made("late", kind=kind, columns=columns, from_results=(str(result),), split="1,0,0")


def test_answers_that_do_not_say_what_is_wrong_are_counted(judged, made):
    right = "pub fn twice(x: u32) -> u32 {\n    x\n}\n"
    result = judged(answers=(right, "", BAD_NAME, BAD_NAME, "pub fn other() {}\n"), rows=1)
    out = made("repairs", kind="repair", from_results=(str(result),))
    manifest = DataSet(out).manifest
    assert manifest["counts"]["examples_by_verdict"] == {"error": 1, "not_the_symbol": 1}
    dropped = manifest["dropped"]
    assert dropped["answers_compiles"] == 1
    assert dropped["answers_no_answer"] == 1
    assert dropped["answers_repeated"] == 1


def test_an_answer_with_a_secret_is_kept_without_it_and_gives_no_row(judged, made):
    secret = next(one.code for one in PLANTED if one.name == "github_classic")
    leaking = BAD_NAME.replace("absent(x)", f'absent("{secret}")')
    result = judged(answers=(leaking, BAD_NAME), rows=1)
    assert secret not in (result / "verdicts.jsonl").read_text()
    out = made("repairs", kind="repair", from_results=(str(result),))
    assert DataSet(out).manifest["dropped"]["answers_redacted"] == 1
    assert DataSet(out).manifest["counts"]["examples"]["train"] == 1


def test_a_self_tests_planted_faults_give_repairs_without_any_model(crate_history, made, tmp_path):
    out = made()
    run = Evaluation(out, crate_history.path, split="train")
    run.selftest(tmp_path / "result", max_edits=2, jobs=1)
    repairs = made("repairs", kind="repair", from_results=(str(tmp_path / "result"),))
    samples = {meta["answer"]["sample"] for _, meta in texts_of(repairs)}
    assert "planted types" in samples
    assert DataSet(repairs).verify(crate_history.path).problems == ()
