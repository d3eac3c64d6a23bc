"""Attributes that no compiler knows stand where one would reject them, and nowhere else."""

import subprocess

import pytest

from rsidx.evaluation.judging.probe import ITEM, STATEMENT, with_probe_around, with_probes

FUNCTION = b"/// Docs.\nfn f() -> u32 {\n    let a = 1;\n    a + 2\n}\n"


def probed(code, old=b"", before=b"", behind=b""):
    source = before + code + behind
    text, names = with_probes(source, len(before), len(before) + len(code), old)
    assert text.startswith(before)
    assert text.endswith(behind)
    return text[len(before) : len(text) - len(behind)].decode(), names


def test_code_that_is_new_as_a_whole_has_one_in_front():
    assert probed(FUNCTION) == (
        FUNCTION.decode().replace("fn f", f"#[{ITEM}] fn f"),
        (ITEM,),
    )


def test_a_change_inside_has_another_before_its_first_statement():
    text, names = probed(FUNCTION, FUNCTION.replace(b"a + 2", b"a + 1"))
    assert names == (ITEM, STATEMENT)
    assert f"    #[{STATEMENT}] a + 2\n" in text
    text, _ = probed(FUNCTION, FUNCTION.replace(b"let a = 1", b"let a = 3"))
    assert f"    #[{STATEMENT}] let a = 1;" in text


@pytest.mark.parametrize(
    ("new", "changed", "expected"),
    [
        ("struct S {\n    a: u8,\n    b: u16,\n}\n", "16", f"    #[{STATEMENT}] b: u16"),
        ("enum E {\n    A,\n    B(u16),\n}\n", "16", f"    #[{STATEMENT}] B(u16)"),
        ("impl S {\n    fn a() {}\n    fn b() { c() }\n}\n", "c", f"{{ #[{STATEMENT}] c() }}"),
        ("fn f() { match x { 1 => a(), _ => b() } }\n", "b", f"#[{STATEMENT}] _ => b()"),
        ("use a::b;\nuse c::d;\n", "d", f"#[{STATEMENT}] use c::d;"),
        ("fn f() {\n    vec![\n        1,\n    ];\n}\n", "1", f"#[{STATEMENT}] vec!["),
        (
            "impl S {\n    fn a() {}\n    /// D.\n    fn b(c: u8) {}\n}\n",
            "8",
            f"#[{STATEMENT}] fn b",
        ),
    ],
)
def test_it_stands_before_the_innermost_code_that_takes_an_attribute(new, changed, expected):
    text, _ = probed(new.encode(), new.replace(changed, "other").encode())
    assert expected in text


@pytest.mark.parametrize(
    ("hole", "expected"),
    [
        ("a + 2", f"    #[{ITEM}] a + 2\n"),
        (" 2", f"    #[{ITEM}] a + 2\n"),
        ("t a", f"    #[{ITEM}] let a = 1;"),
        ("u32", f"#[{ITEM}] fn f() -> u32"),
    ],
)
def test_a_hole_has_one_before_the_code_that_it_is_in(hole, expected):
    text, names = with_probe_around(FUNCTION, FUNCTION.index(hole.encode()))
    assert names == (ITEM,)
    assert expected in text.decode()


def test_comments_of_a_module_have_an_attribute_of_a_module():
    assert probed(b"//! Docs.\n#![allow(dead_code)]\n") == (
        f"#![{ITEM}]\n//! Docs.\n#![allow(dead_code)]\n",
        (ITEM,),
    )
    text, _ = probed(b"#!/usr/bin/env run\n//! Docs.\n")
    assert text.startswith("#!/usr/bin/env run\n#![")


def test_what_is_no_whole_code_has_one_in_front():
    assert probed(b"impl Thing {\n")[0] == f"#[{ITEM}] impl Thing {{\n"
    inside = probed(b"        a();\n        b();\n", before=b"fn f() {\n", behind=b"}\n")
    assert inside[0].startswith(f"        #[{ITEM}] a();")


@pytest.mark.usefixtures("toolchain")
def test_the_compiler_names_both(tmp_path):
    old = FUNCTION.replace(b"a + 2", b"a + 1")
    for code, expected in ((FUNCTION, True), (b"#[cfg(any())]\n" + FUNCTION, False)):
        text, names = with_probes(code, 0, len(code), old)
        file = tmp_path / "lib.rs"
        file.write_bytes(text)
        done = subprocess.run(
            ["rustc", "--crate-type=lib", "--emit=metadata", "-o", tmp_path / "x", file],
            capture_output=True,
            check=False,
            text=True,
        )
        assert [name in done.stderr for name in names] == [expected] * len(names)
