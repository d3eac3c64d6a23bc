"""The edits of a commit: what is paired with what."""

import pytest

from rsidx.exporters.edits.pairing import commit_edits, same_tokens
from rsidx.store import queries
from rsidx.store.reader import Reader


@pytest.fixture
def edits_of(repo, index):
    def read(max_bytes=4000):
        index.sync()
        with index.database.reading() as connection:
            reader = Reader(connection, queries.repository_id(connection, None))
            newest = reader.commits()[-1]
            found = commit_edits(reader, reader.changes(newest.id), max_bytes=max_bytes)

            def text(side):
                return side and b"".join(reader.text(c.id) for c in side.chunks).decode()

            return [
                (e.change, e.kind, e.name, text(e.old), text(e.new)) for e in found.edits
            ], dict(found.dropped)

    repo.commit("base", {"a.rs": BASE})
    return read


BASE = """\
use std::fmt;

pub fn first() { one(); }

pub fn second() {
    let a = compute(1);
    let b = compute(2);
    finish(a, b);
}

impl Thing {
    fn member(&self) { self.go(); }
}
"""


def test_a_changed_function_is_one_edit(repo, edits_of):
    repo.commit("two", {"a.rs": BASE.replace("one()", "two()")})
    assert edits_of() == (
        [("modify", "fn", "first", "\npub fn first() { one(); }\n",
          "\npub fn first() { two(); }\n")],
        {},
    )  # fmt: skip


def test_a_renamed_function_is_paired_by_its_text(repo, edits_of):
    repo.commit("two", {"a.rs": BASE.replace("second", "renamed")})
    [(change, _, name, old, _)], _ = edits_of()
    assert (change, name) == ("modify", "renamed")
    assert "fn second" in old


def test_moved_code_is_no_edit_within_a_file_or_across_files(repo, edits_of):
    second = BASE[BASE.index("\npub fn second") : BASE.index("\nimpl")]
    repo.commit("two", {"a.rs": second + BASE.replace(second, "")})
    found, dropped = edits_of()
    assert [e for e in found if e[2] == "second"] == []
    repo.commit("three", {"a.rs": BASE.replace(second, ""), "b.rs": second})
    found, dropped = edits_of()
    assert found == []
    assert dropped == {"moved_unchanged": 1}


def test_code_that_moved_and_changed_is_a_move(repo, edits_of):
    second = BASE[BASE.index("\npub fn second") : BASE.index("\nimpl")]
    changed = second.replace("compute(2)", "compute(3)")
    repo.commit("two", {"a.rs": BASE.replace(second, ""), "b.rs": changed})
    [(change, _, name, old, new)], _ = edits_of()
    assert (change, name) == ("move", "second")
    assert "compute(2)" in old
    assert "compute(3)" in new


def test_a_new_impl_is_one_edit_and_a_large_one_comes_by_member(repo, edits_of):
    impl = "\nimpl New {\n    fn a(&self) {}\n\n    fn b(&self) {}\n}\n"
    repo.commit("two", {"a.rs": BASE + impl})
    assert edits_of() == ([("add", "impl", "New", None, impl)], {})
    found, dropped = edits_of(max_bytes=30)
    assert [e[:3] for e in found] == [
        ("add", "impl_header", "New"), ("add", "fn", "a"), ("add", "fn", "b"),
    ]  # fmt: skip
    assert dropped == {"container_footer": 1}


def test_methods_of_one_name_are_told_apart_by_their_impl(repo, edits_of):
    two = "impl A {\n    fn f(&self) { a(); }\n}\nimpl B {\n    fn f(&self) { b(); }\n}\n"
    repo.commit("two", {"a.rs": two})
    repo.commit("three", {"a.rs": two.replace("b()", "c()")})
    [(change, _, name, old, _)], _ = edits_of()
    assert (change, name, old) == ("modify", "f", "    fn f(&self) { b(); }\n")


def test_a_deleted_function_is_a_deletion(repo, edits_of):
    repo.commit("two", {"a.rs": BASE.replace("pub fn first() { one(); }\n", "")})
    found, _ = edits_of()
    assert [e[:3] for e in found] == [("delete", "fn", "first")]


def test_what_is_paired_does_not_depend_on_which_path_was_met_first(repo, make_index):
    one, two = "fn same() {\n    one();\n}\n", "fn same() {\n    two();\n}\n"
    repo.commit("start", {"Cargo.toml": ""})
    for branch, names in (("forwards", "ab"), ("backwards", "ba")):
        repo.git("checkout", "-q", "-b", branch, "main")
        for name in names:
            repo.commit(name, {f"{name}.rs": one if name == "a" else two})
    new = "fn same() {\n    other();\n}\n"
    moved = {"a.rs": "", "b.rs": "", "c.rs": new, "d.rs": new.replace("other", "another")}
    newest = repo.commit("move", moved)
    found = []
    for branches in (("forwards", "backwards"), ("backwards", "forwards")):
        index = make_index(repo, f"{branches[0]}.db")
        for branch in branches:
            index.sync(branch)
        with index.database.reading() as connection:
            reader = Reader(connection, queries.repository_id(connection, None))
            commit = next(c for c in reader.commits() if c.oid.hex() == newest)
            edits = commit_edits(reader, reader.changes(commit.id), max_bytes=4000).edits
            found.append([(reader.path(e.old.path_id), reader.path(e.new.path_id)) for e in edits])
    assert found == [[(b"a.rs", b"c.rs"), (b"b.rs", b"d.rs")]] * 2


def test_a_file_that_could_not_be_parsed_is_counted(repo, edits_of):
    repo.commit("two", {"bad.rs": b"\xff\xfe"})
    assert edits_of() == ([], {"unparsed_blob": 1})


def test_white_space_and_trailing_commas_are_no_change_of_tokens():
    assert same_tokens(b"f(a, b)", b"f(\n    a,\n    b,\n)")
    assert not same_tokens(b"f(a, b)", b"f(a, c)")
