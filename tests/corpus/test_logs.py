"""What a run does to the logs of the program that it is part of."""

import subprocess
import sys

import pytest

pytest.importorskip("datatrove", reason="needs datatrove, of the extra `corpus`")

from tests.corpus.conftest import grow

PROGRAM = """
import sys
from loguru import logger
logger.remove()
logger.add(sys.argv[2], diagnose=False)
from rsidx import Corpus
if __name__ == "__main__":
    Corpus(sys.argv[1]).run()
    logger.info("the program's own line")
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_the_sinks_of_a_program_stay_and_stderr_is_its_own(corpus, workers):
    corpus.list_all(grow(corpus.repo("alpha"), "alpha", 3), grow(corpus.repo("beta"), "beta", 3))
    corpus.configure(workers=workers)
    log = corpus.folder / "program.log"
    command = [sys.executable, "-c", PROGRAM, str(corpus.file), str(log)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    assert ended.stderr == ""
    assert "the program's own line" in log.read_text()
    [task] = (corpus.folder / "work/runs").glob("*/logs/ingest/logs/task_00001.log")
    assert "Processing done for rank=1" in task.read_text()


def test_the_command_says_on_stderr_only_what_it_says_itself(corpus):
    corpus.list_all(grow(corpus.repo("alpha"), "alpha", 3))
    command = [sys.executable, "-m", "rsidx", "corpus", "run", str(corpus.file)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    assert ended.stderr == ""
