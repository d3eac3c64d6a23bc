"""Rust's tokens, as far as it takes to tell what two texts differ in: in linear time, on any text.

A comment, a string or a lifetime is one token; white space is none. A text that is no Rust gives
tokens, too, and what is never closed reaches to its end.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

COMMENT, CODE = "comment", "code"
_TOKEN = re.compile(
    rb"(?P<space>[ \t\r\n\f\v]++)"
    rb"|(?P<line>//[^\n]*+)"
    rb"|(?P<block>/\*)"
    rb"|(?P<raw>b?c?r(?P<hashes>\#*+)\")"
    rb"|[bc]?\"(?:[^\"\\]|\\.)*+\"?+"
    rb"|b?'(?:\\.[^'\n]{0,12}|[^'\\\n]{1,4})'"
    rb"|'?(?:r\#)?[A-Za-z0-9_\x80-\xff]++"
    rb"|.",
    re.DOTALL,
)
_BLOCK_EDGE = re.compile(rb"/\*|\*/")
_RESTRICTED = ([b"crate"], [b"super"], [b"self"], [b"in"])
"""What stands between `pub` and its brackets, other than a tuple's type."""
_DOCUMENTATION = re.compile(rb"///(?!/)|//!|/\*\*(?![*/])|/\*!")
_MARGIN = re.compile(rb"[ \t]*+(?:/[/*]++!?|\*(?!/))? ?")
_FENCE = re.compile(rb"[ \t]*+(?P<fence>`{3,}+|~{3,}+)(?P<rest>[^\n]*+)")
_SEPARATOR = re.compile(rb"[\s,{}.]++")
_OF_RUSTDOC = re.compile(
    rb"no_run|should_panic|compile_fail|standalone(?:_crate)?|test_harness|ignore(?:-[\w-]{1,60})?"
    rb"|edition\d{4}|E\d{4}"
)
_RAW = re.compile(rb"b?c?r\#*+\"")
_WRAPPED = re.compile(rb"(?<!\\)((?:\\\\)*+)\\\r?\n[ \t\r\n]*+")
"""Where a string goes on in the next line: a backslash that no other escapes."""
_DEPTH = {b"(": 1, b"[": 1, b"{": 1, b")": -1, b"]": -1, b"}": -1}


class Token(NamedTuple):
    """A token: its kind, `COMMENT` or `CODE`, and its text."""

    kind: str
    text: bytes


def tokens(text: bytes) -> list[Token]:
    """Return the tokens of a text."""
    return list(_tokens(text))


def _tokens(text: bytes) -> Iterator[Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match is not None
        end = match.end()
        if match["block"]:
            end = _end_of_block(text, end)
        elif match["raw"]:
            close = text.find(b'"' + match["hashes"], end)
            end = close + 1 + len(match["hashes"]) if close >= 0 else len(text)
        if not match["space"]:
            is_comment = match["line"] is not None or match["block"] is not None
            yield Token(COMMENT if is_comment else CODE, text[at:end])
        at = end


def _end_of_block(text: bytes, start: int) -> int:
    """Return where a block comment ends, which may hold others."""
    depth = 1
    for edge in _BLOCK_EDGE.finditer(text, start):
        depth += 1 if edge[0] == b"/*" else -1
        if not depth:
            return edge.end()
    return len(text)


def strings_of(text: bytes) -> list[bytes]:
    """Return the string literals of a text, with their quotes; how they are wrapped is not told."""
    if b'"' not in text:
        return []
    found = (token.text for token in tokens(text) if token.kind == CODE and b'"' in token.text)
    return [text if _RAW.match(text) else joined_lines(text) for text in found]


def joined_lines(text: bytes) -> bytes:
    """Return a text with strings that go on behind a backslash and a line end on one line."""
    return _WRAPPED.sub(rb"\1", text) if b"\\\n" in text or b"\\\r\n" in text else text


def doctests(found: list[Token]) -> list[bytes]:
    """Return the code between fences of documentation, without its comments.

    rustdoc compiles a block that names no language, or Rust.
    """
    fence = b""
    is_rust = False
    lines = []
    for text in _documentation(found):
        match = _FENCE.match(text)
        if match is None:
            if fence and is_rust:
                lines.append(text)
        elif not fence:
            fence, is_rust = match["fence"], _is_rust(match["rest"])
        elif match["fence"].startswith(fence) and not match["rest"].strip():
            fence = b""
    return without_comments(tokens(b"\n".join(lines)))


def _documentation(found: list[Token]) -> Iterator[bytes]:
    """Yield the lines of documentation, without their marks."""
    for token in found:
        if token.kind == COMMENT and _DOCUMENTATION.match(token.text):
            for line in token.text.split(b"\n"):
                yield _MARGIN.sub(b"", line, count=1)


def _is_rust(info: bytes) -> bool:
    """Tell whether rustdoc takes what stands behind a fence for code that it compiles."""
    words = [word for word in _SEPARATOR.split(info.strip()) if word]
    return b"rust" in words or all(map(_OF_RUSTDOC.fullmatch, words))


def without_comments(found: list[Token]) -> list[bytes]:
    """Return the texts of the tokens that are no comments."""
    return [token.text for token in found if token.kind == CODE]


def without_attributes(code: list[bytes]) -> list[bytes]:
    """Return code without its attributes, `#[…]` and `#![…]`."""
    kept: list[bytes] = []
    at = 0
    while at < len(code):
        if code[at] == b"#":
            begin = at + 1 + (code[at + 1 : at + 2] == [b"!"])
            if code[begin : begin + 1] == [b"["]:
                at = _behind(code, begin)
                continue
        kept.append(code[at])
        at += 1
    return kept


def without_visibility(code: list[bytes]) -> list[bytes]:
    """Return code without `pub`, `pub(crate)` and the like."""
    kept: list[bytes] = []
    at = 0
    while at < len(code):
        if code[at] == b"pub":
            at += 1
            if code[at : at + 1] == [b"("] and code[at + 1 : at + 2] in _RESTRICTED:
                at = _behind(code, at)
            continue
        kept.append(code[at])
        at += 1
    return kept


def _behind(code: list[bytes], opening: int) -> int:
    """Return the place behind the bracket that closes the one at a place."""
    depth = 0
    for at in range(opening, len(code)):
        change = _DEPTH.get(code[at], 0)
        depth += change
        if change and not depth:
            return at + 1
    return len(code)
