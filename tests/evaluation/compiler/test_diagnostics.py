"""What cargo says is read: errors with class, phase and place, and what was compiled."""

import json

import pytest

from rsidx.evaluation.compiler.diagnostics import Diagnostic, first_of, read_messages
from rsidx.evaluation.compiler.error_codes import CLASSES, PHASES, class_of, phase_of


def span(path, start, end, expansion=None, *, is_primary=True):
    return {
        "file_name": path, "byte_start": start, "byte_end": end, "is_primary": is_primary,
        "expansion": {"span": expansion} if expansion else None,
    }  # fmt: skip


def error(text, *spans, code="E0308", level="error"):
    message = {"message": text, "level": level, "code": {"code": code}, "spans": spans}
    return {"reason": "compiler-message", "manifest_path": "/t/a/Cargo.toml", "message": message}


def output(*messages):
    lines = [json.dumps(message) for message in messages]
    return "\n".join(["what a build script says", *lines, "{broken"]).encode()


def test_errors_are_read_once_and_warnings_and_summaries_are_not():
    found = read_messages(
        output(
            error("mismatched types", span("src/lib.rs", 3, 4)),
            error("mismatched types", span("src/lib.rs", 3, 4)),
            error("unused", span("src/lib.rs", 3, 4), level="warning"),
            error("aborting due to 1 previous error", code=""),
            {"reason": "build-finished", "success": False},
        ),
        "/t",
        "a",
    )
    assert found.errors == (Diagnostic("E0308", "mismatched types", (("a/src/lib.rs", 3, 4),)),)
    assert found.is_complete
    assert found.manifests == {"a/Cargo.toml"}


def test_only_what_was_compiled_anew_counts_as_compiled():
    artifact = {"reason": "compiler-artifact", "manifest_path": "/t/Cargo.toml"}
    assert not read_messages(output(artifact | {"fresh": True}), "/t", "").manifests
    found = read_messages(output(artifact | {"fresh": False}), "/t", "")
    assert (found.manifests, found.is_complete) == ({"Cargo.toml"}, False)


def test_an_error_in_a_macro_is_where_the_macro_is_called_too():
    inner = span("/rust/std/macros.rs", 1, 2, span("src/lib.rs", 30, 40, is_primary=False))
    [one] = read_messages(output(error("mismatched types", inner)), "/t", "").errors
    assert one.spans == (("/rust/std/macros.rs", 1, 2), ("src/lib.rs", 30, 40))
    assert one.where("src/lib.rs", 35, 50) == "edit"
    assert one.where("src/lib.rs", 41, 50) == "file"
    assert one.where("src/main.rs", 35, 50) == "other_file"


def test_the_error_that_counts_is_of_the_earliest_phase_and_nearest_to_the_edit():
    borrowed = Diagnostic("E0499", "twice", (("a.rs", 5, 6),))
    far, near = (Diagnostic("E0308", "types", ((path, 5, 6),)) for path in ("b.rs", "a.rs"))
    assert first_of((borrowed, far), "a.rs", 0, 9) is far
    assert first_of((far, near), "a.rs", 0, 9) is near
    lost = Diagnostic("", "linking failed", ())
    assert lost.where("a.rs", 0, 9) == "other_file"


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("", "expected one of `;` or `}`, found `x`", "syntax"),
        ("", "this file contains an unclosed delimiter", "syntax"),
        ("", "cannot find macro `m` in this scope", "macros"),
        ("", "no rules expected the token `x`", "macros"),
        ("", "expected derive macro, found struct `S`", "macros"),
        ("", "lifetime may not live long enough", "borrows"),
        ("", "couldn't read `/etc/hostname`: No such file", "other"),
        ("E0425", "", "names"),
        ("E0599", "", "members"),
        ("E0308", "", "types"),
        ("E0277", "", "traits"),
        ("E0505", "", "borrows"),
        ("E0080", "", "other"),
        ("unused_variables", "unused variable: `x`", "lints"),
        ("clippy::all", "", "lints"),
    ],
)
def test_an_error_has_a_class(code, message, expected):
    assert class_of(code, message) == expected


def test_every_class_has_a_phase():
    assert {phase_of(name) for name in CLASSES} == set(PHASES)
