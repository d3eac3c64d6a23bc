"""Code is put in place as asked, and takes nothing away that it was not asked to."""

import pytest

from rsidx.errors import PlacementError, RsidxError
from rsidx.indexer.splice import (
    changed_chunks,
    fill,
    insert,
    missing,
    names_within,
    new_file,
    replace_line,
    replace_range,
    replace_symbol,
)

SOURCE = b"""\
use std::fmt;

pub struct Thing {
    size: u32,
}

impl Thing {
    /// Acts.
    pub fn act(&self) -> u32 {
        self.size
    }

    fn rest(&self) {}
}

pub fn free() -> u32 { 1 }

pub fn last() {}
"""
ACT = b"    pub fn act(&self) -> u32 {\n        self.size + 1\n    }\n"
# The empty line before an item is the item's.
FREE = b"\npub fn free() -> u32 { 2 }\n"
TWIN = b"\nmod twin {\n    pub fn free() {}\n}\n"


def test_the_symbol_alone_is_replaced():
    result = replace_symbol(SOURCE, "Thing::act", ACT)
    assert result == SOURCE.replace(b"    /// Acts.\n", b"").replace(
        b"self.size\n", b"self.size + 1\n"
    )
    assert replace_symbol(SOURCE, "free", FREE) == SOURCE.replace(b"{ 1 }", b"{ 2 }")


def test_other_items_may_come_with_it():
    code = b"\nconst TWO: u32 = 2;\n\npub fn free() -> u32 { two() }\n\nfn two() -> u32 { TWO }\n"
    assert replace_symbol(SOURCE, "free", code) == SOURCE.replace(
        b"\npub fn free() -> u32 { 1 }\n", code
    )


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (b"", "the new code is empty; --delete takes free out of the file"),
        (b" \n\t\n", "the new code is empty"),
        (b"// nothing left to do\n", "does not define free; --delete"),
        (b"pub fn other() {}\n", "does not define free; --delete"),
        (b"/* pub fn free() -> u32 { 2 } */\n", "does not define free"),
        (b"mod free {}\n", "does not define free"),
        (b"pub fn free() {}\npub fn free() {}\n", "free is defined 2 times"),
        (b"pub fn free() {\n    1\n", "has a syntax error in line 1: pub fn free"),
        (b"pub fn free() {}\n}\n", "syntax error in line 2: }"),
        (b"pub fn free() {}\n<|endoftext|>", r"in line 2: <\|endoftext\|>"),
        (b"Here it is:\n```rust\npub fn free() {}\n```\n", "in line 1: Here it is:"),
    ],
)
def test_code_that_is_not_the_symbol_is_refused(code, says):
    with pytest.raises(RsidxError, match=says):
        replace_symbol(SOURCE, "free", code)


@pytest.mark.parametrize(
    ("symbol", "code", "says"),
    [
        ("Thing::act", b"fn act(&self) {}\n}\n\nimpl Other {\n", "the function rest of Thing|rest"),
        ("Thing::act", b"fn act(&self) {}\n}\n\nmod m {\n", "is not there any more"),
        ("free", b"pub fn free() {}\n/* ", "syntax error"),
    ],
)
def test_code_that_takes_other_items_away_is_refused(symbol, code, says):
    with pytest.raises(RsidxError, match=says):
        replace_symbol(SOURCE, symbol, code)


def test_code_without_a_line_end_takes_nothing_of_the_next_line():
    result = replace_symbol(SOURCE, "free", b"pub fn free() -> u32 { 2 } // so")
    assert b"{ 2 } // so\n\npub fn last() {}\n" in result


def test_a_symbol_is_taken_out_if_asked():
    for code in (b"", b"\n", b"// gone\n"):
        result = replace_symbol(SOURCE, "Thing::act", code, delete=True)
        assert b"fn act" not in result
        assert b"fn rest" in result
    assert b"fn free" not in replace_symbol(SOURCE, "free", b"fn other() {}\n", delete=True)
    assert b"fn free" in replace_symbol(SOURCE, "free", b"fn free() {}\n", delete=True)
    with pytest.raises(RsidxError, match="not there any more"):
        replace_symbol(SOURCE, "Thing::act", b"}\nimpl Other {\n", delete=True)


def test_a_file_with_errors_can_be_mended():
    broken = b"pub fn a() -> { 1 }\n\npub fn b() {}\n"
    assert replace_symbol(broken, "b", b"\npub fn b() { a() }\n") == broken.replace(
        b"{}", b"{ a() }"
    )


HELP = b"pub fn help() -> u32 {\n    2\n}\n"


def line_of(text):
    return SOURCE[: SOURCE.index(text)].count(b"\n") + 1


