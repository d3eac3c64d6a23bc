"""Which folders of earlier runs are removed."""

from types import SimpleNamespace

import pytest

pytest.importorskip("datatrove", reason="needs datatrove, of the extra `corpus`")
from fsspec.implementations.memory import MemoryFileSystem

from rsidx.corpus import leftovers
from rsidx.corpus.workspace import Workspace


@pytest.fixture(params=["local", "store"])
def work(request, tmp_path):
    MemoryFileSystem.store.clear()
    yield Workspace(str(tmp_path) if request.param == "local" else "memory://corpus")
    MemoryFileSystem.store.clear()


def test_only_folders_that_a_run_has_marked_are_removed(work):
    earlier, current = (
        SimpleNamespace(work=work, folder=work.within(f"runs/{digit * 16}")) for digit in "0a"
    )
    for made in (earlier, current):
        leftovers.mark_run(made)
        made.folder.write_json("outcomes/one.json", {})
    work.write_json("runs/notes/mine.json", {})
    work.write_json(f"runs/{'b' * 16}/mine.json", {})
    leftovers.remove_other_runs(current)
    assert work.within("runs").files() == ["a" * 16, "b" * 16, "notes"]
