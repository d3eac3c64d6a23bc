"""What alone an edit changes, if that is next to nothing."""

import pytest

from rsidx.exporters.edits.tiny import (
    ATTRIBUTES,
    COMMENTS,
    DOCUMENTATION,
    VISIBILITY,
    tiny_kind,
)

OLD = b"""
/// Counts.
#[cfg(any(
    feature = "a",
))]
pub fn count(
    n: usize,
) -> usize {
    /* Up to
       the limit. */
    let url = "http://a"; // Not followed.
    n + 1
}
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"Counts.", b"Counts up.", COMMENTS),
        (b"/// Counts.\n", b"", COMMENTS),
        (b"/// Counts.\n", b"/// Counts.\n///\n/// It begins at 1.\n", DOCUMENTATION),
        (b"/// Counts.\n", b"//// Counts.\n", COMMENTS),
        (b"       the limit.", b"       and with the limit.", COMMENTS),
        (b"// Not followed.", b"// Only shown.", COMMENTS),
        (b"    n + 1\n", b"    // One more.\n    n\n        + 1\n", COMMENTS),
        (b'    feature = "a",\n', b'    feature = "a",\n    feature = "b",\n', ATTRIBUTES),
        (b"pub fn", b"#[inline]\npub fn", ATTRIBUTES),
        (b"/// Counts.\n", b"/// Counts up.\n#[must_use]\n", ATTRIBUTES),
        (b"pub fn", b"pub(crate) fn", VISIBILITY),
        (b"pub fn", b"#[inline]\nfn", VISIBILITY),
        (b"n + 1", b"n\n        + 1", None),
        (b"n + 1", b"n + 2", None),
        (b"http://a", b"http://b", None),
        (b"    n + 1\n", b"    // n + 1\n", None),
        (b"n: usize", b"mut n: usize", None),
    ],
)  # fmt: skip
def test_an_edit_is_told_by_all_that_it_changes(old, new, expected):
    assert OLD.count(old) == 1
    assert tiny_kind(OLD, OLD.replace(old, new)) == expected


def test_what_stands_in_a_raw_string_is_no_comment():
    text = b'let a = r#"\n// one\n"#;\n'
    assert tiny_kind(text, text.replace(b"one", b"two")) is None
