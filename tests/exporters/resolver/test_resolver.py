"""What names mean, by the language's rules; where those do not say, no answer."""

import pytest

from tests.exporters.resolver.workspace import split_files

CASES = {
    "an item of the module": (
        "//- src/lib.rs\nfn f() { helper(); }\nfn helper() {}\n",
        {"value helper": {"src/lib.rs:2 module"}},
    ),
    "a module does not see what is around it": (
        "//- src/lib.rs\nfn helper() {}\nmod m {\n    fn f() { helper(); }\n}\n",
        {"value helper": set()},
    ),
    "a local variable is no function": (
        "//- src/lib.rs\nfn f(helper: fn()) { helper(); }\nfn helper() {}\n",
        {},
    ),
    "a local variable ends with its block": (
        "//- src/lib.rs\nfn f() { { let helper = 1; } helper(); }\nfn helper() {}\n",
        {"value helper": {"src/lib.rs:2 module"}},
    ),
    "a let binds after its value": (
        "//- src/lib.rs\nfn f() { let helper = helper(); helper; }\nfn helper() -> u8 { 1 }\n",
        {"value helper": {"src/lib.rs:2 module"}},
    ),
    "types and values are apart": (
        "//- src/lib.rs\nfn f(x: thing) { thing(); }\nstruct thing { a: u8 }\nfn thing() {}\n",
        {"type thing": {"src/lib.rs:2 module"}, "value thing": {"src/lib.rs:3 module"}},
    ),
    "a unit or tuple struct is a value, one with fields is none": (
        "//- src/lib.rs\nfn f() { A(1); B; C }\nstruct A(u8);\nstruct B;\nstruct C { c: u8 }\n",
        {
            "value A": {"src/lib.rs:2 module"},
            "value B": {"src/lib.rs:3 module"},
            "value C": set(),
        },
    ),
    "a generic parameter is nothing": (
        "//- src/lib.rs\nfn f<T>(x: T) {}\nstruct T;\n",
        {},
    ),
    "a generic parameter of the impl is nothing": (
        "//- src/lib.rs\nstruct S<T>(T);\nstruct T;\nimpl<T> S<T> {\n    fn f(x: T) {}\n}\n",
        {"type T": set()},
    ),
    "an item of a function's body is its own": (
        "//- src/lib.rs\nfn f() { struct A; let a: A; }\nstruct A;\n",
        {},
    ),
    "modules in files, of both layouts": (
        "//- src/lib.rs\nmod a;\nmod b;\nfn f() { a::x(); b::c::y(); }\n"
        "//- src/a.rs\npub fn x() {}\n//- src/b/mod.rs\npub mod c;\n"
        "//- src/b/c.rs\n\npub fn y() {}\n",
        {"value a::x": {"src/a.rs:1 path"}, "value b::c::y": {"src/b/c.rs:2 path"}},
    ),
    "a module below one that is no mod.rs": (
        "//- src/lib.rs\nmod a;\nfn f() { crate::a::b::x(); }\n//- src/a.rs\npub mod b;\n"
        "//- src/a/b.rs\npub fn x() {}\n//- src/b.rs\npub fn x() {}\n",
        {"value crate::a::b::x": {"src/a/b.rs:1 path"}},
    ),
    "a file that no mod declares is no module": (
        "//- src/lib.rs\nfn f() { a::x(); }\n//- src/a.rs\npub fn x() {}\n",
        {"value a::x": set()},
    ),
    "a path attribute": (
        '//- src/lib.rs\n#[path = "other/place.rs"]\nmod a;\nfn f() { a::x(); }\n'
        "//- src/other/place.rs\npub fn x() {}\n//- src/a.rs\npub fn x() {}\n",
        {"value a::x": {"src/other/place.rs:1 path"}},
    ),
    "a path attribute inside an inline module": (
        '//- src/lib.rs\nmod m {\n    #[path = "p.rs"]\n    pub mod a;\n}\n'
        "fn f() { m::a::x(); }\n//- src/m/p.rs\npub fn x() {}\n//- src/p.rs\nfn x() {}\n",
        {"value m::a::x": {"src/m/p.rs:1 path"}},
    ),
    "self and super": (
        "//- src/lib.rs\nfn top() {}\nmod m {\n    fn f() { super::top(); self::own(); }\n"
        "    fn own() {}\n}\n",
        {"value super::top": {"src/lib.rs:1 path"}, "value self::own": {"src/lib.rs:4 path"}},
    ),
    "imports: a name, a rename, self in braces, a re-export": (
        "//- src/lib.rs\nmod a;\nuse a::{x, y as z};\nuse a::inner::{self};\npub use a::inner::w;\n"
        "fn f() { x(); z(); y(); inner::w(); w(); }\n"
        "//- src/a.rs\npub fn x() {}\npub fn y() {}\npub mod inner {\n    pub fn w() {}\n}\n",
        {
            "value x": {"src/a.rs:1 import"},
            "value z": {"src/a.rs:2 import"},
            "value y": set(),
            "value inner::w": {"src/a.rs:4 import"},
            "value w": {"src/a.rs:4 import"},
        },
    ),
    "an import whose path begins with its own name": (
        "//- src/lib.rs\nmod task;\nuse task::spawn;\nfn f() { spawn(); }\n"
        "//- src/task/mod.rs\nmod spawn;\npub use spawn::spawn;\n"
        "//- src/task/spawn.rs\npub fn spawn() {}\n",
        {"value spawn": {"src/task/spawn.rs:1 import"}},
    ),
    "a chain of re-exports, and one that goes round": (
        "//- src/lib.rs\nmod a;\nmod b;\nuse a::{x, lost};\nfn f() { x(); lost(); }\n"
        "//- src/a.rs\npub use crate::b::*;\n//- src/b.rs\npub use crate::c::x;\n"
        "pub use crate::a::*;\n//- src/c.rs\nfn no() {}\n",
        {"value x": set(), "value lost": set()},
    ),
    "a chain of re-exports that ends": (
        "//- src/lib.rs\nmod a;\nmod b;\nmod c;\nuse a::x;\nfn f() { x(); }\n"
        "//- src/a.rs\npub use crate::b::*;\n//- src/b.rs\npub use crate::c::x;\n"
        "pub use crate::a::*;\n//- src/c.rs\npub fn x() {}\n",
        {"value x": {"src/c.rs:1 import"}},
    ),
    "what is declared or imported goes before a glob": (
        "//- src/lib.rs\nmod a;\nmod b;\nuse a::*;\nuse b::y;\nfn x() {}\n"
        "fn f() { x(); y(); z(); hidden(); }\n"
        "//- src/a.rs\npub fn x() {}\npub fn y() {}\npub fn z() {}\nfn hidden() {}\n"
        "//- src/b.rs\npub fn y() {}\n",
        {
            "value x": {"src/lib.rs:5 module"},
            "value y": {"src/b.rs:1 import"},
            "value z": {"src/a.rs:3 glob"},
            "value hidden": set(),
        },
    ),
    "a glob of what is around sees its private names": (
        "//- src/lib.rs\nuse std::fmt;\nfn private() {}\nmod tests {\n    use super::*;\n"
        "    fn f() { private(); }\n}\n",
        {"value private": {"src/lib.rs:2 glob"}},
    ),
    "an import from outside hides the workspace's": (
        "//- src/lib.rs\nmod a;\nuse std::io::Error;\nuse a::*;\nfn f(e: Error) {}\n"
        "//- src/a.rs\npub struct Error;\n",
        {"type Error": set()},
    ),
    "an import in a function is the function's": (
        "//- src/lib.rs\nmod a;\nfn f() { use a::x; x(); }\nfn g() { x(); }\n"
        "//- src/a.rs\npub fn x() {}\n",
        {"value x": {"src/a.rs:1 import"}},
    ),
    "enum variants, by path, by Self and by glob": (
        "//- src/lib.rs\nuse E::*;\nenum E {\n    A,\n    B { b: u8 },\n}\nimpl E {\n"
        "    fn f() { E::A; Self::A; A; let x = E::B { b: 1 }; }\n}\n",
        {
            "value E::A": {"src/lib.rs:2 module", "src/lib.rs:3 module"},
            "value Self::A": {"src/lib.rs:3 self"},
            "value A": {"src/lib.rs:3 glob"},
            "type E::B": {"src/lib.rs:2 module", "src/lib.rs:4 module"},
        },
    ),
    "associated items by the type": (
        "//- src/lib.rs\nstruct S;\nimpl S {\n    const C: u8 = 1;\n    fn new() -> S { S }\n}\n"
        "type Alias = S;\nfn f() { S::new(); S::C; Alias::new(); S::lost(); }\n",
        {
            "value S::new": {"src/lib.rs:1 module", "src/lib.rs:4 member"},
            "value S::C": {"src/lib.rs:1 module", "src/lib.rs:3 member"},
            "value Alias::new": {"src/lib.rs:6 module", "src/lib.rs:4 member"},
            "value S::lost": {"src/lib.rs:1 module"},
        },
    ),
    "an impl of another type of the same name": (
        "//- src/lib.rs\nmod a;\nstruct S;\nimpl S {\n    fn one(&self) {}\n}\n"
        "fn f(s: S) { s.one(); s.two(); }\n"
        "//- src/a.rs\nstruct S;\nimpl S {\n    fn two(&self) {}\n}\n",
        {"method <S>.one": {"src/lib.rs:4 receiver"}, "method <S>.two": set()},
    ),
    "methods through self, and a trait's default": (
        "//- src/lib.rs\nstruct S;\ntrait T {\n    fn given(&self) {}\n}\nimpl T for S {}\n"
        "impl S {\n    fn f(&self) { self.own(); self.given(); Self::own(self); }\n"
        "    fn own(&self) {}\n}\n",
        {
            "method self.own": {"src/lib.rs:8 self"},
            "method self.given": {"src/lib.rs:3 self"},
            "value Self::own": {"src/lib.rs:8 self"},
        },
    ),
    "an outside trait's method is not the impl's": (
        "//- src/lib.rs\nstruct S;\nimpl Iterator for S {\n    fn next(&mut self) {}\n}\n"
        "impl S {\n    fn f(&mut self) { self.next(); }\n}\n",
        {"method self.next": set()},
    ),
    "a supertrait's method": (
        "//- src/lib.rs\ntrait A {\n    fn a(&self);\n}\ntrait B: A {\n"
        "    fn f(&self) { self.a(); }\n}\nfn g(b: &dyn B) { b.a(); }\n",
        {"method self.a": {"src/lib.rs:2 self"}},
    ),
    "receivers: parameter, let, literal, constructor, field, return": (
        "//- src/lib.rs\nstruct S { inner: Box<I> }\nstruct I;\nimpl I {\n    fn go(&self) {}\n}\n"
        "impl S {\n    fn new() -> Result<Self, u8> { Err(1) }\n"
        "    fn get(&self) -> &I { todo!() }\n}\n"
        "fn f(p: &mut I, s: S) {\n    p.go();\n    let l: I = x();\n    l.go();\n"
        "    s.inner.go();\n    let n = S::new()?;\n    n.inner.go();\n    n.get().go();\n"
        "    let k = S { inner: y };\n    k.inner.go();\n    z.go();\n}\n",
        {
            "method <I>.go": {"src/lib.rs:4 receiver"},
            "method <S>.inner.go": {"src/lib.rs:4 field"},
            "method S::new().?.inner.go": {"src/lib.rs:4 returned"},
            "method S::new().?.get().go": {"src/lib.rs:4 returned"},
            "method z.go": set(),
        },
    ),
    "receivers: patterns and loops": (
        "//- src/lib.rs\nenum E { V(I), W { w: I } }\nstruct I;\nimpl I {\n    fn go(&self) {}\n}\n"
        "fn f(e: E, many: Vec<I>, maybe: Option<I>) {\n    match e {\n        E::V(v) => v.go(),\n"
        "        E::W { w } => w.go(),\n    }\n    for one in many.iter() { one.go(); }\n"
        "    if let Some(m) = maybe { m.go(); }\n}\n",
        {
            "method <E::V>.0.go": {"src/lib.rs:4 field"},
            "method <E::W>.w.go": {"src/lib.rs:4 field"},
            "method <Vec<I>>.iter().[].go": {"src/lib.rs:4 returned"},
            "method <Option<I>>.?.go": {"src/lib.rs:4 field"},
        },
    ),
    "receivers: through pointers that are made, and the error of a Result": (
        "//- src/lib.rs\nstruct I;\nimpl I {\n    fn go(&self) {}\n}\n"
        "fn make() -> Result<u8, I> { Ok(1) }\n"
        "fn f(i: I) {\n    let a = std::sync::Arc::new(i);\n    a.go();\n"
        "    match make() {\n        Err(e) => e.go(),\n        Ok(n) => n.go(),\n    }\n}\n",
        {
            "method <I>.go": {"src/lib.rs:3 receiver"},
            "method make().!.go": {"src/lib.rs:3 returned"},
            "method make().?.go": set(),
        },
    ),
    "receivers: generic parameters by their bounds": (
        "//- src/lib.rs\ntrait T {\n    fn t(&self);\n    fn make() -> Self;\n}\n"
        "fn f<X: T>(x: X, y: impl T) where X: Clone { x.t(); y.t(); X::make(); x.clone(); }\n",
        {
            "method <impl T+Clone>.t": {"src/lib.rs:2 receiver"},
            "method <impl T>.t": {"src/lib.rs:2 receiver"},
            "method <impl T+Clone>.make": {"src/lib.rs:3 receiver"},
            "method <impl T+Clone>.clone": set(),
        },
    ),
    "an async function is awaited first": (
        "//- src/lib.rs\nstruct I;\nimpl I {\n    fn go(&self) {}\n}\nasync fn make() -> I { I }\n"
        "async fn f() { make().await.go(); make().go(); }\n",
        {"method make().await.go": {"src/lib.rs:3 returned"}, "method make().go": set()},
    ),
    "a type argument goes through a field": (
        "//- src/lib.rs\nstruct W<T> { inner: T }\nstruct I;\nimpl I {\n    fn go(&self) {}\n}\n"
        "fn f(w: W<I>) { w.inner.go(); }\n",
        {"method <W<I>>.inner.go": {"src/lib.rs:4 field"}},
    ),
    "an alias of an outside type passes its argument on": (
        "//- src/lib.rs\ntype Result<T> = std::result::Result<T, u8>;\nstruct I;\n"
        "impl I {\n    fn go(&self) {}\n}\nfn make() -> Result<I> { Ok(I) }\n"
        "fn f() -> Result<()> { make()?.go(); Ok(()) }\n",
        {"method make().?.go": {"src/lib.rs:4 returned"}},
    ),
    "macros: textual, imported, exported from anywhere, and none of the standard ones": (
        "//- src/lib.rs\n#[macro_use]\nmod m;\nfn f() { near!(); far!(); vec![1]; }\n"
        "macro_rules! near { () => {} }\n"
        "//- src/m.rs\nmacro_rules! far { () => {} }\nmacro_rules! vec { () => {} }\n",
        {
            "macro near": {"src/lib.rs:4 module"},
            "macro far": {"src/m.rs:1 macro"},
            "macro vec": set(),
        },
    ),
    "names among a macro's tokens": (
        "//- src/lib.rs\nstruct S;\nimpl S {\n    fn len(&self) -> u8 { 1 }\n"
        '    fn f(&self) { println!("{}", self.len() + helper(N) + E::A); }\n}\n'
        "fn helper(n: u8) -> u8 { n }\nconst N: u8 = 1;\nenum E { A }\n",
        {
            "method self.len": {"src/lib.rs:3 self"},
            "token helper": {"src/lib.rs:6 module"},
            "token N": {"src/lib.rs:7 module"},
            "token E::A": {"src/lib.rs:8 module"},
        },
    ),
    "what a macro makes is not there": (
        "//- src/lib.rs\nmacro_rules! make { ($n:ident) => { fn $n() {} } }\nmake!(made);\n"
        "fn f() { made(); }\n",
        {"value made": set()},
    ),
    "items in a macro's braces are": (
        "//- src/lib.rs\ncfg_rt! {\n    pub fn made() {}\n    mod a;\n}\n"
        "fn f() { made(); a::x(); }\n//- src/a.rs\npub fn x() {}\n",
        {"value made": {"src/lib.rs:2 module"}, "value a::x": {"src/a.rs:1 path"}},
    ),
    "cfg alternatives: the default features and this platform decide": (
        '//- src/lib.rs\n#[cfg(windows)]\nfn os() {}\n#[cfg(unix)]\nfn os() {}\n'
        '#[cfg(not(feature = "std"))]\nfn way() {}\n#[cfg(feature = "std")]\nfn way() {}\n'
        "fn f() { os(); way(); }\n"
        '//- Cargo.toml\n[package]\nname = "app"\nedition = "2021"\n'
        '[features]\ndefault = ["full"]\nfull = ["std"]\nstd = []\n',
        {"value os": {"src/lib.rs:4 module"}, "value way": {"src/lib.rs:8 module"}},
    ),
    "an unknown crate's paths are nowhere": (
        "//- src/lib.rs\nmod serde;\nfn f() { ::serde::x(); rand::y(); }\n"
        "//- src/serde.rs\npub fn x() {}\n",
        {"value ::serde::x": set(), "value rand::y": set()},
    ),
    "in the 2015 edition a use begins at the root": (
        '//- Cargo.toml\n[package]\nname = "app"\n'
        "//- src/lib.rs\nmod a;\nmod b;\n//- src/a.rs\npub fn x() {}\n"
        "//- src/b.rs\nuse a::x;\nfn f() { x(); ::a::x(); }\n",
        {"value x": {"src/a.rs:1 import"}, "value ::a::x": {"src/a.rs:1 path"}},
    ),
    "in later editions it does not": (
        "//- src/lib.rs\nmod a;\nmod b;\n//- src/a.rs\npub fn x() {}\n"
        "//- src/b.rs\nuse a::x;\nfn f() { x(); }\n",
        {"value x": set()},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_a_name_means_what_the_language_says(workspace, text, expected):
    made = workspace(text)
    asked = next(p for p, t in split_files(text).items() if "fn f(" in t or "fn f<" in t)
    answers = made.ask(asked, "f")
    assert {key: answers.get(key) for key in expected} == expected
    if not expected:
        assert set().union(*answers.values()) == set()


WORKSPACE = """
//- Cargo.toml
[workspace]
members = ["core", "cli", "vendored"]
[workspace.dependencies]
shared = { path = "core", package = "app-core" }
[patch.crates-io]
patched = { path = "vendored" }
//- core/Cargo.toml
[package]
name = "app-core"
edition = "2021"
//- core/src/lib.rs
pub mod deep;
pub use deep::Thing;
//- core/src/deep.rs
pub struct Thing;
//- vendored/Cargo.toml
[package]
name = "patched"
edition = "2021"
[lib]
name = "called"
path = "lib.rs"
//- vendored/lib.rs
pub fn x() {}
//- cli/Cargo.toml
[package]
name = "cli"
edition = "2021"
[dependencies]
shared = { workspace = true }
other = { path = "../core", package = "app-core" }
patched = "1"
serde = "1"
//- cli/src/lib.rs
pub mod own;
fn f() { shared::Thing; other::deep::Thing; called::x(); serde::x(); own::y(); }
//- cli/src/own.rs
pub fn y() {}
//- cli/src/main.rs
fn main() { cli::own::y(); own::y(); }
//- cli/tests/all.rs
mod common;
fn t() { common::z(); cli::own::y(); }
//- cli/tests/common/mod.rs
pub fn z() {}
"""


def test_crates_are_found_by_their_manifests(workspace):
    made = workspace(WORKSPACE)
    assert made.ask("cli/src/lib.rs", "f") == {
        "value shared::Thing": {"core/src/deep.rs:1 extern"},
        "value other::deep::Thing": {"core/src/deep.rs:1 extern"},
        "value called::x": {"vendored/lib.rs:1 extern"},
        "value serde::x": set(),
        "value own::y": {"cli/src/own.rs:1 path"},
    }
    assert made.ask("cli/src/main.rs", "main") == {
        "value cli::own::y": {"cli/src/own.rs:1 extern"},
        "value own::y": set(),
    }
    assert made.ask("cli/tests/all.rs", "t") == {
        "value common::z": {"cli/tests/common/mod.rs:1 path"},
        "value cli::own::y": {"cli/src/own.rs:1 extern"},
    }


def test_files_are_roots_only_where_the_manifest_lets_them_be(workspace):
    made = workspace(
        '//- Cargo.toml\n[package]\nname = "app"\nedition = "2021"\nautotests = false\n'
        '[[test]]\nname = "all"\npath = "tests/all.rs"\n'
        "//- tests/all.rs\n#[macro_use]\nmod macros;\nmod one;\n"
        "//- tests/macros.rs\nmacro_rules! check { () => {} }\n"
        "//- tests/one.rs\nfn f() { check!(); crate::macros::x(); }\n"
    )
    assert made.ask("tests/one.rs", "f") == {
        "macro check": {"tests/macros.rs:1 macro"},
        "value crate::macros::x": set(),
    }


def test_globs_in_all_directions_are_searched_once(workspace):
    n = 40
    globs = "".join(f"pub use crate::m{i}::*;\n" for i in range(n))
    files = "".join(f"//- src/m{i}.rs\n{globs}" for i in range(n))
    modules = "".join(f"mod m{i};\n" for i in range(n))
    made = workspace(
        f"//- src/lib.rs\n{modules}use m0::*;\nfn f() {{ missing(); there(); }}\n{files}"
        "//- src/m39.rs\npub fn there() {}\n"
    )
    assert made.ask("src/lib.rs", "f") == {
        "value missing": set(), "value there": {"src/m39.rs:1 glob"},
    }  # fmt: skip


def test_types_and_traits_that_go_round_come_to_an_end(workspace):
    many = ", ".join(["A<T>"] * 12)
    bounds = " + ".join(f"T{n}" for n in range(12))
    traits = "".join(f"trait T{n}: {bounds} {{}}\n" for n in range(12))
    made = workspace(
        f"//- src/lib.rs\ntype A<T> = B<{many}>;\ntype B<T> = A<A<A<T>>>;\n{traits}"
        "fn f(a: A<u8>, t: &dyn T0) {\n    a.x();\n    t.y();\n}\n"
    )
    answers = made.ask("src/lib.rs", "f")
    assert (answers["method <A<u8>>.x"], answers["method <impl T0>.y"]) == (set(), set())


def test_a_bare_name_is_matched_only_if_asked_and_only_if_there_is_one(workspace):
    made = workspace(
        "//- src/lib.rs\nstruct S;\nimpl S {\n    fn rare(&self) {}\n    fn twice(&self) {}\n}\n"
        "struct O;\nimpl O {\n    fn twice(&self) {}\n}\nfn f() { x().rare(); x().twice(); }\n"
    )
    assert set().union(*made.ask("src/lib.rs", "f").values()) == set()
    answers = made.ask("src/lib.rs", "f", guess=True)
    assert answers["method x().rare"] == {"src/lib.rs:3 name"}
    assert answers["method x().twice"] == set()
