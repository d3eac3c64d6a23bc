"""Faults are planted into functions, each an error of its class to the compiler."""

import json
import subprocess

import pytest

from rsidx.evaluation.compiler.diagnostics import read_messages
from rsidx.evaluation.judging.planted import FAULTS, with_fault, with_other_body

FUNCTION = b"/// Docs.\npub fn f(x: u32) -> u32 {\n    #![allow(unused)]\n    x\n}\n"


@pytest.mark.usefixtures("toolchain")
@pytest.mark.parametrize("edition", ["2015", "2018", "2021", "2024"])
def test_the_compiler_finds_the_planted_error(tmp_path, edition):
    for name, (_, expected) in FAULTS.items():
        file = tmp_path / "lib.rs"
        file.write_bytes(with_fault(FUNCTION, name))
        done = subprocess.run(
            ["rustc", f"--edition={edition}", "--crate-type=lib", "--emit=metadata",
             "--error-format=json", "-o", tmp_path / "x", file],
            capture_output=True, check=False, text=True,
        )  # fmt: skip
        messages = [
            json.dumps({"reason": "compiler-message", "message": json.loads(line)})
            for line in done.stderr.splitlines()
        ]
        errors = read_messages("\n".join(messages).encode(), str(tmp_path), "").errors
        assert {one.error_class for one in errors} == {expected}, name


def test_only_a_function_with_a_body_has_a_fault():
    for code in (b"struct S;\n", b"fn f();\n", b"fn f() {", b"fn f() {}\nfn g() {}\n", b""):
        assert with_fault(code, "types") is None


def test_another_body_is_that_of_the_first_function_that_differs():
    others = [b"struct S;\n", b"fn a() {}\n", FUNCTION, b"fn b() { c() }\n"]
    assert (
        with_other_body(FUNCTION, iter(others)) == b"/// Docs.\npub fn f(x: u32) -> u32 { c() }\n"
    )
    assert with_other_body(FUNCTION, iter(others[:3])) is None
    assert with_other_body(b"struct S;\n", iter(others)) is None
