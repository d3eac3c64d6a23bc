"""Items of a new file that stand next to each other are one edit."""

from rsidx.exporters.edits.pairing import commit_edits
from rsidx.store import queries
from rsidx.store.reader import Reader
from tests.exporters.edits.base import BASE

NEW_ITEMS = (
    ("imports", "", "use std::io;\n"),
    ("fn", "third", "\npub fn third() { three(); }\n"),
    ("impl", "Other", "\nimpl Other {\n    fn member(&self) { self.come(); }\n}\n"),
    ("struct", "Other", "\nstruct Other;\n"),
)
NEW_FILE = "".join(text for _, _, text in NEW_ITEMS)


def additions(found):
    edits, _ = found
    return [(kind, name, new) for change, kind, name, _, new in edits if change == "add"]


def test_a_new_file_that_fits_is_one_edit_of_its_items(repo, edits_of):
    repo.commit("two", {"b.rs": NEW_FILE, "c.rs": "fn alone() {}\n"})
    assert edits_of(new_file_bytes=len(NEW_FILE)) == (
        [("add", "items", "", None, NEW_FILE), ("add", "fn", "alone", None, "fn alone() {}\n")],
        {},
    )


def test_an_impl_alone_and_items_behind_one_are_told_apart(repo, edits_of):
    impl, struct = (text.lstrip() for _, _, text in NEW_ITEMS[2:])
    repo.commit("two", {"b.rs": impl, "c.rs": f"{impl}\n{struct}"})
    assert additions(edits_of(new_file_bytes=4000)) == [
        ("impl", "Other", impl), ("items", "", f"{impl}\n{struct}"),
    ]  # fmt: skip


def test_a_longer_new_file_comes_in_pieces_in_its_order(repo, edits_of):
    repo.commit("two", {"b.rs": NEW_FILE})
    imports, third, impl, struct = (text for _, _, text in NEW_ITEMS)
    most = len(third + impl)
    assert most < len(imports + third + impl)
    assert additions(edits_of(new_file_bytes=most)) == [
        ("items", "", imports + third), ("items", "", impl + struct),
    ]  # fmt: skip
    assert additions(edits_of(new_file_bytes=most - len(struct))) == [
        ("items", "", imports + third), NEW_ITEMS[2], NEW_ITEMS[3],
    ]  # fmt: skip


def test_an_item_of_a_new_file_that_is_longer_than_the_limit_is_an_edit(repo, edits_of):
    repo.commit("two", {"b.rs": NEW_FILE})
    assert additions(edits_of(new_file_bytes=10)) == list(NEW_ITEMS)


def test_items_of_a_file_that_was_there_before_are_edits_one_by_one(repo, edits_of):
    repo.commit("two", {"a.rs": BASE + "".join(text for _, _, text in NEW_ITEMS[1:])})
    assert additions(edits_of(new_file_bytes=4000)) == list(NEW_ITEMS[1:])


def test_what_came_from_elsewhere_stands_between_two_edits_of_a_new_file(repo, edits_of):
    second = BASE[BASE.index("\npub fn second") : BASE.index("\nimpl")]
    imports, third, impl, struct = (text for _, _, text in NEW_ITEMS)
    for moved, said in (
        (second, {"moved_unchanged": 1}), (second.replace("compute(2)", "compute(3)"), {}),
    ):  # fmt: skip
        new = imports + third + moved + impl + struct
        repo.commit("two", {"a.rs": BASE.replace(second, ""), "b.rs": new})
        found = edits_of(new_file_bytes=4000)
        assert additions(found) == [
            ("items", "", imports + third), ("items", "", impl + struct),
        ]  # fmt: skip
        assert [e[:3] for e in found[0] if e[0] != "add"] == [("move", "fn", "second")] * (not said)
        assert found[1] == said
        repo.commit("back", {"a.rs": BASE, "b.rs": None})


def test_an_item_with_a_syntax_error_stays_apart_in_a_new_file(repo, edits_of):
    broken = "\npub fn broken(x: u8) -> u8 {\n    let y = x +;\n    y\n}\n"
    imports, third, impl, struct = (text for _, _, text in NEW_ITEMS)
    repo.commit("two", {"b.rs": imports + third + broken + impl + struct})
    assert additions(edits_of(new_file_bytes=4000)) == [
        ("items", "", imports + third), ("fn", "broken", broken), ("items", "", impl + struct),
    ]  # fmt: skip


def test_without_a_limit_items_of_a_new_file_are_edits_one_by_one(repo, index, edits_of):
    repo.commit("two", {"b.rs": NEW_FILE})
    assert additions(edits_of()) == list(NEW_ITEMS)
    with index.database.reading() as connection:
        reader = Reader(connection, queries.repository_id(connection, None))
        found = commit_edits(reader, reader.changes(reader.commits()[-1].id)).edits
    assert [(e.kind, e.name) for e in found] == [item[:2] for item in NEW_ITEMS]
