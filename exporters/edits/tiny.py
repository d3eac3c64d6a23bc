"""Edits that change next to nothing: only comments, attributes or visibility.

`docs/rows.md` says what a hundred of each kind were like in real histories.
"""

import re
from collections.abc import Sequence

from rsidx.exporters.edits.tokens import (
    COMMENT,
    Token,
    doctests,
    tokens,
    without_attributes,
    without_comments,
    without_visibility,
)

COMMENTS, DOCUMENTATION = "comments", "documentation"
ATTRIBUTES, VISIBILITY = "attributes", "visibility"
_DOCUMENTATION = (b"///", b"//!", b"/**", b"/*!")
_NO_DOCUMENTATION = b"////"
_INSIGNIFICANT = re.compile(rb"//[^\n]*+|\bpub\b(?:\((?:crate|super|self|in [^()]{0,200})\))?|\s++")


KINDS = (COMMENTS, DOCUMENTATION, ATTRIBUTES, VISIBILITY)


def tiny_kind(old: bytes, new: bytes) -> str | None:
    """Return which of `KINDS` alone differs between two texts, None where it is more or nothing.

    `documentation` is comments of which there are more lines of documentation than before. Else
    the code of an example in documentation, which rustdoc compiles, is more than a comment.
    `attributes` may come with comments, and `visibility` with both.
    """
    # Most edits are told by the lines that differ, unless these begin inside of something.
    before, gone, come = _changed(old, new)
    if not _leaves_open(before) and not _may_be_tiny(gone, come):
        return None
    return _kind(old, new)


def _may_be_tiny(old: bytes, new: bytes) -> bool:
    """Tell whether lines may differ in comments, attributes and visibility alone."""
    if _INSIGNIFICANT.sub(b"", old) == _INSIGNIFICANT.sub(b"", new):
        return True
    needs_tokens = any(mark in text for text in (old, new) for mark in (b"/*", b"#[", b"#!["))
    return needs_tokens and _kind(old, new) is not None


def _kind(old: bytes, new: bytes) -> str | None:
    before, after = tokens(old), tokens(new)
    if before == after:
        return None
    codes = without_comments(before), without_comments(after)
    if codes[0] == codes[1]:
        if _n_documented(after) > _n_documented(before):
            return DOCUMENTATION
        example = doctests(after)
        # An example that goes as a whole is documentation that goes.
        return None if example and example != doctests(before) else COMMENTS
    codes = without_attributes(codes[0]), without_attributes(codes[1])
    if codes[0] == codes[1]:
        return ATTRIBUTES
    if without_visibility(codes[0]) == without_visibility(codes[1]):
        return VISIBILITY
    return None


def _n_documented(found: Sequence[Token]) -> int:
    """Return how many lines of documentation there are."""
    return sum(
        1 + token.text.count(b"\n")
        for token in found
        if token.kind == COMMENT
        and token.text.startswith(_DOCUMENTATION)
        and not token.text.startswith(_NO_DOCUMENTATION)
    )


def _changed(old: bytes, new: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the lines that two texts both begin with, and those of each that differ."""
    before, after = old.split(b"\n"), new.split(b"\n")
    shorter = min(len(before), len(after))
    first = last = 0
    while first < shorter and before[first] == after[first]:
        first += 1
    while last < shorter - first and before[-1 - last] == after[-1 - last]:
        last += 1
    parts = before[:first], before[first : len(before) - last], after[first : len(after) - last]
    same, gone, come = map(b"\n".join, parts)
    return same, gone, come


def _leaves_open(text: bytes) -> bool:
    """Tell whether a text may end inside of a comment or an attribute."""
    if text.count(b"/*") > text.count(b"*/"):
        return True
    attribute = text[max(text.rfind(b"#["), text.rfind(b"#![")) :]
    return attribute.startswith(b"#") and attribute.count(b"[") > attribute.count(b"]")
