"""Gaps of the grammar: valid Rust that tree-sitter-rust cannot parse, and what is found in it."""

import pytest

from rsidx.indexer.rust.code_text import code_of
from rsidx.indexer.rust.facts import extract
from rsidx.indexer.rust.gaps import masked
from rsidx.indexer.rust.grammar import Syntax, parse_tree
from rsidx.indexer.rust.parser import parse

ITEMS = [
    b'fn f() { str!["a"]; u8!(1); }',
    b"fn f() -> R { let a = try!(g()); a }",
    b"fn f() { f64::<_, (), false>(x); }",
    b"fn try() {} fn f() { try(); x.try(); }",
    b"mod async;\nfn async() {} fn f(async: A) { async.b(); async(c); x.map(|async| async.d()); }",
    b"fn f() { match async { A => 1 } }",
    b'unsafe extern "C" { safe fn f(); unsafe fn g(); pub safe static H: u8; unsafe static I: T; }',
    b'unsafe /* checked */ extern r#"C"# { }\nextern r"C" fn f() {}',
    b"auto trait A {}\npub const unsafe trait B: [const] C {}",
    b"impl const A for B {}\nimpl<T: ~const X> const A<T> for B<T> {}\nconst impl C for D {}",
    b"const fn f<T: [const] A + const B>(x: impl const C) {}",
    b"fn f(x: impl async Fn(&u8)) where F: async FnOnce() {}",
    b"pub macro m($x:expr) { $x }\nmacro n { ($x:expr) => { $x }, () => {} }",
    b"trait A<X> = B<X> + C where X: D;",
    b"default impl A for B { default type T = u8; default const N: u8 = 1; }",
    b"macro_rules! m { (~ $($x:tt)*) => { T![~] $($x)~* } }",
    b"macro_rules ! m { ($ x : ident) => ($ x); ($d:tt) => { $d($d y:ident),* $$ ${count($x)} } }",
    b"fn f(x: Box<dyn 'a + T>, y: &dyn ?Sized, z: Fn::(u8) -> u8) {}",
    b"fn f<T:, U: 'a +>(x: T) where 'a:, T:, {}",
    b"struct A<>; struct B where T: C; struct D<T> where T: E; impl<> F<> for A<> {}",
    b"fn f() where (): A, fn(B): C, fn() -> u8: D, dyn E: F {}",
    b"fn f(x: S<-3>) { g::<-3, -4>(); }",
    b"fn f() { let g = for<'a> |x: &'a u8| -> u8 { *x }; let h = const || 1; i(|a, b,| c) }",
    b"fn f() { let S { 0: x, #[a] y, #[b] z: w, .. } = v; S { a, .. } = b; g(|#[c] x| x) }",
    b"fn f() { let x = #[a] g(); match y { n => #[b] h(), } (1, #[c] 2) }",
    b"fn f(#[a] #[b] x: u8) where #[c] T: U {}",
    b"fn f() { become g(); do yeet x; super let y = 1; for await z in w {} let box v = u; }",
    b"gen fn f() {}\nfn g() { gen move { yield 1 }; try bikeshed T { 2 } }",
    b"type A = for<'a> B<'a>;\nfn f<T: A<N = 3, m(..): Send>>() where T::m(..): !Send {}",
    b"fn f() { let a = '\\u{1_F600}'; let b = \"\\u{10_FFFF}\"; }",
    b"fn f() {\xe2\x80\xa8 g();\xc2\x85 }",
    b"---\n[dependencies]\nx = 1\n---\nfn main() {}\n",
    b"#!/usr/bin/env cargo\r\n---\r\npackage = 1\r\n---\r\n\r\nfn main() {}\r\n",
    b"---\n---\n\nfn main() {}\n",
    b"#!/bin/env rust-script",
    b"#! [allow(a)] fn f() {}",
    b"#! // why\n/* so */ [allow(a)]\nfn f() {}",
]


@pytest.mark.parametrize("source", ITEMS)
def test_valid_rust_that_the_grammar_does_not_know_parses_without_error(source):
    source += b"\npub fn behind(&self) {}\n" if not source.startswith(b"#!/bin") else b""
    parsed = parse(source)
    assert not parsed.errors
    assert b"".join(chunk.text for chunk in parsed.chunks) == source
    if b"behind" in source:
        assert "behind" in symbols(source)


@pytest.mark.parametrize("source", ITEMS)
def test_what_is_parsed_in_place_of_a_file_is_as_long_as_it(source):
    text = masked(source)
    assert len(text) == len(code_of(source)) == len(source)
    assert text.count(b"\n") == source.count(b"\n")


def facts(source):
    found = [extract(c.kind, c.container, c.text) for c in parse(source).chunks]
    return [(c, f) for c, f in zip(parse(source).chunks, found, strict=True)]


