"""Hunks: what differs between two versions, by whole lines."""

from hypothesis import given, settings
from hypothesis import strategies as st

from rsidx.indexer.rust.hunks import Hunk, hunks
from tests.conftest import EXAMPLES

LINES = st.lists(
    st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n", b"\r\n", b"d", b"e\r"]), max_size=14
)


@settings(max_examples=250 * EXAMPLES)
@given(LINES, LINES)
def test_hunks_turn_the_old_version_into_the_new_one(old_lines, new_lines):
    old, new = b"".join(old_lines), b"".join(new_lines)
    found = hunks(old, new)
    parts, position = [], 0
    for hunk in found:
        assert position <= hunk.start <= hunk.old_end
        parts += [old[position : hunk.start], new[hunk.new_start : hunk.new_end]]
        assert len(b"".join(parts)) == hunk.new_end
        position = hunk.old_end
    assert b"".join(parts) + old[position:] == new


@given(LINES, LINES)
def test_hunks_begin_at_the_start_of_a_line(old_lines, new_lines):
    old, new = b"".join(old_lines), b"".join(new_lines)
    for hunk in hunks(old, new):
        assert not hunk.start or old[: hunk.start].endswith(b"\n")
        assert not hunk.new_start or new[: hunk.new_start].endswith(b"\n")
        for text, end in ((old, hunk.old_end), (new, hunk.new_end)):
            assert end == len(text) or not end or text[:end].endswith(b"\n")


def test_changes_far_apart_are_hunks_of_their_own():
    old = b"".join(b"line %d\n" % n for n in range(1000))
    new = old.replace(b"line 7\n", b"seven\n").replace(b"line 900\n", b"")
    [first, second] = hunks(old, new)
    assert old[first.start : first.old_end] == b"line 7\n"
    assert new[first.new_start : first.new_end] == b"seven\n"
    assert (old[second.start : second.old_end], second.new_end - second.new_start) == (
        b"line 900\n", 0,
    )  # fmt: skip


def test_lines_that_changed_places_are_one_that_went_and_one_that_came():
    old, new = b"a\nb\nc\nd\n", b"b\nc\nd\na\n"
    assert hunks(old, new) == [Hunk(0, 2, 0, 0), Hunk(8, 8, 6, 8)]


def test_equal_versions_have_none():
    assert hunks(b"a\nb", b"a\nb") == []
