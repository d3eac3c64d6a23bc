"""Files of a work folder: whole, or as they were."""

import pytest

pytest.importorskip("datatrove", reason="needs datatrove, of the extra `corpus`")

from rsidx.corpus.workspace import Workspace


@pytest.fixture
def work(tmp_path):
    return Workspace(str(tmp_path / "work"))


def test_json_takes_the_place_of_what_was_there_in_one_step(work):
    work.write_json("facts/one.json", {"n": 1})
    before = work.local("facts/before.json")
    before.hardlink_to(work.local("facts/one.json"))
    work.write_json("facts/one.json", {"n": 2})
    # The old file was not written over.
    assert before.read_text() == '{"n": 1}'
    assert work.read_json("facts/one.json") == {"n": 2}
    assert work.within("facts").files() == ["before.json", "one.json"]


def test_lines_that_break_off_leave_the_file_as_it_was(work):
    def lines():
        yield 1
        raise ValueError("it broke")

    work.write_lines("plan/commits.jsonl", [1, 2])
    with pytest.raises(ValueError, match="it broke"):
        work.write_lines("plan/commits.jsonl", lines())
    assert list(work.read_lines("plan/commits.jsonl")) == [1, 2]
    assert work.within("plan").files() == ["commits.jsonl"]