@pytest.mark.parametrize("text", [b"/// Acts.", b"self.size\n", b"pub fn act"])
def test_the_item_that_a_line_is_in_is_replaced(text):
    result = replace_line(SOURCE, "a.rs", line_of(text), ACT)
    assert result == replace_symbol(SOURCE, "Thing::act", ACT)


def test_imports_and_headers_are_replaced_by_a_line():
    result = replace_line(SOURCE, "a.rs", 1, b"use std::io;\n")
    assert result == SOURCE.replace(b"std::fmt", b"std::io")
    header = b"\nimpl<T> Thing {\n"
    result = replace_line(SOURCE, "a.rs", line_of(b"impl Thing"), header)
    assert result == SOURCE.replace(b"impl Thing", b"impl<T> Thing")


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        (999, ACT, "a.rs:999 has no item"),
        (line_of(b"}\n\npub fn free"), ACT, "has no item"),
        (line_of(b"pub fn free"), b"// gone\n", "does not define free; --delete"),
        (line_of(b"pub fn free"), b"", "is empty; --delete"),
        (line_of(b"pub fn free"), b"pub fn free() {\n", "syntax error"),
        (line_of(b"impl Thing"), b"", "is empty; --delete"),
        (line_of(b"/// Acts."), b"    fn act() {}\n}\n\nmod m {\n", "is not there any more"),
    ],
)
def test_a_line_is_not_replaced_by_anything_else(line, code, says):
    with pytest.raises(RsidxError, match=says):
        replace_line(SOURCE, "a.rs", line, code)


@pytest.mark.parametrize(
    ("place", "code", "front", "behind"),
    [
        ({"after": "free"}, b"\n" + HELP, b"{ 1 }\n", b"\npub fn last"),
        ({"after": "free"}, HELP, b"{ 1 }\n\n", b"\npub fn last"),
        ({"after": "last"}, HELP, b"last() {}\n\n", b""),
        ({"after": 0}, HELP, b"", b"\nuse std::fmt;"),
        ({"after": 1}, b"use std::io;\n", b"use std::fmt;\n", b"\npub struct"),
        ({"after": 0}, b"use std::io;", b"", b"use std::fmt;"),
        ({"after": line_of(b"impl Thing")}, b"    fn a() {}\n", b"Thing {\n", b"\n    /// Acts."),
        ({"after": "Thing::rest"}, b"    fn a() {}\n", b"rest(&self) {}\n\n", b"}\n\npub fn free"),
        ({"inside": "Thing"}, b"\n    fn a() {}\n", b"rest(&self) {}\n", b"}\n\npub fn free"),
        ({"inside": "Thing"}, b"    fn a() {}", b"{}\n\n", b"}\n\npub fn free"),
    ],
)
def test_new_code_stands_where_it_is_asked_for_with_blank_lines_around_items(
    place, code, front, behind
):
    result = insert(SOURCE, "a.rs", code, **place)
    code = code.rstrip() + b"\n"
    at = result.index(front + code) + len(front)
    before, rest = result[:at], result[at + len(code) :]
    assert rest.startswith(behind)
    blanks = b"\n" * (len(result) - len(SOURCE) - len(code))
    assert len(blanks) <= 1
    assert (
        before.removesuffix(blanks if front.endswith(b"\n\n") else b"")
        + rest.removeprefix(b"" if front.endswith(b"\n\n") else blanks)
        == SOURCE
    )


def test_new_code_has_the_line_ends_of_its_file():
    source = SOURCE.replace(b"\n", b"\r\n")
    result = insert(source, "a.rs", b"fn one() {}", after="last")
    assert result == source + b"\r\nfn one() {}\r\n"
    assert insert(b"fn a() {}", "a.rs", b"fn b() {}", after="a") == b"fn a() {}\n\nfn b() {}\n"


@pytest.mark.parametrize(
    ("place", "code", "says"),
    [
        ({"after": "none"}, HELP, "no definition of none"),
        ({"after": 99}, HELP, "no line 99"),
        ({"inside": 1}, HELP, "a.rs:1 is in no impl"),
        ({"after": "free"}, b" \n", "the new code is empty"),
        ({"after": "free"}, b"// nothing\n", "the new code has no item"),
        ({"after": "free"}, b"pub fn help() {\n", "syntax error in line 1"),
        ({"after": "free"}, b"fn help() {}\n/*\n", "syntax error"),
        ({"after": 7}, b"    fn a() {}\n}\n\nmod m {\n", "is not there any more"),
    ],
)
def test_what_is_no_new_code_is_refused(place, code, says):
    with pytest.raises(RsidxError, match=says):
        insert(SOURCE, "a.rs", code, **place)


