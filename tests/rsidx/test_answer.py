"""What of a model's answer is code: one rule, and nothing is guessed."""

import pytest

from rsidx.answer import END_TOKENS, fence_for, read_answer
from rsidx.exporters.rendering import encoder
from rsidx.exporters.rendering.families import FAMILIES

CODE = b"fn a() {\n    b()\n}\n"


@pytest.mark.parametrize(
    "text",
    [
        CODE,
        CODE + b"<|endoftext|>",
        CODE + b"</s> <|im_end|>\n\n",
        b"```rust\n" + CODE + b"```",
        b"\n```\n" + CODE + b"```\n\n",
        b"```rust\n" + CODE + b"```\n<|endoftext|>\n",
        b"```rust\n" + CODE,
        CODE + b"```\n",
        b"   ```rust\r\n" + CODE + b"```<|eot_id|>",
    ],
)
def test_end_tokens_and_a_fence_are_left_out(text):
    assert read_answer(text).code == CODE


@pytest.mark.parametrize(
    "text",
    [
        b"Here it is:\n```rust\n" + CODE + b"```\n",
        b"/// ```\n/// a();\n/// ```\n" + CODE,
        b'fn a() -> &str { "</s>" }\n',
        CODE + b"<|endoftext|>\nfn b() {}\n",
        b"```\n" + CODE + b"```\nand\n```\n" + CODE + b"```",
        CODE + b"```rust\n",
        b"```rust\n/*!\n```\na();\n```\n*/\n" + CODE + b"```",
        b"  \n",
        b"",
    ],
)
def test_anything_else_is_code(text):
    found = read_answer(text)
    assert (found.code, found.left_out) == (text, ())


DOCUMENTED = b"/*!\n```\na();\n```\n*/\nfn a() {}\n"


def test_a_longer_fence_may_have_shorter_ones_in_it():
    for answer in (
        b"````rust\n" + DOCUMENTED + b"````",
        b"````\n" + DOCUMENTED,
        DOCUMENTED + b"````\n",
    ):
        assert read_answer(answer).code == DOCUMENTED


@pytest.mark.parametrize("code", [CODE, DOCUMENTED, b"\n\n    ````\n`````x\n\r\n", b"\n", b"}\n\n"])
def test_code_in_one_fence_is_read_as_it_was(code):
    fence = fence_for(code.decode())
    answer = f"{fence}rust\n{code.decode()}{fence}"
    assert read_answer(answer.encode()).code == code
    assert answer.strip() == answer


def test_a_fence_is_longer_than_all_that_lines_begin_with():
    assert fence_for("a ```` b", "x\n  ```\n") == "````"
    assert fence_for() == fence_for("``\n") == "```"


def test_the_first_line_keeps_its_blanks_behind_a_fence_that_only_closes():
    assert read_answer(b"    fn a() {}\n```\n").code == b"    fn a() {}\n"


def test_a_fence_alone_is_no_code():
    for text in (b"```", b"```rust\n", b"```\n```"):
        assert read_answer(text).code == b""


def test_what_is_left_out_is_said():
    assert read_answer(b"fn a() {}\n```").left_out == ("a line of ```",)
    found = read_answer(b"```\nx\n```<|im_end|>\n</s>")
    assert found.left_out == ("the end token <|im_end|>", "the lines of ```")


def test_code_for_a_hole_keeps_its_blanks():
    assert read_answer(b"  x +\n    <file_sep>").code == b"  x +\n    "


def test_what_rows_end_with_is_known():
    endings = {family.fim.ending.lstrip("\u2581") for family in FAMILIES if family.fim is not None}
    assert {*encoder._END_TOKENS, *endings} - {""} <= set(END_TOKENS)


def test_long_runs_of_end_tokens_take_time_that_follows_their_length():
    # Were each looked at from its own place, this would take minutes.
    assert read_answer(b"</s> " * 400_000).code == b""