def symbols(source):
    """Return each symbol of a file by its name: kind, signature and visibility."""
    return {
        s.name: (s.kind, chunk.text[s.signature_start : s.signature_end].decode(), s.visibility)
        for chunk, found in facts(source)
        for s in found.symbols
    }


def references(source):
    return {(r.kind, r.path) for _, found in facts(source) for r in found.references}


def test_a_name_that_the_grammar_has_as_a_keyword_is_that_name():
    assert ("macro", "str") in references(b"fn f() { str![x]; }")
    assert ("value", "f64") in references(b"fn f() { f64::<_, (), false>(x); }")
    assert ("method", "g().async") in references(b"fn f() { g().async(); }")
    assert symbols(b"fn async() {} fn f() { async(); }")["async"][:2] == ("fn", "fn async()")


def test_an_item_of_an_unsafe_extern_block_has_its_keyword_in_its_signature():
    source = b'unsafe extern "C" {\n    /// a\n    safe fn f();\n    pub safe static G: u8;\n}\n'
    found = symbols(source)
    assert found["f"] == ("fn", "safe fn f();", "")
    assert found["G"][1:] == ("pub safe static G: u8;", "pub")


def test_a_macro_of_the_new_kind_is_a_macro_and_refers_to_nothing():
    source = b"/// Thrice.\npub macro thrice($e:expr) {\n    inner($e)\n}\nfn f() { thrice!(2) }\n"
    assert symbols(source)["thrice"] == ("macro", "pub macro thrice($e:expr)", "pub")
    assert [chunk.kind for chunk in parse(source).chunks] == ["macro", "fn"]
    assert references(source) == {("macro", "thrice")}


def test_an_alias_of_a_trait_is_a_trait():
    assert symbols(b"pub trait A<X> = B<X> + C;\n")["A"][0] == "trait"
    assert [chunk.kind for chunk in parse(b"pub trait A<X> = B<X> + C;\n").chunks] == ["trait"]


def test_a_bound_that_is_constant_refers_to_its_trait():
    assert ("type", "Len") in references(b"const fn f<T: [const] Len>(t: &T) {}")


def test_where_gen_parses_as_a_name_it_is_one():
    source = b"macro_rules! m { (~) => {} }\nfn sum(gen: A) { for x in gen { x.y(); } }\n"
    assert not parse(source).errors
    assert ("value", "gen") not in references(source)
    assert b"in gen {" in parse_tree(source).text


def test_attributes_of_items_stay_where_those_of_patterns_are_worked_around():
    source = b"#[cfg(unix)]\nfn f() {\n    let S { #[cfg(a)] x, .. } = s;\n}\n#[test]\nfn g() {}\n"
    [(_, f), (_, g)] = facts(source)
    assert f.symbols[0].cfg == "unix"
    assert g.symbols[0].is_test


def test_front_matter_is_apart_from_the_item_behind_it():
    for end in ("\n", "\r\n"):
        source = f"---{end}[a]{end}---{end}fn main() {{}}{end}".encode()
        assert [chunk.kind for chunk in parse(source).chunks] == ["preamble", "fn"]


def test_a_keyword_in_a_comment_or_a_literal_is_none():
    source = (
        b"""fn f() { let a = "async."; let b = r#"~ " async,"#; let c = '"'; /* /* ~ */ ~ */ }"""
    )
    assert code_of(source).count(b"async") == 0
    assert code_of(source).count(b"~") == 0
    assert code_of(source).rstrip().endswith(b"}")


def test_what_is_no_rust_is_an_error_where_it_stands():
    good = b"fn good() {}\n"
    for bad in (b"let x = 1;\n", b"1 + 2;\n", b"<<<<<<< HEAD\nfn a() {}\n=======\n>>>>>>> b\n"):
        [(start, end)] = parse(good + bad + good).errors
        assert start == len(good), bad
        assert end >= len(good + bad.rstrip()), bad


def test_marks_of_a_conflict_in_a_macro_call_are_an_error_and_those_in_a_literal_none():
    conflict = b"\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> c\n"
    call = b"m! {" + conflict + b"}\n"
    assert not Syntax.of(call).has_error
    assert parse(call).errors == ((5, 5 + len(conflict) - 2),)
    assert parse(b'const A: &str = "' + conflict + b'";\n').errors == ()
    assert parse(b"/*" + conflict + b"*/\nfn f() {}\n").errors == ()


def test_what_is_missing_is_an_error_without_length():
    assert parse(b"fn f() { let x = 1 }\nfn g() {}\n").errors == ((18, 18),)


def test_a_semicolon_behind_an_item_is_no_error():
    assert parse(b"m! {};\nfn f() {}\n// why\n;\n").errors == ()
