"""Which line ends a text has, and how it gets others."""

import pytest

from rsidx.exporters.edits.line_ends import CRLF, LF, line_ends_of, with_line_ends


@pytest.mark.parametrize(
    ("text", "expected"),
    [(b"a\nb\n", LF), (b"a\r\nb\r\n", CRLF), (b"a\r\nb\n", None), (b"a", None), (b"a\rb\n", LF)],
)
def test_a_text_has_line_ends_of_one_kind_or_none(text, expected):
    assert line_ends_of(text) == expected


@pytest.mark.parametrize("text", ["a\r\nb\nc", "a\nb\nc", "a\r\nb\r\nc"])
def test_a_text_gets_line_ends_of_one_kind(text):
    assert with_line_ends(text, LF) == "a\nb\nc"
    assert with_line_ends(text, CRLF) == "a\r\nb\r\nc"
