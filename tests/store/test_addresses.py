"""A place in a file is what people call it by."""

import pytest

from rsidx.errors import RsidxError
from rsidx.indexer.extract import Extractor
from rsidx.store.addresses import AddressedFile, FileChunk

SOURCE = """\
use std::fmt;

/// A square.
pub struct Square<T> {
    side: T,
}

impl<T> Square<T> {
    pub fn area(&self) -> T {
        self.side
    }

    pub fn name(&self) {}
}

impl<T> fmt::Display for Square<T> {
    fn fmt(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    mod deep {
        fn one() {}
    }
}

fn last() {}
"""
LINES = SOURCE.split("\n")


def file_of(source):
    content = source.encode()
    record = Extractor().record(b"", len(content), content)
    known = {one.digest: one for one in record.new_chunks}
    chunks = (known[digest] for digest in record.chunks)
    return AddressedFile(
        "src/a.rs", [FileChunk(c.kind, c.container, c.text, c.facts.symbols) for c in chunks]
    )


@pytest.fixture
def file():
    return file_of(SOURCE)


def line_of(text):
    return next(number for number, line in enumerate(LINES, 1) if text in line)


def split_at(file, point):
    """Return the line in front of a point, and its container."""
    before = b"".join(chunk.text for chunk in file.chunks[:point]).decode()
    return before.rstrip("\n").rpartition("\n")[2].strip(), file.container_at(point)


def test_every_line_is_of_the_chunk_that_has_its_text(file):
    for number, line in enumerate(LINES[:-1], 1):
        position = file.at_line(number)
        text = file.chunks[position].text.decode()
        offset = file.offset_in(position, number)
        assert text[offset:].partition("\n")[0] == line
    assert file.at_line(0) is None
    assert file.at_line(len(LINES)) is None


def test_lines_of_a_file_whose_items_share_them_and_whose_last_is_open():
    file = file_of("fn a() {} fn b() {\n}\nfn c() {}")
    assert [file.at_line(line) for line in (1, 2, 3)] == [0, 1, 2]
    assert file.n_lines == 3
    assert file.at_line(4) is None


@pytest.mark.parametrize(
    ("address", "front", "container"),
    [
        (0, "", ""),
        (1, "use std::fmt;", ""),
        (2, "use std::fmt;", ""),  # The blank line in front of an item.
        (line_of("side: T"), "}", ""),
        ("Square", "}", ""),
        (line_of("impl<T> Square"), "impl<T> Square<T> {", "impl Square<T>"),
        (line_of("self.side"), "}", "impl Square<T>"),
        ("Square::area", "}", "impl Square<T>"),
        ("area", "}", "impl Square<T>"),
        ("impl Square", "}", ""),
        ("tests", "}", ""),
        (line_of("mod tests"), "mod tests {", "mod tests [test]"),
        (line_of("mod deep"), "mod deep {", "mod tests [test] / mod deep"),
        ("one", "fn one() {}", "mod tests [test] / mod deep"),
        ("deep", "}", "mod tests [test]"),
        ("last", "fn last() {}", ""),
    ],
)
def test_new_code_comes_behind_what_is_named(file, address, front, container):
    assert split_at(file, file.after(address)) == (front, container)


def test_behind_a_container_is_behind_its_footer(file):
    point = file.after("impl Square")
    assert file.first_line(point) == line_of("impl<T> fmt::Display")
    assert file.first_line(file.after("tests")) == line_of("fn last")


@pytest.mark.parametrize(
    ("address", "front", "container"),
    [
        ("impl Square", "pub fn name(&self) {}", "impl Square<T>"),
        ("impl Square<T>", "pub fn name(&self) {}", "impl Square<T>"),
        ("impl Display for Square", "fn fmt(&self) {}", "impl fmt::Display for Square<T>"),
        ("<Square as Display>", "fn fmt(&self) {}", "impl fmt::Display for Square<T>"),
        ("tests", "}", "mod tests [test]"),
        ("deep", "fn one() {}", "mod tests [test] / mod deep"),
        (line_of("fn one"), "fn one() {}", "mod tests [test] / mod deep"),
        (line_of("mod deep"), "fn one() {}", "mod tests [test] / mod deep"),
        (line_of("use super"), "}", "mod tests [test]"),
    ],
)
def test_new_code_comes_to_the_end_of_what_it_is_in(file, address, front, container):
    assert split_at(file, file.inside(address)) == (front, container)


def test_an_impl_is_named_by_its_header(file):
    header = line_of("impl<T> fmt::Display")
    for name in ("impl Display for Square", "impl fmt::Display for Square<T>"):
        [position] = file.named(name)
        assert file.first_line(position) == header
    assert file.named("impl Debug for Square") == []
    assert file_of("impl fmt::Debug for Square {}\n").named("impl Debug for Square") == [0]


def test_what_cannot_be_told_apart_is_listed_by_lines(file):
    lines = line_of("impl<T> Square"), line_of("impl<T> fmt::Display")
    with pytest.raises(RsidxError) as caught:
        file.inside("Square")
    said = str(caught.value)
    assert f"--in {lines[0]} (impl Square<T>)" in said
    assert f"--in {lines[1]} (impl fmt::Display for Square<T>)" in said
    for line in lines:
        file.inside(line)


def test_methods_of_one_name_are_listed_by_lines():
    file = file_of("impl A {\n    fn go() {}\n}\n\nimpl B {\n    fn go() {}\n}\n")
    with pytest.raises(RsidxError, match=r"--after 2 \(A::go\), --after 6 \(B::go\)"):
        file.after("go")


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda file: file.after(999), "no line 999"),
        (lambda file: file.after("none"), "no definition of none"),
        (lambda file: file.inside(3), "src/a.rs:3 is in no impl, trait or module"),
        (lambda file: file.inside(999), "src/a.rs:999 is in no impl"),
        (lambda file: file.inside("none"), "no definition of none"),
    ],
)
def test_what_is_not_there_is_said(file, ask, says):
    with pytest.raises(RsidxError, match=says):
        ask(file)
