"""A program in a sandbox reaches what it is given, and nothing that it leaves behind lives on."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rsidx.errors import EvaluationError
from rsidx.evaluation.sandbox import confine, process, sandbox
from rsidx.evaluation.sandbox.process import StoppedError
from rsidx.evaluation.sandbox.sandbox import Places, environment


@pytest.fixture
def places(tmp_path):
    folders = [tmp_path / name for name in ("tree", "target", "temporary")]
    for folder in folders:
        folder.mkdir()
    return Places(*folders)


@pytest.fixture
def run(each_sandbox, places):
    """Run a line of shell in a sandbox; return what it printed and whether it took too long."""

    def run(line, timeout_s=60, given=places, stop=None):
        return process.run(
            each_sandbox.command(["/bin/sh", "-c", line], given),
            environment=environment({"TMPDIR": each_sandbox.inside(given).temporary}),
            timeout_s=timeout_s,
            stop=stop or threading.Event(),
            folder=str(given.tree),
        )

    return run


def is_strict(each_sandbox):
    return each_sandbox.name != "none"


def processes(mark):
    """Return the processes whose command line has a mark."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_it_runs_in_the_tree_with_a_status_and_an_empty_environment(run, places):
    (places.tree / "file").write_text("here")
    done = run("cat file; env; exit 7")
    lines = done.output.decode().splitlines()
    assert lines[0].startswith("here")
    assert done.status == 7
    names = {line.partition("=")[0].removeprefix("here") for line in lines}
    assert names <= {"PATH", "LC_ALL", "HOME", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_"}


def test_the_target_and_temporary_files_can_be_written(run, each_sandbox, places):
    target = each_sandbox.inside(places).target
    done = run(f"echo built > {target}/x; mktemp; echo $?")
    assert (places.target / "x").read_text() == "built\n"
    assert done.output.decode().splitlines()[-1] == "0"


def test_nothing_else_can_be_read_or_written(run, each_sandbox, places, tmp_path):
    secret, victim = tmp_path / "secret", tmp_path / "victim"
    secret.write_text("SECRET")
    victim.write_text("safe")
    (places.tree / "source").write_text("safe")
    done = run(
        f"cat {secret}; cat /etc/hostname /etc/passwd /root/.bashrc; echo bad > {victim}; "
        "echo bad > source; echo bad > more; rm -f source; ls /root /home"
    )
    if is_strict(each_sandbox):
        assert done.output == b""
        assert [path.read_text() for path in (victim, places.tree / "source")] == ["safe", "safe"]
        assert list(places.tree.iterdir()) == [places.tree / "source"]
    else:
        assert done.output.startswith(b"SECRET")
        assert victim.read_text() == "bad\n"


def test_no_port_of_this_machine_can_be_reached(run, each_sandbox):
    if each_sandbox.name == "landlock" and confine.landlock_version() < 4:
        pytest.skip("this Landlock knows no network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        program = (
            f"import socket; socket.create_connection(('127.0.0.1', {port}), 5); print('reached')"
        )
        done = run(
            f'/usr/bin/python3 -I -S -c "{program}" || perl -MIO::Socket::INET -e '
            f"'print q(reached) if IO::Socket::INET->new(q(127.0.0.1:{port}))'"
        )
    assert (b"reached" in done.output) != is_strict(each_sandbox), done.errors


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has what this needs")
def test_a_process_that_is_left_behind_is_ended(run):
    mark = f"98765.{os.getpid()}"
    done = run(f"setsid sleep {mark} >/dev/null 2>&1 & sleep 0.2; echo started")
    assert done.output == b"started\n"
    assert processes(f"sleep\0{mark}") == []


def test_one_that_takes_too_long_is_ended_with_all_that_it_started(run):
    mark = f"87654.{os.getpid()}"
    done = run(f"setsid sleep {mark} & sleep {mark}", timeout_s=0.5)
    assert done.is_timeout
    assert processes(f"sleep\0{mark}") == []


def test_it_ends_when_it_is_told_to(run):
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        run("sleep 60", stop=stop)


def test_limits_hold(run):
    done = run("ulimit -v; ulimit -f; ulimit -t; ulimit -c")
    kib, blocks, seconds, core = done.output.split()
    assert int(kib) == sandbox.MAX_MEMORY_BYTES >> 10
    assert int(blocks) == sandbox.MAX_FILE_BYTES >> 9
    assert (int(seconds), int(core)) == (sandbox.MAX_CPU_S, 0)


def test_only_part_of_an_endless_output_is_kept(run, monkeypatch):
    monkeypatch.setattr(process, "_MAX_OUTPUT_BYTES", 1000)
    assert len(run("head -c 100000 /dev/zero").output) == 1000


def test_without_a_sandbox_nothing_runs_unless_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(sandbox, "_bubblewrap", lambda: None)
    monkeypatch.setattr(confine, "landlock_version", lambda: 0)
    with pytest.raises(
        EvaluationError, match=r"neither bubblewrap .* --no-sandbox runs them as you"
    ):
        sandbox.choose(no_sandbox=False)
    assert sandbox.choose(no_sandbox=True).name == "none"


def test_the_best_sandbox_that_works_is_chosen(monkeypatch):
    if sandbox._bubblewrap() is not None:
        assert sandbox.choose(no_sandbox=False).name == "bubblewrap"
    monkeypatch.setattr(sandbox, "_succeeds", lambda _command: False)
    assert sandbox._bubblewrap() is None
    monkeypatch.setattr(confine, "landlock_version", lambda: 3)
    assert sandbox.choose(no_sandbox=False).name == "landlock"


def test_the_launcher_needs_nothing_of_rsidx():
    text = Path(confine.__file__).read_text("utf-8")
    assert "rsidx." not in text
    done = subprocess.run(
        [sys.executable, "-I", "-S", confine.__file__,
         '{"limits": {}, "is_restricted": false, "read": [], "write": [], "network": true}',
         "/bin/sh", "-c", "kill -9 $$"],
        check=False,
    )  # fmt: skip
    assert done.returncode == 128 + 9
