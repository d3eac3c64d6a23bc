"""An edit as blocks: put into the old code, they give the new code."""

import random

import pytest

from rsidx.blocks import with_blocks
from rsidx.exporters.examples.blocks import blocks_for

LINES = ("    a();\n", "    b();\n", "}\n", "\n", "    {\n", "    // größe\n", "x\r\n")


def test_blocks_give_the_new_code_of_any_old_code():
    draw = random.Random(11)
    n_expressed = 0
    for _ in range(3000):
        old = draw.choices(LINES, k=draw.randrange(1, 25))
        new = list(old)
        for _ in range(draw.randrange(1, 6)):
            at = draw.randrange(len(new) + 1)
            new[at : at + draw.randrange(4)] = draw.choices(LINES, k=draw.randrange(4))
        before, after = "".join(old), "".join(new)
        found = blocks_for(before, after)
        assert (found is None) == (before == after)
        if found is not None:
            assert with_blocks(before.encode(), found.encode()) == after.encode(), (before, after)
            n_expressed += 1
    assert n_expressed > 2500


def test_a_block_has_as_few_lines_as_tell_its_place():
    old = "fn f() {\n    a();\n    b();\n    a();\n    c();\n}\n"
    assert blocks_for(old, old.replace("    b", "    x")) == (
        "<<<<<<< SEARCH\n    b();\n=======\n    x();\n>>>>>>> REPLACE\n"
    )
    assert blocks_for(old, old.replace("    a();\n    c", "    d();\n    c")) == (
        "<<<<<<< SEARCH\n    b();\n    a();\n=======\n    b();\n    d();\n>>>>>>> REPLACE\n"
    )


def test_what_is_changed_close_by_is_one_block_and_what_is_far_is_another():
    far = "".join(f"    let x{n} = long_enough({n});\n" for n in range(9))
    old = f"fn f() {{\n    a();\n{far}    b();\n    c();\n    d();\n}}\n"
    new = old.replace("a()", "x()").replace("b()", "y()").replace("d()", "z()")
    found = blocks_for(old, new)
    assert found.count("=======") == 2
    assert "    y();\n    c();\n    z();\n" in found
    assert with_blocks(old.encode(), found.encode()).decode() == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "fn f() {}\n"),
        ("fn f() {}\n", "fn f() {}\n"),
        ("fn f() {}", "fn g() {}\n"),
        ("fn f() {}\n", "fn g() {}"),
        ("/*\n=======\n*/\n", "/*\n*/\n"),
        ("/*\n*/\n", "/*\n>>>>>>> REPLACE\n*/\n"),
    ],
)
def test_what_blocks_cannot_say(old, new):
    assert blocks_for(old, new) is None


def test_very_many_changes_are_not_told_apart():
    for n_changes in (100, 101):
        old = "".join(f"    same();\n    own{n}();\n" for n in range(n_changes))
        new = old.replace("same", "other")
        found = blocks_for(old, new)
        assert (found is None) == (n_changes > 100)
        assert found is None or with_blocks(old.encode(), found.encode()).decode() == new


def test_all_lines_may_go():
    found = blocks_for("a\nb\n", "")
    assert with_blocks(b"a\nb\n", found.encode()) == b""
