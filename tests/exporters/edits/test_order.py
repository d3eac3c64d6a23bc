"""The order in which a commit's edits are made."""

from hypothesis import given
from hypothesis import strategies as st

from rsidx.exporters.edits.edit import Edit, Place, Side
from rsidx.exporters.edits.order import in_order, used_first
from rsidx.store.records import ChunkRow

ITEMS = range(8)


@given(st.sets(st.tuples(st.sampled_from(ITEMS), st.sampled_from(ITEMS)), max_size=20))
def test_what_is_used_comes_first_unless_it_uses_that_itself(pairs):
    uses = {item: frozenset(b for a, b in pairs if a == item != b) for item in ITEMS}
    ordered = used_first(ITEMS, uses)
    assert sorted(ordered) == [*ITEMS]
    reached = {item: set(uses[item]) for item in ITEMS}
    for _ in ITEMS:
        for item in ITEMS:
            reached[item] |= {far for near in reached[item] for far in reached[near]}
    for item in ITEMS:
        for used in uses[item]:
            if item not in reached[used]:
                assert ordered.index(used) < ordered.index(item)
    assert used_first(ITEMS, {}) == (*ITEMS,)


def side(path_id, kind="fn"):
    return Side(path_id, path_id, 0, 0, (ChunkRow(1, kind, "", 1, 1),))


def edit(change, path_id, *, kind="fn", is_test=False):
    old = side(path_id, kind) if change in ("modify", "delete") else None
    new = Side(path_id, 10 + path_id, 0, 0, (ChunkRow(2, "fn", "", 1, 1),))
    place = Place(change, path_id, "", is_test, old)
    return Edit(place, kind, change, is_test, new if change != "delete" else None)


def test_definitions_come_before_what_changes_then_tests_then_imports():
    added, moved, changed = edit("add", 2), edit("move", 2), edit("modify", 1)
    gone, test, imports = (
        edit("delete", 1),
        edit("add", 1, is_test=True),
        edit("modify", 1, kind="imports"),
    )
    mixed = [imports, test, gone, changed, moved, added]
    ordered = in_order(mixed, lambda path_id: b"%d" % path_id, lambda one: one.is_test, {})
    assert ordered == (moved, added, changed, gone, test, imports)


def test_of_files_the_one_that_another_uses_comes_first():
    edits = [edit("modify", 1), edit("modify", 2), edit("modify", 3)]
    ordered = in_order(edits, lambda path_id: b"%d" % path_id, lambda _: False, {1: {3}})
    assert [one.path_id for one in ordered] == [3, 1, 2]


def test_the_order_does_not_look_at_new_code():
    edits = [edit("add", 1), edit("add", 2), edit("modify", 3)]
    others = [
        Edit(one.place, "struct", "Other", is_test=True, new=side(one.path_id, "imports"))
        for one in edits
    ]
    ordered, ordered_others = (
        in_order(some, lambda path_id: b"%d" % path_id, lambda one: one.place.is_test, {})
        for some in (edits, others)
    )
    assert [one.path_id for one in ordered] == [one.path_id for one in ordered_others]


def test_what_stays_as_it_is_comes_behind_all_others():
    place = Place("modify", 1, "", is_test=False, old=side(1))
    same = Edit(place, "fn", "same", is_test=False, new=side(1))
    test = edit("add", 2, is_test=True)
    ordered = in_order([same, test], lambda path_id: b"%d" % path_id, lambda e: e.is_test, {})
    assert ordered == (test, same)


def test_of_files_modules_come_before_their_parents_then_programs_then_examples():
    paths = [
        b"examples/a.rs", b"src/main.rs", b"src/bin/tool.rs", b"build.rs", b"src/lib.rs",
        b"src/m/mod.rs", b"src/m/a.rs", b"src/z.rs",
    ]  # fmt: skip
    edits = [edit("modify", path_id) for path_id in range(len(paths))]
    ordered = in_order(edits, paths.__getitem__, lambda _: False, {})
    assert [paths[one.path_id] for one in ordered] == [
        b"src/m/a.rs", b"src/z.rs", b"src/lib.rs", b"src/m/mod.rs", b"build.rs",
        b"src/bin/tool.rs", b"src/main.rs", b"examples/a.rs",
    ]  # fmt: skip


def test_what_one_uses_keeps_its_order():
    assert used_first(range(4), {0: (3, 1)}) == (1, 3, 0, 2)
