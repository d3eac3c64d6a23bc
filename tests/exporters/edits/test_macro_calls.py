"""The names of macro calls, and what is paired by them."""

import pytest

from rsidx.exporters.edits.macro_calls import call_name
from tests.exporters.edits.base import BASE


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("rgtest!(r30, |dir: Dir| { check(dir) });", "rgtest!r30"),
        ("// See: https://example.com/!\n#[cfg(a!)]\nclean!(r30);", "clean!r30"),
        ("thread_local! { static STATE: u8 = 1 }", "thread_local!STATE"),
        (
            "bitflags! {\n    /// Of a cell.\n    #[repr(C)]\n    pub flags Mode: u8 {} }",
            "bitflags!Mode",
        ),
        (
            "test_binding! {\n    name: without_mods,\n    mods: NONE,\n}",
            "test_binding!without_mods",
        ),
        ("delegate! {\n    Drain<'_, K> => (K,),\n}", "delegate!Drain"),
        ('unsupported!("any", r#type);', "unsupported!r#type"),
        ("syn::custom_keyword!(Debug);", "syn::custom_keyword!Debug"),
        ("range_impl!{u16}", "range_impl!u16"),
        ("private_impl! {}", "private_impl!"),
        ("fn f() {}", ""),
        ("", ""),
    ],
)
def test_a_call_is_named_by_its_macro_and_the_first_name_it_is_given(text, name):
    assert call_name(text.encode()) == name


def test_calls_of_a_macro_are_paired_by_what_they_name(repo, edits_of):
    old = "".join(f'syntaxerr!(err{n}, "{c}", Error::Unclosed);\n' for n, c in enumerate("[({<"))
    new = old.replace("Error::", "ErrorKind::").replace('syntaxerr!(err1, "(",', "syntaxerr!(a,")
    repo.commit("two", {"a.rs": old})
    repo.commit("three", {"a.rs": f"fn first() {{}}\n{new}"})
    found, _ = edits_of()
    calls = [
        tuple(text and text.split("(")[1].split(",")[0] for text in e[3:])
        for e in found
        if e[1] == "macro_call"
    ]
    assert calls == [
        ("err0", "err0"),
        ("err1", None),
        (None, "a"),
        ("err2", "err2"),
        ("err3", "err3"),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("private_impl!{}\n", "private_impl! {}\n"),
        ("clear!(Range<usize>);\n", "clear!(Range<index::Line>);\n"),
        (
            "bitflags! {\n    #[repr(C)]\n    pub struct Mode: u8 { const A = 1; }\n}\n",
            "bitflags! {\n    pub struct Mode: u32 {\n        const NONE = 0;\n"
            "        const ORIGIN = 0b0_01;\n        const INSERT = 0b0_10;\n    }\n}\n",
        ),
    ],
)
def test_equal_calls_of_a_macro_are_paired_in_their_order(repo, edits_of, old, new):
    repo.commit("two", {"a.rs": BASE + old + "fn between() {}\n" + old})
    repo.commit(
        "three", {"a.rs": BASE.replace("use std::fmt;\n", "") + new + "fn between() {}\n" + new}
    )
    found, _ = edits_of()
    assert [e[:2] for e in found if e[1] != "imports"] == [("modify", "macro_call")] * 2


def test_a_long_list_of_changed_macro_calls_is_paired(repo, edits_of):
    body = "|dir: Dir, mut cmd: Command| {{\n    cmd.arg({n});\n    {check}\n}});\n\n"
    calls = [f"rgtest!(r{n}, " + body.format(n=n, check="{check}") for n in range(70)]
    old, new = (
        "".join(calls).replace("{check}", check)
        for check in ("equal(dir.output());", 'assert!(cmd.output(dir, "x", 1).is_ok());')
    )
    repo.commit("two", {"a.rs": old})
    repo.commit("three", {"a.rs": new})
    assert [e[0] for e in edits_of()[0]] == ["modify"] * 70
