"""A reward function over the gate: what a completion is worth, called as trainers call it."""

import pytest

import rsidx
from rsidx import DataSet, EvaluationError
from rsidx.evaluation.compiler import workspace as workspace_module
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from tests.conftest import read_lines
from tests.evaluation.conftest import MANIFEST

pytestmark = [
    pytest.mark.usefixtures("toolchain", "any_sandbox", "wordy"),
    pytest.mark.slow,
]
LOCK = 'version = 4\n\n[[package]]\nname = "crate-of-a-test"\nversion = "0.1.0"\n'
WRONG = "pub fn twice(x: u32) -> u32 {\n    absent(x)\n}\n"
OTHER = "pub fn twice(x: u32) -> u32 {\n    x + x + 5\n}\n"


def source(n, more=""):
    more = more.replace("NUMBER", str(n))
    return f"pub fn twice(x: u32) -> u32 {{\n{more}    let y = x * {n};\n    y + {n}\n}}\n"


@pytest.fixture
def out(repo, index, tokenizer_file, tmp_path, request):
    """An export for reinforcement learning of a crate whose commits change one function."""
    files = {"Cargo.toml": MANIFEST, "Cargo.lock": LOCK, ".gitignore": "/target\n"}
    more = getattr(request, "param", {}).get("more", "")
    repo.commit("Add a function", {"src/lib.rs": source(0, more), **files})
    for n in range(1, 4):
        repo.commit(f"Multiply by the number {n}", {"src/lib.rs": source(n, more)})
    index.sync()
    options = {"columns": "rl", "split": "1,0,0", "embargo": "0"}
    options |= getattr(request, "param", {}).get("options", {})
    export(index.database, tmp_path / "out", ExportConfig(str(tokenizer_file), **options))
    return tmp_path / "out"


@pytest.fixture
def row(out):
    """The columns of a row whose edit changes the function."""
    return next(row for row in read_lines(out / "train.jsonl") if row["start"] is not None)


@pytest.fixture
def reward(out, repo):
    with rsidx.reward(out, repo.path, jobs=1) as function:
        yield function


def test_a_row_says_where_its_answer_belongs(out, row, repo):
    old = repo.blob(row["parent"], row["path"])[row["start"] : row["end"]]
    assert old.decode().startswith("pub fn twice")
    assert repo.git("rev-parse", f"{row['commit']}^") == row["parent"]
    added = [one for one in read_lines(out / "train.jsonl") if one["start"] is None]
    assert all(one["path"] == "src/lib.rs" for one in added)
    assert DataSet(out).verify(repo.path).problems == ()
    assert next(DataSet(out).rows("train")).prompt


def test_what_compiles_is_worth_one_and_what_does_not_or_changes_nothing_is_worth_nothing(
    reward, row, repo
):
    old = repo.blob(row["parent"], row["path"])[row["start"] : row["end"]].decode()
    answers = [row["completion"], OTHER, f"```rust\n{OTHER}```", OTHER + "<|endoftext|>more",
               WRONG, "", old]  # fmt: skip
    columns = {name: [value] * len(answers) for name, value in row.items() if name != "prompt"}
    found = reward([row["prompt"]] * len(answers), answers, **columns)
    assert found == [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    assert reward.outcomes == {"exact": 1, "compiles": 3, "error": 1, "no_answer": 1,
                               "unchanged": 1}  # fmt: skip
    assert reward.__name__ == "compiles"


def test_an_answer_of_a_conversation_is_its_last_message(reward, row):
    asked = [{"role": "user", "content": row["prompt"]}]
    answers = [[{"role": "assistant", "content": f"```rust\n{code}```"}] for code in (OTHER, WRONG)]
    assert reward([asked, asked], answers, id=[row["id"]] * 2) == [1.0, 0.0]


def test_an_outcome_is_worth_what_the_user_says(out, repo, row):
    worth = {"exact": 2.0, "compiles": 0.5, "error": -1.0}
    with rsidx.reward(out, repo.path, jobs=1, rewards=worth) as function:
        answers = [row["completion"], OTHER, WRONG]
        assert function([""] * 3, answers, id=[row["id"]] * 3) == [2.0, 0.5, -1.0]
    with pytest.raises(EvaluationError, match="no outcome is called good"):
        rsidx.reward(out, repo.path, rewards={"good": 1.0})


def test_rows_that_are_unknown_or_not_named_are_refused(reward, row):
    with pytest.raises(EvaluationError, match="no row 123 that can be judged"):
        reward([""], [OTHER], id=["123"])
    with pytest.raises(EvaluationError, match="1 completions have 0 values of the column id"):
        reward([row["prompt"]], [OTHER])


@pytest.mark.parametrize(
    "out",
    [{"more": "".join(f"    let _value_{i}_of_the_line = x.wrapping_add(NUMBER);\n"
                      for i in range(40)),
      "options": {"max_chars": 400}}],
    indirect=True,
)  # fmt: skip
def test_a_part_is_judged_among_the_commits_own_code_of_the_others(out, reward):
    rows = read_lines(out / "train.jsonl")
    metas = {meta["id"]: meta for meta in read_lines(out / "train.meta.jsonl")}
    parts = [row for row in rows if metas[row["id"]]["part"][1] > 1]
    first, last = parts[0], parts[-1]
    assert reward(["", ""], [first["completion"], last["completion"]],
                  id=[first["id"], last["id"]]) == [1.0, 1.0]  # fmt: skip
    assert reward([""], [last["completion"].replace("y +", "absent +")], id=[last["id"]]) == [0.0]


def test_a_commit_is_checked_out_once_for_all_answers_to_its_rows(reward, row, monkeypatch):
    moved = []
    move_to = workspace_module.Workspace.move_to

    def counted(self, commit):
        moved.append(self.commit != commit)
        move_to(self, commit)

    monkeypatch.setattr(workspace_module.Workspace, "move_to", counted)
    assert reward([""] * 4, [OTHER, WRONG] * 2, id=[row["id"]] * 4) == [1.0, 0.0, 1.0, 0.0]
    assert moved == [True]


def test_each_process_that_trains_has_a_folder_of_its_own(out, repo, row, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    with rsidx.reward(out, repo.path, jobs=1) as first:
        monkeypatch.setenv("RANK", "1")
        with rsidx.reward(out, repo.path, jobs=1) as second:
            for function in (first, second):
                assert function([""], [OTHER], id=[row["id"]]) == [1.0]
        monkeypatch.setenv("RANK", "0")
        with pytest.raises(EvaluationError, match="another run uses"):
            rsidx.reward(out, repo.path, jobs=1)
