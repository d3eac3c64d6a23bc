"""A run that is killed or interrupted goes on, and ends where an undisturbed one does."""

import os
import random
import signal
import subprocess
import sys
import threading

import pytest

from rsidx import CheckSettings, Evaluation, EvaluationError
from rsidx.evaluation.judging import session
from rsidx.indexer.rust import grammar
from tests.conftest import read_lines
from tests.evaluation.conftest import MANIFEST
from tests.evaluation.exports import predictions
from tests.evaluation.sandbox.test_sandbox import processes

KILLS = int(os.environ.get("RSIDX_TEST_KILLS", "3"))
N_COMMITS = 4
N_ANSWERS = N_COMMITS * 3 * 2
"""Three edits of each commit, and a good and a bad answer to each."""
CODE = "pub fn scale{n}(x: u32) -> u32 {{\n    let scaled = x * {n};\n    scaled + {n}\n}}\n"


@pytest.fixture
def many(repo, make_export, tmp_path):
    """Edits of several commits, with good and bad answers to each."""
    export = make_export(repo)
    answers = []
    for number in range(N_COMMITS):
        files = {f"src/m{n}.rs": CODE.format(n=n + 10 * number) for n in range(3)}
        lib = "".join(f"pub mod m{n};\n" for n in range(3))
        commit = repo.commit(f"c{number}", {"Cargo.toml": MANIFEST, "src/lib.rs": lib, **files})
        for path, code in files.items():
            row = export.add(commit, path, code)
            answers.append((row, code))
            answers.append((row, code.replace("scaled +", "scald +"), {"sample": 1}))
    return export, predictions(tmp_path / "answers.jsonl", *answers)


def comparable(folder):
    """Return the verdicts without their times, which differ by run."""
    lines = read_lines(folder / "verdicts.jsonl")
    assert len({(line["edit_id"], line["sample"]) for line in lines}) == len(lines)
    return sorted(str({**line, "seconds": 0}) for line in lines)


@pytest.fixture
def start(many, tmp_path):
    """Start the command in a process of its own, which an interruption reaches."""
    export, answers = many
    # A process that is started in the background ignores it, and so would what that starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def start(to, scratch):
        command = [sys.executable, "-m", "rsidx", "eval", "check", export.folder, answers]
        options = ["--to", tmp_path / to, "--scratch", tmp_path / scratch, "--jobs", "2"]
        return subprocess.Popen(
            [*command, *options, "-C", export.repo.path],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/",
        )  # fmt: skip

    yield start
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.usefixtures("toolchain", "strict_sandbox")
def test_after_kills_the_verdicts_are_those_of_an_undisturbed_run(many, start, tmp_path, wait):
    export, answers = many
    run = Evaluation(export.folder, export.repo.path, scratch=tmp_path / "calm")
    undisturbed = run.check(answers, tmp_path / "undisturbed", jobs=1)
    assert undisturbed.n_verdicts == N_ANSWERS
    draw = random.Random(1)
    verdicts = tmp_path / "killed" / "verdicts.jsonl"
    for number in range(KILLS):
        enough = draw.randrange(number * N_ANSWERS // KILLS, (number + 1) * N_ANSWERS // KILLS)
        process = start("killed", "scratch")

        def there(enough=enough):
            return verdicts.exists() and verdicts.read_bytes().count(b"\n") > enough

        wait(lambda running=process: there() or running.poll() is not None)
        process.kill()
        process.communicate()
        wait(lambda: processes(str(tmp_path / "scratch")) == [])
    process = start("killed", "scratch")
    assert process.communicate()[1] == b""
    assert process.returncode == 0
    assert comparable(tmp_path / "killed") == comparable(tmp_path / "undisturbed")
    # What was checked before the kills was not checked again.
    n_checks = (tmp_path / "scratch" / "memo.jsonl").read_bytes().count(b"\n")
    assert n_checks == (tmp_path / "calm" / "memo.jsonl").read_bytes().count(b"\n")


@pytest.mark.slow
@pytest.mark.usefixtures("toolchain", "any_sandbox")
def test_an_interruption_ends_what_runs_and_says_how_to_go_on(start, tmp_path, wait):
    process = start("result", "scratch")
    verdicts = tmp_path / "result" / "verdicts.jsonl"
    wait(lambda: verdicts.exists() and verdicts.stat().st_size > 0)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130
    assert said.strip() == b"rsidx: interrupted; run it again, and it goes on from here"
    assert processes(str(tmp_path / "scratch")) == []


@pytest.mark.usefixtures("toolchain", "any_sandbox")
def test_what_one_worker_meets_ends_the_others(many, tmp_path, monkeypatch):
    export, answers = many
    met = threading.Event()

    def fail(self, number):
        if number:
            # The first one is at work for as long as this is awaited.
            met.wait(60)
            raise EvaluationError("no workspace")
        return judge(self, number)

    judge = session.Bench.judge
    monkeypatch.setattr(session.Bench, "judge", fail)
    run = Evaluation(export.folder, export.repo.path)
    with pytest.raises(EvaluationError, match="no workspace"):
        run.check(answers, tmp_path / "result", jobs=2, progress=lambda done, _: done and met.set())
    assert len(read_lines(tmp_path / "result" / "verdicts.jsonl")) < N_ANSWERS


@pytest.mark.usefixtures("toolchain")
def test_cargo_s_settings_above_the_scratch_folder_are_not_read(many, tmp_path, monkeypatch):
    export, answers = many
    monkeypatch.setattr(session.sandboxes, "_bubblewrap", lambda: None)
    (tmp_path / "above" / ".cargo").mkdir(parents=True)
    (tmp_path / "above" / ".cargo" / "config.toml").write_text("[build]\n")
    run = Evaluation(
        export.folder, export.repo.path, scratch=tmp_path / "above" / "scratch",
        settings=CheckSettings(no_sandbox=True),
    )  # fmt: skip
    with pytest.raises(EvaluationError, match=r"cargo would read .*config.toml .*--scratch"):
        run.check(answers, tmp_path / "result", jobs=1)


def test_each_thread_has_a_parser_of_its_own():
    found = []
    for _ in range(2):
        thread = threading.Thread(
            target=lambda: found.append((grammar._parsers().whole, grammar._parsers().inside))
        )
        thread.start()
        thread.join()
    assert len({id(parser) for pair in found for parser in pair}) == 4


@pytest.mark.usefixtures("toolchain", "any_sandbox")
def test_a_new_worker_gets_what_the_first_one_has_built(many, tmp_path, monkeypatch):
    export, answers = many
    run = Evaluation(export.folder, export.repo.path)
    run.check(answers, tmp_path / "one", jobs=1)
    workers = export.folder.with_name("out.eval") / "workers"
    mark = workers / "0" / "target" / "mark"
    mark.write_text("built")
    begun = []
    judge = session.Bench.judge

    def seen(self, number):
        # Nobody copies what somebody is at work on.
        begun.append((workers / "1" / "target" / "mark").read_text())
        return judge(self, number)

    monkeypatch.setattr(session.Bench, "judge", seen)
    run.check(answers, tmp_path / "two", jobs=2)
    assert begun == ["built", "built"]
    assert comparable(tmp_path / "one") == comparable(tmp_path / "two")
