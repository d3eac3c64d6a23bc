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


@pytest.mark.parametrize(
    ("fence", "expected"),
    [
        (b"", None),
        (b"rust", None),
        (b"no_run", None),
        (b"should_panic", None),
        (b"ignore", None),
        (b"rust,ignore,edition2021", None),
        (b"compile_fail,E0277", None),
        (b"text", COMMENTS),
        (b"toml", COMMENTS),
        (b"console,ignore", COMMENTS),
    ],
)
@pytest.mark.parametrize(
    "docs",
    [
        b"/// Serves.\n///\n/// ```%s\n/// hyper::Server::bind(1);\n/// ```\n/// It ends.\n",
        b"//! ~~~ %s\n//! hyper::Server::bind(1);\n//! ~~~\n//! It ends.\n",
        b"/** Serves.\n * ```%s\n * hyper::Server::bind(1);\n * ```\n * It ends.\n */\n",
    ],
)
def test_rust_in_an_example_of_documentation_is_code(docs, fence, expected):
    old = docs % fence + b"pub fn serve() {}\n"
    assert tiny_kind(old, old.replace(b"hyper::", b"axum::")) == expected
    assert tiny_kind(old, old.replace(b"ends", b"stops")) == COMMENTS
    assert (
        tiny_kind(old, old.replace(b"bind(1)", b"bind( 1 )").replace(b"ends", b"goes")) == COMMENTS
    )


def test_a_comment_in_an_example_is_one_and_an_example_that_goes_is_documentation():
    old = b"/// Serves.\n///\n/// ```\n/// // Begin.\n/// a();\n/// ```\npub fn serve() {}\n"
    assert tiny_kind(old, old.replace(b"Begin", b"Start")) == COMMENTS
    assert tiny_kind(old, old.replace(b"a();", b"b();")) is None
    assert tiny_kind(old, b"/// Serves.\npub fn serve() {}\n") == COMMENTS


def test_an_example_in_a_plain_comment_is_a_comment():
    old = b"// ```\n// a();\n// ```\npub fn serve() {}\n"
    assert tiny_kind(old, old.replace(b"a()", b"b()")) == COMMENTS


def test_more_documentation_is_documentation_though_it_has_an_example():
    old = b"/// Serves.\npub fn serve() {}\n"
    new = old.replace(b"pub", b"///\n/// ```\n/// a();\n/// ```\npub")
    assert tiny_kind(old, new) == DOCUMENTATION
