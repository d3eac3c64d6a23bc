"""Differences are difflib's as long as they cost little, and cost little in any case."""

import difflib
import random

from rsidx.exporters.edits.diff import opcodes, unified


def applied(old, new, codes):
    made = []
    for tag, i1, i2, j1, j2 in codes:
        made += old[i1:i2] if tag == "equal" else new[j1:j2]
    return made


def test_differences_are_those_of_difflib():
    rng = random.Random(1)
    for _ in range(300):
        old = [rng.choice("abcdef") for _ in range(rng.randrange(30))]
        new = [one for one in old if rng.random() < 0.8] + [rng.choice("abx")]
        matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
        assert opcodes(old, new) == matcher.get_opcodes()
        lines = list(difflib.unified_diff(old, new, lineterm="", n=3))[2:]
        assert list(unified(old, new)) == lines


def test_a_line_of_dashes_is_in_the_diff():
    assert list(unified(["-- a"], ["++ b"])) == ["@@ -1 +1 @@", "--- a", "+++ b"]


def test_many_lines_that_are_alike_do_not_keep_it_busy():
    old = ["first", *["same"] * 50_000, "x", *["same"] * 50_000, "last"]
    new = ["first", *["same", "other"] * 50_000, "last"]
    codes = opcodes(old, new)
    assert applied(old, new, codes) == new
    assert codes[0] == ("equal", 0, 2, 0, 2)
    assert codes[-1][0] == "equal"
