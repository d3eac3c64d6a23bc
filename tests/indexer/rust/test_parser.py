"""The parser: chunks that partition a file, and facts that depend on a chunk alone."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsidx.indexer.rust.facts import extract
from rsidx.indexer.rust.parser import parse
from rsidx.store.records import IN_STATEMENT
from tests.conftest import EXAMPLES

DATA = Path(__file__).parent / "data"


def chunks_of(source):
    return [(c.kind, c.container, c.text) for c in parse(source).chunks]


def facts_of(source):
    return [extract(*chunk) for chunk in chunks_of(source)]


@pytest.fixture(scope="module")
def items():
    return (DATA / "items.rs").read_bytes()


def test_chunks_concatenated_are_the_file(items):
    assert b"".join(text for _, _, text in chunks_of(items)) == items


def test_every_item_and_member_is_a_chunk_of_its_container(items):
    found = [(kind, container) for kind, container, _ in chunks_of(items)]
    draw = "trait Draw"
    assert found == [
        ("preamble", ""), ("imports", ""), ("struct", ""), ("struct", ""), ("struct", ""),
        ("enum", ""), ("union", ""),
        ("trait_header", ""), ("const", draw), ("type", draw), ("fn", draw), ("fn", draw),
        ("trait_footer", ""),
        ("impl_header", ""), ("type", "impl Draw for Point<T>"), ("fn", "impl Draw for Point<T>"),
        ("impl_footer", ""),
        ("impl", ""), ("const", ""), ("static", ""), ("type", ""), ("macro", ""),
        ("macro_call_header", ""), ("fn", "macro cfg_rt"), ("impl_header", "macro cfg_rt"),
        ("fn", "macro cfg_rt / impl Unit"), ("impl_footer", "macro cfg_rt"),
        ("macro_call_footer", ""),
        ("extern_header", ""), ("fn", "extern"), ("extern_footer", ""),
        ("mod_header", ""), ("imports", "mod tests [test]"), ("fn", "mod tests [test]"),
        ("mod_footer", ""), ("mod", ""), ("trailer", ""),
    ]  # fmt: skip


def test_docs_attributes_and_a_comment_behind_it_go_with_an_item(items):
    point = chunks_of(items)[2][2]
    assert point == b"\n/// A point.\n#[derive(Debug)]\npub struct Point<T> { x: T } // trailing\n"


def test_a_semicolon_behind_an_item_belongs_to_it():
    in_impl = "impl Pattern for char"
    assert chunks_of(
        b"impl Pattern for char {\n"
        b"    private_impl! {};\n    impl_pattern!(self => *self);  // why\n}\n"
        b"fn f() {};\nm! { fn g() {} };\nuse a::b;;\nuse c;\n"
        b"mod m {};\nmod n { ; ; }\nstruct S;\n\n;"
    ) == [
        ("impl_header", "", b"impl Pattern for char {\n"),
        ("macro_call", in_impl, b"    private_impl! {};\n"),
        ("macro_call", in_impl, b"    impl_pattern!(self => *self);  // why\n"),
        ("impl_footer", "", b"}\n"),
        ("fn", "", b"fn f() {};\n"),
        ("macro_call_header", "", b"m! {"), ("fn", "macro m", b" fn g() {}"),
        ("macro_call_footer", "", b" };\n"),
        ("imports", "", b"use a::b;;\nuse c;\n"),
        ("mod", "", b"mod m {};\n"), ("mod", "", b"mod n { ; ; }\n"),
        ("struct", "", b"struct S;\n\n;"),
    ]  # fmt: skip


def test_a_semicolon_in_front_of_all_items_belongs_to_the_first():
    assert chunks_of(b"//! Why.\n;\nfn f() {}\n") == [
        ("preamble", "", b"//! Why.\n"), ("fn", "", b";\nfn f() {}\n")
    ]  # fmt: skip
    assert chunks_of(b";\n") == [("trailer", "", b";\n")]


def test_symbols_have_kind_name_container_and_signature(items):
    found = {}
    for (_, _, text), facts in zip(chunks_of(items), facts_of(items), strict=True):
        for s in facts.symbols:
            signature = text[s.signature_start : s.signature_end].decode()
            found[s.kind, s.name, s.container] = (s.visibility, s.is_test, s.trait, signature)
    assert found["struct", "Point", ""] == ("pub", False, "", "pub struct Point<T>")
    assert found["variant", "Square", "Shape"][3] == "Square { side: u8 }"
    assert found["trait", "Draw", ""][0] == "pub(crate)"
    assert found["method", "draw", "trait Draw"][3] == "fn draw(&self) -> Self::Out;"
    assert found["impl", "Point", ""][2:] == (
        "Draw", "impl<T> Draw for Point<T> where T: fmt::Debug",
    )  # fmt: skip
    assert found["const", "VALUE", ""][3] == "const VALUE: [u8; 2]"
    assert found["fn", "works", "mod tests [test]"][1] is True
    assert found["fn", "inside", "macro cfg_rt"][0] == "pub"
    assert {kind for kind, _, _ in found} == {
        "struct", "enum", "variant", "union", "trait", "const", "type", "method", "impl",
        "static", "macro", "fn", "mod", "field",
    }  # fmt: skip


def test_use_trees_are_flattened(items):
    imports = [(i.path, i.alias, i.visibility) for i in facts_of(items)[1].imports]
    assert imports == [
        ("std::fmt", "fmt", ""),
        ("std::io", "io", ""),
        ("std::io::Read", "_", ""),
        ("std::io::Write", "W", ""),
        ("crate::error::*", "", "pub"),
    ]


def test_references_have_paths_and_leave_out_what_the_chunk_binds(items):
    draw = next(
        f for c, f in zip(chunks_of(items), facts_of(items), strict=True)
        if f.symbols and f.symbols[0].name == "draw" and "impl" in c[1]
    )  # fmt: skip
    assert {(r.kind, r.path) for r in draw.references} == {
        ("value", "helper"), ("field", "self.x"), ("value", "Shape::Circle"), ("macro", "println"),
        ("token", "other::path"), ("token", "VALUE"),
    }  # fmt: skip


def test_methods_on_self_are_told_from_other_methods():
    source = b"fn f(&self, other: T) { self.a(); other.b(); self.c.d(); Self::e(); }"
    [facts] = facts_of(source)
    assert {(r.kind, r.path) for r in facts.references} == {
        ("method", "self.a"), ("method", "<T>.b"), ("method", "self.c.d"), ("field", "self.c"),
        ("value", "Self::e"), ("type", "T"),
    }  # fmt: skip


def test_fields_of_struct_literals_and_patterns_are_members_of_their_type():
    source = (
        b"fn f(c: Config) -> Self { let m::Pair { left, right: Some(x) } = p();"
        b" let s = Shape::Circle { r: 1 }; if let Wide::<u8> { w, .. } = q() {}"
        b" Self { size: x, left, ..c } }"
    )
    [facts] = facts_of(source)
    assert {r.path for r in facts.references if r.kind == "field"} == {
        "<m::Pair>.left", "<m::Pair>.right", "<Wide>.w", "<Self>.size", "<Self>.left",
    }  # fmt: skip


def test_generic_parameters_are_no_references():
    [facts] = facts_of(b"fn f<T: Clone>(t: T) -> Vec<T> { Vec::<T>::new() }")
    assert {r.path for r in facts.references} == {"Clone", "Vec", "Vec::new"}


def test_a_file_with_errors_gives_its_good_items():
    source = b"fn good() {}\nfn bad( { ] }\nstruct Also;\n"
    assert parse(source).has_error
    names = [s.name for f in facts_of(source) for s in f.symbols]
    assert "good" in names
    assert "Also" in names


def test_long_functions_can_be_cut_between_statements():
    body = "".join(
        f"    let v{n} = compute({n});\n    if v{n} {{\n        go();\n    }}\n" for n in range(40)
    )
    source = f"fn long() {{\n{body}}}\n".encode()
    [facts] = facts_of(source)
    assert len(facts.breaks) >= 80
    for offset, depth in facts.breaks:
        assert source[offset - 1 : offset] == b"\n"
        text = source[offset : source.index(b"\n", offset)].strip()
        assert text.startswith((b"let", b"if")) if depth <= 2 else text == b"go();"


def test_a_long_function_is_not_cut_between_an_attribute_and_its_item():
    item = "    #[derive(Debug)]\n    struct S {\n        x: u8,\n    }\n"
    source = ("fn f() {\n" + item * 40 + "}\n").encode()
    [facts] = facts_of(source)
    at = {source[offset:].split(b"\n", 1)[0].strip() for offset, _ in facts.breaks}
    assert at == {b"#[derive(Debug)]", b"x: u8,"}


def test_code_is_cut_inside_of_a_statement_only_between_the_elements_of_a_list():
    source = b"""\
