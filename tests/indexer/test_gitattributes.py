"""What a .gitattributes says, as git reads it."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rsidx.exporters.filters.globs import matches
from rsidx.indexer.gitattributes import read
from tests.conftest import EXAMPLES
from tests.repositories import Repo

PIECES = st.sampled_from(("a", "b", "*", "?", "**", "a*", "*.rs", "[ab]", "[!a]", "a.rs"))
PATTERNS = st.builds(
    lambda root, pieces, end: root + "/".join(pieces) + end,
    st.sampled_from(("", "/")),
    st.lists(PIECES, min_size=1, max_size=4),
    st.sampled_from(("", "", "", "/", "/**")),
)
NAMES = st.sampled_from(("a", "b", "c", "a.rs", "b.rs", "ab.rs", ".a.rs"))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def test_rules_in_their_order():
    facts = read(
        b"# comment\n*.pb.rs linguist-generated=true text\n\n"
        b'"a b/*.rs" -linguist-generated\nx/** linguist-vendored !linguist-generated eol=lf\n'
        b"y linguist-generated=false\n* text=auto\n"
    )
    assert json.loads(facts)["attributes"] == [
        ["*.pb.rs", "linguist-generated", True],
        ["a b/*.rs", "linguist-generated", False],
        ["x/**", "linguist-vendored", True],
        ["x/**", "linguist-generated", None],
        ["y", "linguist-generated", False],
    ]


def test_rules_about_other_things_are_none():
    assert json.loads(read(b"*.rs text eol=lf\n")) == {"attributes": []}


@pytest.mark.parametrize(
    "source",
    [b"", b"#![no_std]\n", b"// a comment of words\n", b"mod a;\n", b"fn main() {}\n",
     b"//! the docs\n//! and more docs\n", b"use std::fmt;\nuse std::io;\n"],
)  # fmt: skip
def test_rust_is_none(source):
    assert read(source) is None


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """Return what git says of paths by a pattern."""
    repo = Repo(tmp_path_factory.mktemp("attributes") / "repo")

    def check(pattern, path):
        (repo.path / ".gitattributes").write_text(f"{pattern} linguist-generated\n")
        return repo.git("check-attr", "linguist-generated", "--", path).endswith(": set")

    return check


@settings(
    max_examples=50 * EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(PATTERNS, PATHS)
def test_patterns_match_as_in_git(checked, pattern, path):
    assert matches(pattern, path) == checked(pattern, path), (pattern, path)
