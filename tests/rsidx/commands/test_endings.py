"""How a command ends that cannot go on: its status, and one line."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from rsidx.errors import IndexStoreError

pytestmark = pytest.mark.usefixtures("wordy")


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [(("backfill", "nowhere"), 1, "rsidx: 'nowhere' names no commit"),
     (("backfill", "--jobs", "0"), 2, "Invalid value for '--jobs'"),
     (("backfill", "--since", "no date"), 1, "'no date' is no date in the past"),
     (("status",), 1, "run `rsidx backfill` first"),
     (("export", "out"), 2, "Missing option '--tokenizer'"),
     (("export", "out", "--tokenizer", "/nowhere.json"), 1, "there is no"),
     (("-C", "x"), 2, "No such option"),
     (("backfill", "-C", "/nowhere"), 1, "is not a folder"),
     (("nonsense",), 2, "No such command"),
     (("exprt",), 2, "No such command 'exprt'. Did you mean export?")],
)  # fmt: skip
def test_bad_input_gets_a_clear_line_and_its_status(cli, arguments, status, says):
    err = cli(*arguments, status=status).err
    assert says in err
    assert "Traceback" not in err


def test_a_fault_of_several_lines_is_printed_as_one(cli, monkeypatch):
    def fail(*_, **__):
        raise IndexStoreError("the server says:\n\tis it running?\n")

    monkeypatch.setattr("rsidx.api.index.sync", fail)
    assert cli("backfill", status=1).err == "rsidx: the server says: is it running?\n"


def test_the_unexpected_ends_with_3_and_a_report_to_paste(cli, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("rsidx.api.index.sync", fail)
    err = cli("backfill", status=3).err
    assert "Traceback" not in err
    report = err.rstrip().rsplit(" ", 1)[-1]
    assert "ZeroDivisionError" in Path(report).read_text("utf-8")


def test_escape_sequences_of_a_message_do_not_reach_the_terminal(filled, cli):
    filled.commit("evil \x1b]0;title\x07\x1b[31mred", {"src/lib.rs": "fn x() {}\n"})
    cli("backfill")
    assert "\x1b" not in cli("show", "HEAD").out


INTERRUPTED = """
import signal, sys
from rsidx.__main__ import main
from rsidx.indexer import ingest
from rsidx.indexer.ingest import Ingester
ingest._MAX_BATCH_COMMITS = 7
write = Ingester._write
def interrupted(*args, **named):
    done = write(*args, **named)
    signal.raise_signal(signal.SIGINT)
    return done
# A shell that runs the tests in the background has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
Ingester._write = interrupted
sys.exit(main(sys.argv[1:]))
"""
"""Runs rsidx with Ctrl-C behind the first batch, which is a small one."""


@pytest.mark.slow
def test_interrupted_it_ends_with_130_and_goes_on_where_it_stopped(repo, cli):
    commits = []
    for n in range(60):
        repo.time += 60
        files = f"M 100644 inline src/m{n % 7}.rs\ndata <<END\nfn f{n}() {{ go({n}); }}\nEND\n"
        stream = f"commit refs/heads/main\ncommitter C <c@d> {repo.time} +0000\ndata 1\nx\n"
        commits.append(stream + files)
    repo.git("fast-import", "--quiet", stdin="".join(commits).encode())
    command = [sys.executable, "-c", INTERRUPTED, "backfill", "--jobs", "1", "-C", str(repo.path)]
    ended = subprocess.run(command, capture_output=True, check=False, text=True)
    said = "rsidx: interrupted; run it again, and it goes on from here"
    assert (ended.returncode, ended.stderr.strip()) == (130, said)
    done = json.loads(cli("status", "--json").out)["counts"]["n_commits"]
    assert 0 < done < 60
    assert json.loads(cli("backfill", "--json").out)["n_commits"] == 60 - done


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error(filled):
    command = f"{sys.executable} -m rsidx show HEAD --json -C {filled.path} | head -c 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("command", [["status"], ["symbols", "Thing", "--json"], ["--help"]])
def test_a_full_disk_behind_stdout_is_one_line(command):
    program = [sys.executable, "-P", "-m", "rsidx", *command]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "rsidx: No space left on device\n")


def test_the_unexpected_is_printed_where_no_file_can_be_written(cli, monkeypatch, tmp_path):
    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("rsidx.api.index.sync", fail)
    with monkeypatch.context() as patched:
        patched.setattr(tempfile, "tempdir", str(tmp_path / "none"))
        err = cli("backfill", status=3).err
    assert err.startswith("rsidx: unexpected error; please report it with this:\nrsidx ")
    assert "ZeroDivisionError" in err
