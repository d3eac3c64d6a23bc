"""Splitting long edits."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsidx.exporters.edits.splitting import UnsplittableError, split


def breaks_of(text):
    """A break at every line, deeper where it is indented."""
    found, offset = [], 0
    for line in text.splitlines(keepends=True):
        if offset:
            found.append((offset, (len(line) - len(line.lstrip(b" "))) // 4))
        offset += len(line)
    return found


def rebuilt(old, new, parts):
    """The new text, made of the old by putting each part in its place."""
    out, position = b"", 0
    for part in sorted(parts, key=lambda p: (p.old_start, p.new_start)):
        out += old[position : part.old_start] + new[part.new_start : part.new_end]
        position = part.old_end
    return out + old[position:]


LINES = st.lists(
    st.sampled_from([b"a;\n", b"    bb;\n", b"        ccc;\n", b"}\n", "é;\n".encode(), b"d\n"]),
    max_size=60,
).map(b"".join)


@given(LINES, LINES, st.integers(14, 80))
def test_the_parts_in_their_places_make_the_new_text_and_hold_the_limit(old, new, max_chars):
    parts = split(old, new, breaks_of(old), breaks_of(new), max_chars=max_chars)
    assert rebuilt(old, new, parts) == new
    for part in parts:
        assert len(old[part.old_start : part.old_end].decode()) <= max_chars
        assert len(new[part.new_start : part.new_end].decode()) <= max_chars
        assert part.lead_start <= part.new_start


def test_a_short_edit_is_one_part():
    [part] = split(b"old", b"new", [], [], max_chars=10)
    assert (part.old_end, part.new_end) == (3, 3)


def test_a_small_change_in_long_code_is_one_part_with_its_neighbours():
    lines = [f"    let v{n} = {n};\n".encode() for n in range(300)]
    old = b"".join(lines)
    lines[150] = b"    let changed = 1;\n"
    new = b"".join(lines)
    [part] = split(old, new, breaks_of(old), breaks_of(new), max_chars=500)
    shown = new[part.new_start : part.new_end]
    assert b"changed" in shown
    assert b"v149" in shown
    assert b"v151" in shown
    assert 400 < len(shown) <= 500


def test_new_code_is_cut_where_it_is_shallow_and_led_up_to():
    block = b"    if x {\n        a();\n        b();\n    }\n"
    new = block * 40
    parts = split(b"", new, [], breaks_of(new), max_chars=400)
    assert len(parts) > 3
    for before, part in itertools.pairwise(parts):
        assert new[part.new_start :].startswith(b"    if x {")
        assert before.new_end == part.new_start
        assert 0 < part.new_start - part.lead_start <= 100


def test_one_line_over_the_limit_cannot_be_split():
    with pytest.raises(UnsplittableError):
        split(b"", b"x" * 500 + b"\n", [], [], max_chars=100)
