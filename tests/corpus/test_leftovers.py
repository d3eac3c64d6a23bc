"""Which folders of earlier runs are removed."""

import pytest

pytest.importorskip("datatrove", reason="needs datatrove, of the extra `corpus`")
from rsidx.corpus import leftovers
from rsidx.corpus.outcome import Outcome, read_outcome, write_outcome
from rsidx.corpus.workspace import Workspace


@pytest.fixture(params=["local", "store"])
def work(request, tmp_path):
    # Of its own, since all tests of a process share the memory.
    return Workspace(str(tmp_path) if request.param == "local" else f"memory:/{tmp_path}")


def test_only_folders_that_a_run_has_marked_are_removed(work):
    earlier, current = (work.within(f"runs/{digit * 16}") for digit in "0a")
    for folder in (earlier, current):
        leftovers.mark(folder)
        folder.write_json("outcomes/one.json", {})
    work.write_json("runs/notes/mine.json", {})
    work.write_json(f"runs/{'b' * 16}/mine.json", {})
    leftovers.remove_others(current)
    assert work.within("runs").files() == ["a" * 16, "b" * 16, "notes"]


@pytest.mark.parametrize("broken", [b"", b'{"name": "one', b"\xff", b"[]", b'{"other": 1}'])
def test_an_outcome_that_was_cut_off_counts_as_none(work, broken):
    write_outcome(work, "one", Outcome("one", "it is gone"))
    assert read_outcome(work, "one") == Outcome("one", "it is gone")
    assert work.within("outcomes").files() == ["one.json"]
    work.write_bytes("outcomes/one.json", broken)
    assert read_outcome(work, "one") is None


def test_an_outcome_is_written_beside_its_file_and_renamed(tmp_path):
    work = Workspace(str(tmp_path))
    write_outcome(work, "one", Outcome("one"))
    with (tmp_path / "outcomes/one.json").open() as before:
        write_outcome(work, "one", Outcome("one", "it is gone"))
        assert '"failure": null' in before.read()
