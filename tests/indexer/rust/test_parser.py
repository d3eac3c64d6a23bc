"""The parser: chunks that partition a file, and facts that depend on a chunk alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsidx.indexer.rust.facts import extract
from rsidx.indexer.rust.parser import parse
from tests.conftest import EXAMPLES
from tests.indexer.rust.parsed import chunks_of, facts_of


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


@pytest.mark.slow
@settings(max_examples=100 * EXAMPLES)
@given(
    st.lists(st.tuples(st.integers(0, 1300), st.integers(0, 60), st.binary(max_size=3)), max_size=4)
)
def test_a_damaged_file_is_partitioned_and_no_fact_raises(items, damages):
    source = items
    for start, length, inserted in damages:
        source = source[:start] + inserted + source[start + length :]
    assert b"".join(text for _, _, text in chunks_of(source)) == source
    facts_of(source)


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
