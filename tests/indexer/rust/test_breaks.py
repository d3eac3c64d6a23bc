"""Where long code may be cut."""

import pytest

from rsidx.indexer.rust.facts import extract
from rsidx.store.records import IN_STATEMENT
from tests.indexer.rust.parsed import facts_of


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


def test_a_chain_of_calls_is_cut_between_its_links_as_inside_of_a_statement():
    source = b"""\
fn f() -> Command {
    let short = a.b().c();
    let command = Command::new("tool")
        .about("What it does, in some words")
        // The first.
        .arg(
            Arg::new("one")
                .help("What the first one is for, in some words"),
        )
        .arg(short)
        .field
        .run()
        .await?
        .done();
    inner.call(|x| {
        step(x);
    })
}
"""
    [facts] = facts_of(source)
    at = {source[at:].split(b"\n", 1)[0].strip(): depth for at, depth in facts.breaks}
    assert {text: depth for text, depth in at.items() if depth < IN_STATEMENT} == {
        b"let short = a.b().c();": 2, b'let command = Command::new("tool")': 2,
        b"inner.call(|x| {": 2, b"step(x);": 4,
    }  # fmt: skip
    assert {text: depth - IN_STATEMENT for text, depth in at.items() if depth >= IN_STATEMENT} == {
        b'.about("What it does, in some words")': 2, b"// The first.": 2, b".arg(short)": 2,
        b'.help("What the first one is for, in some words"),': 3, b".field": 2, b".run()": 2,
        b".await?": 2, b".done();": 2,
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