fn f() {
    call(
        first_argument_that_is_long(1),
        |x| {
            closure(x);
            done(x)
        },
    );
    let table = [
        1,
        2,
    ];
    let config = Config {
        size: 1,
        // The name.
        name: "n",
    };
    println!(
        "{} {}",
        config,
        table,
    );
    match config {
        Config { size: 1, .. } => {
            one()
        }
        _ => {}
    }
}
"""
    [facts] = facts_of(source)
    at = {source[at:].split(b"\n", 1)[0].strip(): depth for at, depth in facts.breaks}
    assert {text: depth for text, depth in at.items() if depth < IN_STATEMENT} == {
        b"call(": 2, b"closure(x);": 4, b"done(x)": 4, b"let table = [": 2, b"println!(": 2,
        b"let config = Config {": 2, b"match config {": 2, b"one()": 4,
        b"Config { size: 1, .. } => {": 3, b"_ => {}": 3,
    }  # fmt: skip
    assert {text: depth - IN_STATEMENT for text, depth in at.items() if depth >= IN_STATEMENT} == {
        b"1,": 3, b"2,": 3, b"size: 1,": 3, b"// The name.": 3,
    }  # fmt: skip


def test_long_comments_are_cut_between_paragraphs_as_inside_of_a_statement():
    inner = (
        "//! A line that is long enough for a text that may be cut, and then some more words.\n" * 4
        + "//!\n//! Second.\n//! More.\n#![allow(dead_code)]\n"
    )
    outer = inner.replace("//!", "///").replace(
        "#![allow(dead_code)]", "#[derive(Debug)]\nstruct A;"
    )
    block = "/*! First.\n\nSecond.\n" + "A line, and some more words in it.\n" * 8 + "*/\n"
    cuts = {
        text: [
            (text[at:].split("\n")[0], depth)
            for at, depth in extract(kind, "", text.encode()).breaks
        ]
        for kind, text in (("preamble", inner), ("struct", outer), ("preamble", block))
    }
    assert cuts == {
        inner: [("//! Second.", IN_STATEMENT + 1), ("#![allow(dead_code)]", 1)],
        outer: [("/// Second.", IN_STATEMENT + 1)],
        block: [("Second.", IN_STATEMENT + 1)],
    }


def fenced(opening, prefix, closing="```"):
    lines = ["First.", "", opening, "let a = 1;", "", "let b = 2;", closing, "", "Second.", ""]
    lines += ["A line that is long enough for a text that may be cut, and more words."] * 4
    return "".join(f"{prefix} {line}".rstrip() + "\n" for line in lines)


@pytest.mark.parametrize(
    "text",
    [
        fenced("```", "///") + "struct A;\n",
        fenced("```rust,no_run", "//!") + "#![allow(dead_code)]\n",
        fenced("~~~~", "///", "~~~~") + "struct A;\n",
        fenced("````\n/// ```", "///", "````") + "struct A;\n",
        fenced("```", "    ///").join(("mod m {\n", "    struct A;\n}\n")),
        "/**\n" + fenced("```", " *") + " */\nstruct A;\n",
        "/*!\n" + fenced("```", "") + "*/\n",
    ],
)
def test_an_example_between_fences_is_not_cut(text):
    kind = "preamble" if "!" in text[:4] else "mod"
    cuts = [text[at:].split("\n")[0] for at, _ in extract(kind, "", text.encode()).breaks]
    cuts = [cut.strip(" /*!") for cut in cuts]
    assert "Second." in cuts
    assert not {"let b = 2;", "let a = 1;"}.intersection(cuts)


def test_an_open_fence_does_not_reach_into_the_next_comment():
    text = fenced("```", "    ///", "none").join(("fn f() {\n", "    a();\n"))
    text += fenced("none", "    //", "none") + "    b();\n}\n"
    cuts = [text[at:].split("\n")[0] for at, _ in extract("fn", "", text.encode()).breaks]
    assert "    // Second." in cuts
    assert "    /// Second." not in cuts


def test_a_macro_is_cut_between_its_rules():
    rules = "".join(
        f"    ($x{n}:expr) => {{\n        go();\n        go();\n    }};\n" for n in range(9)
    )
    source = f"macro_rules! m {{\n{rules}}}\n".encode()
    [facts] = facts_of(source)
    at = [source[at:].split(b":", 1)[0].strip() for at, _ in facts.breaks]
    assert at == [f"($x{n}".encode() for n in range(9)]


def test_imports_inside_a_function_are_found_however_they_are_spaced():
    [facts] = facts_of(b"fn f() { if x { use\ta::B; } extern crate c; }")
    assert [item.path for item in facts.imports] == ["a::B", "c"]


NESTED = [
    b"fn f() {" + b"(" * 100_000 + b")" * 100_000 + b"}",
    b"mod a {" * 100_000 + b"}" * 100_000,
    b"type A = " + b"A<" * 100_000 + b"A" + b">" * 100_000 + b";",
    b"m! {" + b"{" * 100_000 + b"}" * 100_000 + b"}",
    b"(" * 100_000,
    b"/*" * 100_000,
]


@pytest.mark.slow
@pytest.mark.parametrize("source", NESTED, ids=range(len(NESTED)))
def test_deep_nesting_does_not_end_the_process(source):
    found = chunks_of(source)
    assert b"".join(text for _, _, text in found) == source
    # A hundred thousand brackets can be as many chunks, all with the same facts.
    for chunk in set(found):
        extract(*chunk)


SNIPPETS = st.sampled_from(
    ["use a::{b, c as d};\n", "/// doc\n", "#[cfg(test)]\n", "mod m {\n", "impl X for Y {\n",
     "fn f() { g(); }\n", "}\n", "// c\n", "\n\n", "struct S;", "trait T {", "enum E { A, B }",
     "macro_rules! m { () => {} }", "m! { fn x() {} }\n", "}}", "\"", "'", "/*", "*/", "\r\n",
     "const C: u8 = 1; // x", "//! inner\n", "#![a]\n", "é", "fn broken(", "extern \"C\" {"]
)  # fmt: skip


@settings(max_examples=100 * EXAMPLES)
@given(st.lists(SNIPPETS, max_size=25))
def test_any_mixture_is_partitioned_and_facts_stay_inside_their_chunk(parts):
    source = "".join(parts).encode()
    found = chunks_of(source)
    assert b"".join(text for _, _, text in found) == source
    for kind, container, text in found:
        assert text
        facts = extract(kind, container, text)
        for s in facts.symbols:
            assert 0 <= s.start <= s.signature_start <= s.signature_end <= s.end <= len(text) + 1
        assert all(0 < offset < len(text) for offset, _ in facts.breaks)


@settings(max_examples=50 * EXAMPLES)
@given(st.binary(max_size=200))
def test_any_bytes_are_partitioned(source):
    assert b"".join(text for _, _, text in chunks_of(source)) == source


def test_inserting_an_item_leaves_the_other_chunks_as_they_were(items):
    at = items.index(b"\nunion Bits")
    changed = items[:at] + b"\nfn inserted() {}\n" + items[at:]
    before, after = chunks_of(items), chunks_of(changed)
    assert [c for c in after if c not in before] == [("fn", "", b"\nfn inserted() {}\n")]


@pytest.mark.slow
@settings(max_examples=100 * EXAMPLES)
@given(
    st.lists(st.tuples(st.integers(0, 1300), st.integers(0, 60), st.binary(max_size=3)), max_size=4)
)
def test_a_damaged_file_is_partitioned_and_no_fact_raises(damages):
    source = (DATA / "items.rs").read_bytes()
    for start, length, inserted in damages:
        source = source[:start] + inserted + source[start + length :]
    assert b"".join(text for _, _, text in chunks_of(source)) == source
    facts_of(source)


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("opening", "closing"),
    [("type A = {}u8;", "&"), ("type A = {}u8{};", "("), ("fn f() {{ a{}; }}", ".b()"),
     ("type A = {}u8{};", "Vec<"), ("use {}b{};", "a::{"), ("fn f() {{ {}1; }}", "|a| ")],
)  # fmt: skip
def test_nesting_has_no_limit(opening, closing):
    ends = {"(": ")", "Vec<": ">", "a::{": "}"}.get(closing, "")
    text = opening.format(closing * 30_000, ends * 30_000) + "\n"
    parsed = parse(text.encode())
    assert b"".join(chunk.text for chunk in parsed.chunks) == text.encode()
    for chunk in parsed.chunks:
        extract(chunk.kind, chunk.container, chunk.text)


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
