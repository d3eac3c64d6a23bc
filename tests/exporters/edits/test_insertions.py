"""Where new code comes into the old version of its file."""

import pytest

from rsidx.exporters.edits.pairing import commit_edits
from rsidx.store import queries
from rsidx.store.reader import Reader
from tests.exporters.edits.base import BASE


@pytest.fixture
def places(repo, index):
    """Return where the additions of the last commit come, as (name, path, chunk before it)."""

    def read():
        index.sync()
        with index.database.reading() as connection:
            reader = Reader(connection, queries.repository_id(connection, None))
            changes = reader.changes(reader.commits()[-1].id)
            edits = [e for e in commit_edits(reader, changes).edits if e.change == "add"]
            return [(e.name, *at(reader, e.place.insertion)) for e in edits]

    def at(reader, place):
        if place is None:
            return (None,)
        chunks = reader.chunks(place.blob_id)
        before = reader.text(chunks[place.position - 1].id) if place.position else b"START"
        return reader.path(place.path_id).decode(), before.strip().split(b"\n")[0].decode()

    repo.commit("base", {"a.rs": BASE})
    return read


def test_new_code_knows_behind_which_old_code_it_comes(repo, places):
    new = "fn new_code(x: u32) -> u32 { x + 1 }\n"
    method = "    fn new_method(&self) -> u32 { self.x + 1 }\n"
    for old, added, before in (
        ("use std::fmt;\n", f"{new}use std::fmt;\n", "START"),
        ("\npub fn second", f"\n{new}\npub fn second", "pub fn first() { one(); }"),
        ("    fn member", f"{method}\n    fn member", "impl Thing {"),
        ("self.go(); }\n", f"self.go(); }}\n\n{method}", "fn member(&self) { self.go(); }"),
        (BASE, f"{BASE}\n{new}", "}"),
    ):
        repo.commit("two", {"a.rs": BASE.replace(old, added)})
        assert [place[1:] for place in places()] == [("a.rs", before)], added
        repo.commit("back", {"a.rs": BASE})


def test_new_code_among_changed_code_comes_behind_what_is_paired(repo, places):
    new = "\nfn new_code(x: u32) -> u32 { x + 1 }\n"
    changed = BASE.replace("one()", "other()").replace("compute(2)", "compute(3)")
    repo.commit("two", {"a.rs": changed.replace("\nimpl Thing", f"{new}\nimpl<T> Thing")})
    assert places() == [("new_code", "a.rs", "pub fn second() {")]


def test_new_code_of_a_renamed_file_has_its_place_in_the_old_one(repo, places):
    new = "\nfn new_code(x: u32) -> u32 { x + 1 }\n"
    renamed = BASE.replace("\nimpl Thing", f"{new}\nimpl Thing")
    repo.commit("two", {"a.rs": None, "b.rs": renamed, "c.rs": "fn alone() {}\n"})
    assert places() == [("new_code", "a.rs", "pub fn second() {"), ("alone", None)]
