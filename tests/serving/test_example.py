"""examples/patch.py: what passes is committed, and what does not leaves no trace."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.evaluation.conftest import any_sandbox, toolchain  # noqa: F401
from tests.evaluation.server import completion
from tests.serving.conftest import BAD, LIB, MORE

SCRIPT = Path(__file__).parents[2] / "examples" / "patch.py"
TASK = "Double faster, and triple"
THRICE = "/// Triples.\npub fn thrice(x: u32) -> u32 {\n    twice(x) + x\n}\n"
PLAN = [
    {"place": "src/lib.rs:twice", "message": "Double by multiplication"},
    {"place": "src/lib.rs", "after": "twice", "message": "Add a function that triples"},
]
pytestmark = [pytest.mark.usefixtures("toolchain", "any_sandbox"), pytest.mark.slow]


@pytest.fixture
def patch(crate, edits, server, tmp_path, monkeypatch):
    """Run the script, with what the planner and the writer answer, one after another."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "A U Thor")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "author@example.com")

    def patch(planned, written):
        planned, written = list(planned), list(written)

        def answer(path, _body):
            if path == "/v1/completions":
                return completion(written.pop(0))
            content = planned.pop(0)
            return {"choices": [{"message": {"content": content}}] if content else []}

        server.answer = answer
        done = subprocess.run(
            [sys.executable, SCRIPT, TASK, "--like", edits, "--repo", crate.path,
             "--planner", f"{server.url}/v1", "--writer", server.url,
             "--scratch", tmp_path / "scratch"],
            capture_output=True, check=False, text=True,
        )  # fmt: skip
        assert planned == written == [], done.stderr
        return done

    return patch


def test_the_writer_s_edits_are_committed_and_the_planner_helps_where_it_gives_up(
    patch, crate, server
):
    before = crate.head()
    done = patch(["```json\n" + json.dumps(PLAN) + "\n```", THRICE], [BAD, MORE, *[BAD] * 3])
    assert done.returncode == 0, done.stderr
    first, second, third, last = done.stdout.splitlines()
    assert first == "Double by multiplication: compiles after 2 answers"
    assert second == "Add a function that triples: error after 3 answers"
    assert third == "Add a function that triples: compiles, by the planner"
    assert last == f"committed {crate.head()[:12]}"
    assert crate.git("rev-parse", "HEAD^") == before
    assert crate.git("log", "-1", "--format=%s") == TASK
    assert crate.git("status", "--porcelain") == ""
    text = (crate.path / "src/lib.rs").read_text()
    assert MORE in text
    assert THRICE in text
    # The second prompt shows what the first edit made.
    assert "2 * x" in [body["prompt"] for _, body in server.requests if "prompt" in (body or {})][2]


def test_nothing_stays_of_a_change_that_nobody_can_finish(patch, crate):
    before = crate.head()
    wrong = THRICE.replace("twice", "absent")
    done = patch([json.dumps(PLAN), wrong], [MORE, *[wrong] * 3])
    assert done.returncode == 10
    assert "escalate: error[E0425]: cannot find function `absent`" in done.stderr
    assert crate.head() == before
    assert (crate.path / "src/lib.rs").read_text() == LIB
    assert crate.git("status", "--porcelain") == ""


def test_what_was_written_before_is_not_taken_back(patch, crate):
    assert patch([json.dumps(PLAN[:1])], [MORE]).returncode == 0
    after = (crate.path / "src/lib.rs").read_text()
    wrong = THRICE.replace("twice", "absent")
    done = patch([json.dumps(PLAN), wrong], [MORE, *[wrong] * 3])
    assert (done.returncode, done.stdout.count("compiles after 1 answers")) == (10, 1)
    assert (crate.path / "src/lib.rs").read_text() == after
    assert crate.git("status", "--porcelain") == ""


def test_what_a_hook_changed_too_stays_and_the_rest_is_taken_back(patch, crate):
    hook = crate.path / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho '// formatted' >> src/lib.rs\nexit 1\n")
    hook.chmod(0o755)
    plan = [PLAN[0], {"place": "src/inner.rs", "after": "same", "message": "Add what rests"}]
    done = patch([json.dumps(plan)], [MORE, "pub fn still() {}\n"])
    assert (done.returncode, "git commit failed" in done.stderr) == (10, True)
    assert "not taken back: src/lib.rs was changed since" in done.stderr
    assert crate.git("status", "--porcelain") == "M src/lib.rs"


def test_a_commit_that_git_refuses_is_taken_back(patch, crate):
    hook = crate.path / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    done = patch([json.dumps(PLAN[:1])], [MORE])
    assert (done.returncode, "git commit failed: not today" in done.stderr) == (10, True)
    assert crate.git("status", "--porcelain") == ""


def test_a_planner_that_gives_no_answer_is_a_person_s_turn(patch):
    done = patch([None], [])
    assert (done.returncode, "escalate: " in done.stderr) == (10, True)


def test_a_plan_that_cannot_be_read_is_a_person_s_turn(patch):
    done = patch(["I would rather not."], [])
    assert (done.returncode, done.stdout) == (10, "")
    assert "escalate: the plan cannot be read" in done.stderr
