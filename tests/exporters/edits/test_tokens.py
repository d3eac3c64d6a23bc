"""Rust's tokens: what is a comment, a string or code, in any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsidx.exporters.edits.tokens import (
    COMMENT,
    strings_of,
    tokens,
    without_attributes,
    without_comments,
    without_visibility,
)


def code(text):
    return b" ".join(without_comments(tokens(text))).decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"a // b\nc", "a c"),
        (b"a /* b /* c */ d */ e", "a e"),
        (b"a /* never closed", "a"),
        (b'f("// no comment", 1) // one', 'f ( "// no comment" , 1 )'),
        (b'r#"a " // b"# // c', 'r#"a " // b"#'),
        (b'br##"a"# b"## // c', 'br##"a"# b"##'),
        (b'"a \\" // b" c', '"a \\" // b" c'),
        (b"'\\'' // c", "'\\''"),
        (b"'\"' // c", "'\"'"),
        (b"fn f<'a>(x: &'a str) {} // c", "fn f < 'a > ( x : & 'a str ) { }"),
        (b"b'x' '\\u{1F600}' 'static r#type", "b'x' '\\u{1F600}' 'static r#type"),
        (b'"never closed // b', '"never closed // b'),
    ],
)  # fmt: skip
def test_comments_are_told_from_code(text, expected):
    assert code(text) == expected


@given(st.binary(max_size=60))
def test_no_byte_but_white_space_is_lost(text):
    found = tokens(text)
    assert b"".join(token.text for token in found).split() == [] or found
    assert b"".join("".join(map(chr, t.text)).encode("latin-1") for t in found).translate(
        None, b" \t\r\n\f\v"
    ) == text.translate(None, b" \t\r\n\f\v")


def test_attributes_and_visibility_are_left_out():
    text = b'#![a] #[cfg(any(b, c = "]"))] pub(crate) struct S(pub (u8, u8), pub(in x::y) u8);'
    rest = without_visibility(without_attributes(without_comments(tokens(text))))
    assert b" ".join(rest) == b"struct S ( ( u8 , u8 ) , u8 ) ;"
    assert without_attributes([b"#", b"[", b"never"]) == []
    assert without_attributes([b"#", b"a"]) == [b"#", b"a"]


def test_strings_are_those_of_code():
    assert strings_of(b'f("a", b"b", r"c") // "d"') == [b'"a"', b'b"b"', b'r"c"']
    assert [token.kind for token in tokens(b"// a")] == [COMMENT]