def test_a_range_takes_an_answer_and_says_what_came_of_it():
    start = SOURCE.index(b"    pub fn act") - len(b"    /// Acts.\n")
    end = SOURCE.index(b"\n    fn rest")
    found = replace_range(SOURCE, start, end, ACT.rstrip())
    assert found.result == SOURCE[:start] + ACT + SOURCE[end:]
    assert (found.start, found.code, found.names) == (start, ACT, {"act"})
    assert (found.is_broken, found.lost) == (False, ())
    assert names_within(SOURCE, start, end) == {"act"}
    assert names_within(SOURCE, 0, 0) == frozenset()


def test_what_an_answer_takes_away_elsewhere_is_told():
    start, end = SOURCE.index(b"    /// Acts."), SOURCE.index(b"\n    fn rest")
    found = replace_range(SOURCE, start, end, b"}\n\nimpl Other {\n")
    assert found.lost == (("impl Thing", "method", "rest"),)
    assert missing(found.lost[0]) == "the method rest of impl Thing"
    assert found.names == {"rest", "Other"}


def test_a_range_of_a_header_may_change_the_container_s_name():
    start, end = SOURCE.index(b"\nimpl Thing"), SOURCE.index(b"    /// Acts.")
    found = replace_range(SOURCE, start, end, b"\nimpl Thing<'static> {\n")
    assert found.lost == ()


def test_an_answer_that_does_not_parse_says_nothing_of_names():
    found = replace_range(SOURCE, len(SOURCE), len(SOURCE), b"fn (\n")
    assert (found.is_broken, found.names, found.lost) == (True, frozenset(), ())
    assert found.result == SOURCE + b"fn (\n"


def test_what_differs_between_versions_is_told_as_whole_chunks():
    result = replace_symbol(SOURCE, "Thing::act", ACT)
    start, end = changed_chunks(SOURCE, result)
    assert result[start:end] == ACT
    added = insert(SOURCE, "a.rs", b"fn more() {}\n", after="free")
    start, end = changed_chunks(SOURCE, added)
    assert b"fn more() {}" in added[start:end]
    assert changed_chunks(SOURCE, SOURCE) == (0, len(SOURCE))


@pytest.mark.parametrize(
    ("outcome", "put"),
    [
        ("no_place", lambda: replace_symbol(SOURCE, "absent", FREE)),
        ("no_place", lambda: replace_line(SOURCE, "a.rs", 900, FREE)),
        ("no_place", lambda: insert(SOURCE, "a.rs", HELP, after="absent")),
        ("several_places", lambda: replace_symbol(SOURCE + TWIN, "free", FREE)),
        ("no_answer", lambda: replace_symbol(SOURCE, "free", b" \n")),
        ("no_answer", lambda: new_file(b"\n")),
        ("no_answer", lambda: fill(SOURCE, 0, b"")),
        ("syntax", lambda: replace_symbol(SOURCE, "free", b"fn (")),
        ("syntax", lambda: new_file(b"fn (")),
        ("syntax", lambda: fill(SOURCE, 0, b"}")),
        ("not_the_symbol", lambda: replace_symbol(SOURCE, "free", b"fn other() {}\n")),
        ("not_applied", lambda: insert(SOURCE, "a.rs", b"fn a() {}\n}\n\nmod m {\n", after=7)),
        ("not_applied", lambda: fill(SOURCE, SOURCE.index(b"free"), b"un")),
    ],
)  # fmt: skip
def test_each_reason_why_code_is_not_put_there_has_a_word(outcome, put):
    with pytest.raises(PlacementError) as caught:
        put()
    assert caught.value.outcome == outcome


def test_a_hole_is_filled_byte_for_byte():
    at = SOURCE.index(b"self.size\n")
    assert fill(SOURCE, at, b"1 + ") == SOURCE.replace(b"self.size\n", b"1 + self.size\n")


def test_a_part_of_an_item_is_replaced_alone():
    text = b"    /// Acts.\n    pub fn act(&self) -> u32 {\n        self.size\n    }\n"
    start = text.index(b"        self")
    part = start, text.index(b"    }\n")
    result = replace_line(SOURCE, "a.rs", 9, b"        self.size + 1", part=part)
    assert result == SOURCE.replace(b"self.size\n", b"self.size + 1\n")
    with pytest.raises(PlacementError, match="syntax error"):
        replace_line(SOURCE, "a.rs", 9, b"        self.size +", part=part)


def test_a_new_file_ends_with_a_line_break():
    assert new_file(b"fn a() {}") == b"fn a() {}\n"
