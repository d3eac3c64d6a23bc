"""Worker processes end with the process that started them, however that ends."""

import subprocess
import sys

import pytest

PARENT = """
import os, sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from rsidx.processes import begin_as_worker
from pathlib import Path
def meet(folder):
    # Back once two processes are here.
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < 2:
        time.sleep(0.02)
if __name__ == "__main__":
    pool = ProcessPoolExecutor(2, mp_context=get_context("spawn"), initializer=begin_as_worker)
    for future in [pool.submit(meet, Path(sys.argv[1])) for _ in range(2)]:
        future.result()
    print("worked", flush=True)
    sys.stdin.read()
"""


ALLOCATOR = """
import ctypes, sys
from rsidx.processes import begin_as_worker, keep_little_memory
ctypes.CDLL = lambda _: print("set") or sys
{how}()
"""


@pytest.mark.parametrize(
    ("how", "is_set"),
    [
        ("keep_little_memory", False),
        ("import rsidx.__main__\nkeep_little_memory", True),
        ("begin_as_worker", True),
    ],
)
def test_the_allocator_of_a_program_that_uses_the_library_stays_as_it_is(how, is_set):
    command = [sys.executable, "-c", ALLOCATOR.format(how=how)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout == "set\n") is is_set


UNGUARDED = """
from concurrent.futures import ProcessPoolExecutor
from rsidx.processes import WorkerContext
print("started", flush=True)
class Local: pass
with ProcessPoolExecutor(2, mp_context=WorkerContext()) as pool:
    print(sum(pool.map(abs, [-1, -2, 3])), __name__, Local.__module__)
"""


def test_a_worker_does_not_run_the_program_again(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("started\n6 __main__ __main__\n", "")


def children_of(pid):
    out = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return [int(line.split()[0]) for line in out.splitlines() if "spawn_main" in line]


def alive(pid):
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False)
    return bool(done.stdout.strip()) and not done.stdout.startswith(b"Z")


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux's ps")
def test_a_killed_parent_leaves_no_worker(tmp_path, wait):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    folder = tmp_path / "there"
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout.readline() == b"worked\n"
        workers = children_of(process.pid)
        assert len(workers) == 2
        assert all(alive(worker) for worker in workers)
    finally:
        process.kill()
        process.communicate()
    wait(lambda: not any(alive(worker) for worker in workers))
