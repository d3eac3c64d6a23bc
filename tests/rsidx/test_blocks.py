"""Search/replace blocks: read as they stand, and put only where there is no doubt."""

import pytest

from rsidx.blocks import are_blocks, block, with_blocks
from rsidx.errors import PlacementError

OLD = b"fn f() {\n    a();\n    b();\n    a();\n}\n"


def blocks(*pairs):
    return "".join(block(search, replacement) for search, replacement in pairs).encode()


@pytest.mark.parametrize(
    ("answer", "new"),
    [
        (blocks((["    b();\n"], ["    c();\n"])), OLD.replace(b"b", b"c")),
        (blocks((["    b();\n"], [])), OLD.replace(b"    b();\n", b"")),
        (blocks((["}\n"], ["    d();\n", "}\n"])), OLD.replace(b"}\n", b"    d();\n}\n")),
        (
            blocks((["}\n"], ["} // f\n"]), (["fn f() {\n"], ["fn g() {\n"])),
            OLD.replace(b"}\n", b"} // f\n").replace(b"f()", b"g()"),
        ),
        # Each block searches in the code as it was.
        (
            blocks((["    b();\n"], ["fn f() {\n"]), (["fn f() {\n"], ["fn g() {\n"])),
            b"fn g() {\n    a();\nfn f() {\n    a();\n}\n",
        ),
        (b"\n" + blocks((["    b();\n"], ["    c();\n"])) + b"\n\n", OLD.replace(b"b", b"c")),
        (OLD, OLD),
        (b"", b""),
    ],
)
def test_blocks_take_the_place_of_the_lines_that_they_search_for(answer, new):
    assert with_blocks(OLD, answer) == new


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (blocks((["    c();\n"], [])), "block 1 searches for what the code has nowhere: c();"),
        (blocks((["    a();\n"], [])), "block 1 searches for what the code has 2 times: a();"),
        (blocks((["   b();\n"], [])), "nowhere"),
        (blocks((["b();\n"], [])), "nowhere"),
        (blocks(([], ["    c();\n"])), "nowhere"),
        (blocks((["    b();\n"], []), (["    b();\n"], [])), "two blocks search for the same"),
        (blocks((["    b();\n"], [])) + b"That is all.\n", "something else between its blocks"),
        (b"<<<<<<< SEARCH\n    b();\n", "has no line ======="),
        (b"<<<<<<< SEARCH\n    b();\n=======\n    c();\n", "has no line >>>>>>> REPLACE"),
    ],
)
def test_what_has_no_one_place_is_refused(answer, says):
    with pytest.raises(PlacementError) as refused:
        with_blocks(OLD, answer)
    assert refused.value.outcome == "not_applied"
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_last_line_may_be_open_and_line_ends_stay_as_they_are():
    answer = blocks((["}\r\n"], ["    c();\r\n", "}\r\n"]))
    assert with_blocks(b"fn f() {\r\n}\r\n", answer) == b"fn f() {\r\n    c();\r\n}\r\n"
    assert with_blocks(b"a\nb", blocks((["b\n"], ["c\n"]))) == b"a\nc"


def test_only_what_begins_with_a_mark_is_blocks():
    assert are_blocks(b"\n<<<<<<< SEARCH\r\n")
    for code in (b"", b"fn f() {}\n<<<<<<< SEARCH\n", b"<<<<<<< HEAD\n", b"x <<<<<<< SEARCH\n"):
        assert not are_blocks(code)
