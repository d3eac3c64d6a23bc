"""The edits of a commit: what is paired with what."""

from rsidx.exporters.edits.pairing import commit_edits
from rsidx.exporters.edits.similarity import same_tokens
from rsidx.store import queries
from rsidx.store.reader import Reader
from tests.exporters.edits.base import BASE


def test_a_changed_function_is_one_edit(repo, edits_of):
    repo.commit("two", {"a.rs": BASE.replace("one()", "two()")})
    assert edits_of() == (
        [("modify", "fn", "first", "\npub fn first() { one(); }\n",
          "\npub fn first() { two(); }\n")],
        {},
    )  # fmt: skip


def test_a_semicolon_is_no_item(repo, edits_of):
    # As in rayon's `src/str.rs`.
    base = "impl Pattern for char {\n    private_impl! {}\n    impl_pattern!(&self => *self);\n}\n"
    repo.commit("two", {"b.rs": base})
    edits_of()
    changed = base.replace("private_impl! {}", "private_impl! {};").replace("*self", "self")
    repo.commit("three", {"a.rs": BASE.replace("one(); }", "one(); };"), "b.rs": changed})
    found, dropped = edits_of()
    assert [(change, kind, new) for change, kind, _, _, new in found] == [
        ("modify", "fn", "\npub fn first() { one(); };\n"),
        ("modify", "macro_call", "    private_impl! {};\n"),
        ("modify", "macro_call", "    impl_pattern!(&self => self);\n"),
    ]
    assert dropped == {}


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


def test_an_item_that_is_renamed_is_modified_if_its_words_are_alike(repo, edits_of):
    old = "fn total(of: &[u32]) -> u32 {\n    let sum = of.iter().sum();\n    sum + total(&[])\n}\n"
    new = "fn all(\n    of: &[u32],\n) -> u32 { let sum = of.iter().sum(); sum + all(&[]) }\n"
    repo.commit("two", {"a.rs": BASE + old})
    repo.commit("three", {"a.rs": BASE.replace("use std::fmt;\n", "use std::fmt;\n\n" + new)})
    [(change, _, name, before, _)], _ = edits_of()
    assert (change, name, before) == ("modify", "all", old)


def test_short_items_are_paired_where_one_replaces_the_other_alone(repo, edits_of):
    repo.commit("two", {"a.rs": "const A: u8 = 1;\n" + BASE})
    repo.commit("three", {"a.rs": "const B: u8 = 2;\n" + BASE})
    assert [e[:3] for e in edits_of()[0]] == [("modify", "const", "B")]
    repo.commit("four", {"a.rs": BASE + "const C: u8 = 3;\n"})
    assert sorted(e[:3] for e in edits_of()[0]) == [("add", "const", "C"), ("delete", "const", "B")]


def test_imports_of_two_files_are_paired_only_if_they_are_alike(repo, edits_of):
    imports = "use std::fmt;\nuse std::io::{self, Read, Write};\nuse crate::shapes::Circle;\n"
    items = "fn unrelated() {}\n"
    repo.commit("two", {"a.rs": imports + BASE.replace("use std::fmt;\n", "")})
    rest = {"a.rs": BASE.replace("use std::fmt;\n", "")}
    repo.commit("three", {"b.rs": "use other::thing;\n" + items, **rest})
    assert sorted(e[:2] for e in edits_of()[0]) == [
        ("add", "fn"), ("add", "imports"), ("delete", "imports"),
    ]  # fmt: skip
    repo.commit("four", {"b.rs": items, "c.rs": imports.replace("Circle", "Square")})
    repo.commit("five", {"b.rs": imports.replace("Circle", "Ring") + items, "c.rs": "fn c() {}\n"})
    assert sorted(e[:2] for e in edits_of()[0]) == [("add", "fn"), ("move", "imports")]


def test_what_has_the_same_name_in_another_file_came_from_there_only_if_it_is_alike(repo, edits_of):
    repo.commit("two", {"a.rs": BASE + "struct Worker { args: Arc<Args>, grep: Grep, n: u64 }\n"})
    new = (
        "struct Worker<F> {\n    f: F,\n    queue: Arc<MsQueue<Message>>,\n    is_done: bool,\n}\n"
    )
    repo.commit("three", {"a.rs": BASE, "b.rs": new})
    assert sorted(e[:3] for e in edits_of()[0]) == [
        ("add", "struct", "Worker"), ("delete", "struct", "Worker"),
    ]  # fmt: skip


def test_methods_of_one_name_are_told_apart_by_their_impl(repo, edits_of):
    two = "impl A {\n    fn f(&self) { a(); }\n}\nimpl B {\n    fn f(&self) { b(); }\n}\n"
    repo.commit("two", {"a.rs": two})
    repo.commit("three", {"a.rs": two.replace("b()", "c()")})
    [(change, _, name, old, _)], _ = edits_of()
    assert (change, name, old) == ("modify", "f", "    fn f(&self) { b(); }\n")


def test_code_whose_old_text_is_elsewhere_now_is_modified_where_it_is(repo, edits_of):
    """A function that was copied to another file or impl, and changed where it was."""
    impl = "impl A {\n    fn get(&self) -> u32 {\n        self.fetch(1, 2, 3)\n    }\n}\n"
    short = impl.replace("self.fetch(1, 2, 3)", "self.0")
    copied = impl.replace("impl A", "impl B")
    second = BASE[BASE.index("\npub fn second") : BASE.index("\nimpl")]
    repo.commit("two", {"a.rs": BASE + impl})
    changed = BASE.replace("compute(2)", "compute(3)")
    repo.commit("three", {"a.rs": changed + short + copied, "b.rs": second + "fn other() {}\n"})
    found, _ = edits_of()
    assert [(e[:3], bool(e[3])) for e in found if e[2] in {"second", "get", "B"}] == [
        (("modify", "fn", "second"), True), (("modify", "fn", "get"), True),
        (("add", "impl", "B"), False), (("add", "fn", "second"), False),
    ]  # fmt: skip
    assert "fetch(1, 2, 3)" in next(e[3] for e in found if e[2] == "get")


def test_of_several_items_of_a_name_those_most_alike_are_paired(repo, edits_of):
    unix = "#[cfg(unix)]\nfn open(at: &Path) -> File {\n    unix::open(at, unix::FLAGS)\n}\n"
    windows = "#[cfg(windows)]\nfn open(at: &Path) -> File {\n    handle(at).into_file()\n}\n"
    wasm = "#[cfg(wasm)]\nfn open(_: &Path) -> File {\n    unreachable!()\n}\n"
    repo.commit("two", {"a.rs": unix + windows})
    changed = windows.replace("handle(at)", "handle(at, 0)")
    repo.commit("three", {"a.rs": wasm + changed, "sys.rs": unix})
    found, dropped = edits_of()
    assert [e[0] for e in found] == ["add", "modify"]
    assert found[1][3:] == (windows, changed)
    assert dropped == {"moved_unchanged": 1}


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
