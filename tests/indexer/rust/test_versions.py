"""A version parsed by what changed is the one parsed from scratch."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsidx.indexer.rust.parser import parse
from tests.conftest import EXAMPLES
from tests.indexer.rust.parsed import chunks_of


def test_inserting_an_item_leaves_the_other_chunks_as_they_were(items):
    at = items.index(b"\nunion Bits")
    changed = items[:at] + b"\nfn inserted() {}\n" + items[at:]
    before, after = chunks_of(items), chunks_of(changed)
    assert [c for c in after if c not in before] == [("fn", "", b"\nfn inserted() {}\n")]


LEAVES = [
    "use a::b;\n", "use c::{d, e};\n", "/// doc\n", "#[cfg(test)]\n", "fn f() { g(); }\n", "// c\n",
    "fn g() {\n    h(1);\n}\n", "\n", "struct S;\n", "fn x() { str![y]; }\n", "#![a]\n",
    "//! inner\n", "const C: u8 = 1; // x\n", "foo!()\n", ";\n", "  ", "fn a() {} fn b() {}\n",
    "unsafe extern \"C\" {}\n", "pub macro m($x:expr) { $x }\n",
    "fn i(async: u8) { match async {} }\n",
    "fn j() { let S { #[a] x, .. } = s; }\n", "\r\n", "fn h() { \"\n\" }\n", "fn broken( { ] }\n",
]  # fmt: skip
OPENERS = ["mod m {\n", "impl X for Y {\n", "trait T {\n", "cfg_rt! {\n", "/*\n", "fn k() {\n"]
PLACES = st.integers(0, 40)
CHANGES = st.one_of(
    st.tuples(st.just("put in"), PLACES, st.sampled_from(LEAVES)),
    st.tuples(st.just("put in"), PLACES, st.sampled_from(LEAVES)),
    st.tuples(st.just("drop"), PLACES, st.just("")),
    st.tuples(st.just("wrap"), PLACES, st.sampled_from(OPENERS)),
    st.tuples(st.just("unwrap"), PLACES, st.sampled_from(OPENERS)),
)


def changed(parts, change):
    """Return the parts of a file after one change; what is opened is closed again."""
    what, place, text = change
    place = place % (len(parts) + 1)
    if what == "put in":
        return [*parts[:place], text, *parts[place:]]
    if what == "wrap":
        end = min(len(parts), place + 3)
        if any(part in OPENERS or part in ("}\n", "*/\n") for part in parts[place:end]):
            end = place
        closer = "*/\n" if text == "/*\n" else "}\n"
        return [*parts[:place], text, *parts[place:end], closer, *parts[end:]]
    if what == "unwrap" and text in parts:
        first = parts.index(text)
        closer = "*/\n" if text == "/*\n" else "}\n"
        last = parts.index(closer, first)
        return [*parts[:first], *parts[first + 1 : last], *parts[last + 1 :]]
    if place < len(parts) and parts[place] in LEAVES:
        return parts[:place] + parts[place + 1 :]
    return parts


@pytest.mark.slow
@settings(max_examples=150 * EXAMPLES)
@given(
    st.lists(CHANGES, max_size=30),
    st.lists(st.lists(CHANGES, min_size=1, max_size=4), min_size=1, max_size=6),
)
def test_a_version_parsed_by_what_changed_is_the_one_parsed_from_scratch(made, versions):
    parts = []
    for change in made:
        parts = changed(parts, change)
    parsed = parse("".join(parts).encode())
    for changes in versions:
        for change in changes:
            parts = changed(parts, change)
        source = "".join(parts).encode()
        parsed = parse(source, parsed)
        scratch = parse(source)
        assert parsed.chunks == scratch.chunks
        assert parsed.errors == scratch.errors


def test_imports_behind_the_last_comment_of_a_file_join_those_before_it():
    before = b"use a;\nuse b;\n\n// The end.\n"
    after = before + b"use c;\n"
    assert parse(after, parse(before)).chunks == parse(after).chunks


def damaged(source, rng):
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(source) + 1)
        end = start + rng.choice((0, 1, 1, 5, 40))
        source = source[:start] + rng.choice(DAMAGE) + source[end:]
    return source


DAMAGE = (b"", b"{", b"}", b"(", b'"', b"\n", b"::", b"<", b"!", b"#", b"*/", b"str![x]")


@pytest.mark.slow
def test_a_version_with_errors_is_the_one_parsed_from_scratch(items):
    """Trees with errors depend on how they were come by; some of these damages show it."""
    for seed in range(375 * EXAMPLES):
        rng = random.Random(seed)
        before = damaged(items, rng) if seed % 2 else items
        after = damaged(before, rng)
        edited, scratch = parse(after, parse(before)), parse(after)
        assert edited.chunks == scratch.chunks, seed
        assert edited.errors == scratch.errors, seed


def test_what_an_edit_does_not_touch_is_not_cut_again(items):
    before = parse(items)
    after = items.replace(b"struct Point", b"struct Dot", 1)
    kept = {id(chunk) for chunk in before.chunks}
    fresh = [chunk for chunk in parse(after, before).chunks if id(chunk) not in kept]
    assert after != items
    assert len(fresh) <= 5 < len(before.chunks)


FORGOTTEN_BRACKET = """\
const T: &'static [(&'static str, &'static [&'static str])] = &[
    ("one", &["*.one", "*.[0-9][a-z]"]),
    ("two", &["*.two"]),
    ("three", &["*.three", "*.3"]),
    ("four", &["*.four"]),
    ("five", &["*.five"]),
    ("six", &["*.six", "*.vi"]),
    ("seven", &["*.seven", "*.seven.x"]),
    ("eight", &["*.8"]),
    ("nine", &["*.nine", "*.9", "nine.lock"]),
    ("ten", &[
        ".ten", "ten",
        ".ten.x", "x",
    ]),
];
#[derive(Clone, Debug)]
enum Glob<'a> {
    Matched {
    }
}
pub struct Kind {
}
impl Kind {
    /// Tells it.
    fn is_negated(&self) -> bool {
        match *self {
            Selection::Select(..) => false,
            Selection::Negate(..) => true,
        }
    }
}
"""


def test_after_a_version_with_an_error_the_next_is_cut_as_from_scratch():
    mended = FORGOTTEN_BRACKET.encode()
    broken = mended.replace(b'[a-z]"]', b'[a-z]"')
    assert parse(broken).has_error
    assert not parse(mended).has_error
    assert parse(mended, parse(broken)).chunks == parse(mended).chunks
    assert parse(broken, parse(mended)).chunks == parse(broken).chunks
