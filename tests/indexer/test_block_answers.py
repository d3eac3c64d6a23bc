"""An answer of search/replace blocks goes into a file where it says, or not at all."""

import pytest

from rsidx.__main__ import main
from rsidx.blocks import block
from rsidx.errors import PlacementError
from rsidx.indexer.splice import replace_line, replace_symbol

SOURCE = b"""\
pub struct Thing {
    size: u32,
}

impl Thing {
    /// Acts.
    pub fn act(&self) -> u32 {
        let size = self.size;
        size
    }
}

pub fn free() -> u32 { 1 }
"""
OLD, NEW = "        let size = self.size;\n", "        let size = self.size + 1;\n"
ANSWER = block([OLD], [NEW]).encode()
EXPECTED = SOURCE.replace(OLD.encode(), NEW.encode())


def test_blocks_search_in_the_item_that_was_asked_about_alone():
    assert replace_symbol(SOURCE, "Thing::act", ANSWER) == EXPECTED
    assert replace_line(SOURCE, "a.rs", 8, ANSWER) == EXPECTED
    with pytest.raises(PlacementError, match="the code has nowhere") as refused:
        replace_symbol(SOURCE, "free", ANSWER)
    assert refused.value.outcome == "not_applied"


def test_blocks_search_in_the_part_that_was_asked_about_alone():
    item = SOURCE.index(b"    /// Acts.")
    start = SOURCE.index(OLD.encode()) - item
    part = start, start + len(OLD)
    assert replace_line(SOURCE, "a.rs", 8, ANSWER, part=part) == EXPECTED
    with pytest.raises(PlacementError, match="the code has nowhere"):
        replace_line(SOURCE, "a.rs", 8, ANSWER, part=(0, start))


def test_what_blocks_make_is_held_to_what_code_is_held_to():
    broken = block([OLD], ["        let size = ;\n"]).encode()
    with pytest.raises(PlacementError) as refused:
        replace_symbol(SOURCE, "Thing::act", broken)
    assert refused.value.outcome == "syntax"


def test_apply_writes_blocks_and_ends_with_a_status_of_its_own_where_an_anchor_is_missing(
    repo, tmp_path, monkeypatch, capsys
):
    repo.commit("begin with a thing", {"src/lib.rs": SOURCE})
    monkeypatch.chdir(repo.path)
    code = tmp_path / "code"
    file = repo.path / "src" / "lib.rs"
    code.write_bytes(b"```rust\n" + ANSWER.replace(b"self.size;", b"self.height;") + b"```\n")
    assert main(["apply", "src/lib.rs:Thing::act", str(code), "--write"]) == 11
    said = "block 1 searches for what the code has nowhere: let size = self.height;"
    assert said in capsys.readouterr().err
    assert file.read_bytes() == SOURCE
    code.write_bytes(b"```rust\n" + ANSWER + b"```\n")
    assert main(["apply", "src/lib.rs:Thing::act", str(code), "--write"]) == 0
    assert file.read_bytes() == EXPECTED
