"""Splitting long edits."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from rsidx.exporters.edits.splitting import split, windows
from rsidx.store.records import IN_STATEMENT


def breaks_of(text):
    """A break at every line, deeper where it is indented."""
    found, offset = [], 0
    for line in text.splitlines(keepends=True):
        if offset and line.strip() != b"}":
            found.append((offset, (len(line) - len(line.lstrip(b" "))) // 4))
        offset += len(line)
    return found


def parts_of(old, new, max_chars, max_new_chars=None):
    breaks = breaks_of(old), breaks_of(new)
    return split(old, new, *breaks, max_chars=max_chars, max_new_chars=max_new_chars)


def rebuilt(old, new, parts):
    """The new text, made of the old by putting each part in its place."""
    out, position = b"", 0
    for part in sorted(parts, key=lambda p: (p.old_start, p.new_start)):
        out += old[position : part.old_start] + new[part.new_start : part.new_end]
        position = part.old_end
    return out + old[position:]


LINES = st.lists(
    st.sampled_from(
        [b"a;\n", b"    bb;\n", b"        ccc;\n", b"}\n", "é;\n".encode(), b"d\n", b"    if x {\n"]
    ),
    max_size=60,
).map(b"".join)


@given(LINES, LINES, st.integers(20, 80))
def test_the_parts_in_their_places_make_the_new_text_and_hold_the_limit(old, new, max_chars):
    parts, n_too_long = parts_of(old, new, max_chars)
    assert n_too_long or rebuilt(old, new, parts) == new
    for part in parts:
        assert len(old[part.old_start : part.old_end].decode()) <= max_chars
        assert len(new[part.new_start : part.new_end].decode()) <= max_chars
        assert part.lead_start <= part.new_start


@given(LINES, LINES, LINES, st.integers(20, 80))
def test_where_the_old_code_is_cut_does_not_depend_on_the_new_code(old, new, other, max_chars):
    cuts = {(window.start, window.end) for window in windows(old, breaks_of(old), max_chars)}
    for after in (new, other):
        parts, _ = parts_of(old, after, max_chars)
        shown = {(part.old_start, part.old_end) for part in parts}
        assert {place for place in shown if place[0] < place[1]} <= cuts


@given(LINES, st.integers(20, 80))
def test_windows_are_all_of_a_text_and_fit_or_cannot_be_cut(text, max_chars):
    found = windows(text, breaks_of(text), max_chars)
    assert b"".join(text[window.start : window.end] for window in found) == text
    starts = {0, len(text), *(at for at, _ in breaks_of(text))}
    for window in found:
        assert {window.start, window.end} <= starts
        assert window.fits == (len(text[window.start : window.end].decode()) <= max_chars)


def test_a_short_edit_is_one_part():
    [part], _ = split(b"old", b"new", [], [], max_chars=10)
    assert (part.old_end, part.new_end) == (3, 3)


def statements(n, **changed):
    lines = [f"    let v{number} = compute({number});\n" for number in range(n)]
    for name, line in changed.items():
        lines[int(name.removeprefix("v"))] = line
    return ("fn long() {\n" + "".join(lines) + "}\n").encode()


def test_windows_are_about_equally_long():
    text = statements(41)
    sizes = [window.end - window.start for window in windows(text, breaks_of(text), 1000)]
    assert len(sizes) == 2
    assert max(sizes) - min(sizes) < 60


def test_a_small_change_in_long_code_is_the_window_that_it_is_in():
    old, new = statements(300), statements(300, v150="    let changed = 1;\n")
    [part], _ = parts_of(old, new, 500)
    shown = new[part.new_start : part.new_end]
    assert b"changed" in shown
    assert old[part.old_start : part.old_end].count(b"\n") == shown.count(b"\n") > 8
    assert (part.old_start, part.old_end) in {
        (window.start, window.end) for window in windows(old, breaks_of(old), 500)
    }


def test_what_is_added_or_removed_in_one_window_moves_no_other():
    removed = dict.fromkeys((f"v{number}" for number in range(30, 34)), "")
    added = {"v200": "    a();\n" * 5, "v290": "    let changed = 1;\n"}
    old, new = statements(300), statements(300, **removed, **added)
    parts, _ = parts_of(old, new, 1000)
    assert len(parts) == 3
    assert rebuilt(old, new, parts) == new


def test_code_that_is_indented_and_renamed_is_cut_where_the_old_code_is():
    body = [f"    let v{number} = compute({number});\n" for number in range(60)]
    old = "fn long() {\n" + "".join(body) + "}\n"
    inside = "".join(f"    {line.replace('compute', 'calculate')}" for line in body)
    new = "fn long() {\n    if x {\n" + inside + "    }\n}\n"
    parts, _ = parts_of(old.encode(), new.encode(), 600, 900)
    assert len(parts) == 3
    for part in parts:
        shown = new[part.new_start : part.new_end]
        for line in old[part.old_start : part.old_end].splitlines()[1:-1]:
            assert line.replace("compute", "calculate") in shown


def test_code_is_not_cut_right_behind_an_opening_bracket():
    block = (
        "    match x {{\n        {} => {{\n" + "            step();\n" * 5 + "        }}\n    }}\n"
    )
    text = ("fn f() {\n" + "".join(block.format(n) for n in range(30)) + "}\n").encode()
    for max_chars in range(200, 320, 7):
        for window in windows(text, breaks_of(text), max_chars):
            assert not text[window.start : window.end].rstrip().endswith(b"{")


def test_new_code_is_cut_where_it_is_shallow_and_led_up_to_by_whole_statements():
    block = b"    if x {\n        a();\n        b();\n    }\n"
    new = block * 40
    parts, _ = parts_of(b"", new, 400)
    assert len(parts) > 3
    for before, part in itertools.pairwise(parts):
        assert new[part.new_start :].startswith(b"    if x {")
        assert before.new_end == part.new_start
        assert 0 < part.new_start - part.lead_start <= 100
        assert new[part.lead_start - 1 : part.lead_start] == b"\n"


def test_code_that_outgrows_its_window_goes_on_in_parts_without_old_code():
    old = statements(10)
    new = statements(10, v5="".join(f"    let w{n} = compute({n});\n" for n in range(100)))
    parts, _ = parts_of(old, new, 1000)
    assert len(parts) == 3
    assert (parts[0].old_start, parts[0].old_end) == (0, len(old))
    assert all(part.old_start == part.old_end == len(old) for part in parts[1:])
    assert all(part.lead_start < part.new_start for part in parts[1:])
    assert rebuilt(old, new, parts) == new


def test_a_statement_that_is_too_long_is_cut_between_the_elements_of_its_list_alone():
    elements = "".join(f"        element_{n},\n" for n in range(40))
    text = f"fn f() {{\n    before();\n    let t = [\n{elements}    ];\n    after();\n}}\n".encode()
    breaks = [(at, d + IN_STATEMENT if d == 2 else d) for at, d in breaks_of(text) if d]
    cut = {text[w.start :].split(b"\n")[0].strip() for w in windows(text, breaks, 300)}
    assert {line for line in cut if not line.startswith(b"element")} == {b"fn f() {"}
    long = [window for window in windows(text, breaks, 1000) if window.start]
    assert long == []


def test_what_cannot_be_cut_is_counted_and_the_rest_is_there():
    long = b"    call(" + b"x" * 500 + b");\n"
    old = b"fn f() {\n" + b"    a();\n" * 9 + long + b"    b();\n" * 9 + b"}\n"
    new = old.replace(b"    a();\n}", b"}").replace(b"b();", b"c();").replace(b"xx", b"yy")
    parts, n_too_long = parts_of(old, new, 100)
    assert n_too_long == 1
    assert len(parts) == 1
    assert b"c();" in new[parts[0].new_start : parts[0].new_end]
    assert b"yy" not in new[parts[0].new_start : parts[0].new_end]


def test_old_code_has_no_answer_that_stops_before_what_cannot_be_cut():
    old = b"fn f() {\n    a();\n}\n"
    new = b"fn f() {\n" + b"    b();\n" * 9 + b"    call(" + b"x" * 500 + b")\n}\n"
    assert parts_of(old, new, 100) == ([], 1)
