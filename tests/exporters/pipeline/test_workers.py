"""Several processes make the rows of one export, and may stop at any time."""

import os
import signal
import sqlite3
from contextlib import closing

import pytest

from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from rsidx.exporters.pipeline import workers
from tests.exporters.pipeline.growth import grow

pytestmark = pytest.mark.usefixtures("wordy")


@pytest.mark.slow
def test_processes_make_the_same_bytes(repo, index, exported, monkeypatch):
    monkeypatch.setattr(workers, "_ALONE_COMMITS", 4)
    monkeypatch.setattr(workers, "_COMMITS_A_TASK", 3)
    grow(repo, index, 30)
    alone = exported("alone")
    assert exported("both", fresh=True, jobs=2) == alone
    assert sum(len(rows) for rows in alone[0].values()) > 10_000


@pytest.mark.slow
def test_a_helper_goes_on_while_this_process_is_busy(repo, index, exported, monkeypatch, wait):
    monkeypatch.setattr(workers, "_ALONE_COMMITS", 4)
    monkeypatch.setattr(workers, "_COMMITS_A_TASK", 2)
    grow(repo, index, 30)
    plain, found = workers._make, []

    class Tasks(workers._Tasks):
        def __init__(self, *args):
            super().__init__(*args)
            found.append(self)

    def make(maker, commits):
        [tasks] = found
        wait(lambda: not any(tasks._stretches))
        return plain(maker, commits)

    monkeypatch.setattr(workers, "_Tasks", Tasks)
    monkeypatch.setattr(workers, "_make", make)
    exported("both", jobs=2)


def test_an_export_that_was_interrupted_goes_on(
    repo, index, exported, made, monkeypatch, tokenizer_file
):
    monkeypatch.setattr(workers, "_COMMITS_A_TASK", 4)
    grow(repo, index, 12)

    def interrupt(n_done, _):
        if n_done >= 8:
            raise KeyboardInterrupt

    config = ExportConfig(tokenizer=str(tokenizer_file))
    with pytest.raises(KeyboardInterrupt):
        export(index.database, index.file.parent / "broken", config, progress=interrupt)
    assert not (index.file.parent / "broken").exists()
    made.clear()
    exported("whole", split="0.8,0.1,0.1")
    assert len(made) == 4


def test_a_process_that_dies_is_a_clear_error_and_what_was_made_is_kept(
    repo, index, exported, made, monkeypatch
):
    monkeypatch.setattr(workers, "_ALONE_COMMITS", 4)
    monkeypatch.setattr(workers, "_COMMITS_A_TASK", 2)
    grow(repo, index, 30)
    start = workers._Helper.start

    def start_and_kill(helper):
        start(helper)
        [process] = helper._executor._processes
        os.kill(process, signal.SIGKILL)

    monkeypatch.setattr(workers._Helper, "start", start_and_kill)
    with pytest.raises(ExportError, match="a process of the export died"):
        exported("broken", jobs=2)
    with closing(sqlite3.connect(index.database.cache_file)) as connection:
        kept = connection.execute("SELECT count(*) FROM entry WHERE length(key) = 20")
        [n_kept] = kept.fetchone()
    assert n_kept >= 2
    made.clear()
    exported("whole")
    assert len(made) == 30 - n_kept
