"""The edits of a commit: what is paired with what."""

import pytest

from rsidx.exporters.edits.pairing import commit_edits
from rsidx.exporters.edits.similarity import same_tokens
from rsidx.store import queries
from rsidx.store.reader import Reader


@pytest.fixture
def edits_of(repo, index):
    def read(max_bytes=4000, new_file_bytes=0):
        index.sync()
        with index.database.reading() as connection:
            reader = Reader(connection, queries.repository_id(connection, None))
            newest = reader.commits()[-1]
            found = commit_edits(
                reader,
                reader.changes(newest.id),
                max_bytes=max_bytes,
                new_file_bytes=new_file_bytes,
            )

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


def test_a_new_impl_is_one_edit_and_a_large_one_comes_by_member(repo, edits_of):
    impl = "\nimpl New {\n    fn a(&self) {}\n\n    fn b(&self) {}\n}\n"
    repo.commit("two", {"a.rs": BASE + impl})
    assert edits_of() == ([("add", "impl", "New", None, impl)], {})
    found, dropped = edits_of(max_bytes=30)
    assert [e[:3] for e in found] == [
        ("add", "impl_header", "New"), ("add", "fn", "a"), ("add", "fn", "b"),
    ]  # fmt: skip
    assert dropped == {"container_footer": 1}


def test_a_new_container_is_one_edit_however_long_it_is(repo, edits_of):
    members = "\n".join(f"    fn m{n}(&self) {{ self.work({n}) }}\n" for n in range(200))
    impl = f"\nimpl New {{\n{members}}}\n"
    repo.commit("two", {"a.rs": BASE + impl})
    assert edits_of(max_bytes=None) == ([("add", "impl", "New", None, impl)], {})


def test_the_footer_of_a_container_that_goes_is_not_that_of_one_that_comes(repo, edits_of):
    old = "impl Thing {\n    fn member(&self) { self.go(); }\n}\n"
    new = "impl Other for Some {\n    const SIZE: usize = 8;\n    type Item = Unrelated<u8>;\n}\n"
    repo.commit("two", {"a.rs": BASE.replace(old, new)})
    found, dropped = edits_of()
    assert [(e[0], e[1], e[3] or e[4]) for e in found] == [
        ("add", "impl", "\n" + new), ("delete", "impl", "\n" + old),
    ]  # fmt: skip
    assert dropped == {}


STRING = """\
impl fmt::String for H {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let s: &str = self.name();
        s.fmt(f)
    }

    fn width(&self) -> usize {
        self.name().len()
    }
}
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (STRING, STRING.replace("fmt::String for", "fmt::Display for")),
        (STRING, STRING.replace("impl fmt::String for H", "impl<T: Named> fmt::String for H<T>")),
        (STRING, STRING.replace(" for H", " for Heading")),
        (STRING.replace("fmt::String for ", ""), STRING.replace("fmt::String for H", "H<'a>")),
        (f"mod one {{\n{STRING}}}\n", f"mod two {{\n{STRING}}}\n".replace("String", "Display")),
    ],
)
def test_members_of_a_container_with_another_head_are_modified(repo, edits_of, old, new):
    repo.commit("two", {"a.rs": old})
    repo.commit("three", {"a.rs": new.replace("s.fmt(f)", "write!(f, s)")})
    found, dropped = edits_of()
    headers = [e for e in found if e[1].endswith("_header")]
    assert all(e[0] == "modify" and e[3] and e[4] for e in headers)
    assert [e[:3] for e in found if e not in headers] == [("modify", "fn", "fmt")]
    assert dropped["moved_unchanged"] == 1


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


def test_a_new_container_with_mostly_known_members_comes_by_member(repo, edits_of):
    fn = "    fn {}(&self) {{\n        one({});\n        two();\n        three();\n    }}\n"
    one = "impl A {\n" + "".join(fn.format(f"f{n}", n) for n in range(6)) + "}\n"
    four = "".join(fn.format(f"f{n}", n) for n in range(2, 6))
    new = one.replace(four, "") + "impl B {\n" + four + "    fn g(&self) { new_code() }\n}\n"
    repo.commit("two", {"a.rs": one})
    repo.commit("three", {"a.rs": new})
    found, dropped = edits_of()
    assert [e[:3] for e in found] == [("add", "fn", "g")]
    assert dropped == {"moved_unchanged": 4, "container_header": 1}


def test_a_footer_that_changes_is_counted(repo, edits_of):
    repo.commit("two", {"a.rs": BASE[:-1] + " // The end.\n"})
    assert edits_of() == ([], {"container_footer": 1})
    repo.commit("three", {"a.rs": BASE.replace("impl Thing", "impl<T> Thing<T>")})
    found, dropped = edits_of()
    assert [e[:2] for e in found] == [("modify", "impl_header")]
    assert dropped == {"moved_unchanged": 1, "container_footer": 1}


def test_a_new_container_with_some_known_members_is_one_addition(repo, edits_of):
    fn = "    fn {}(&self) {{\n        one({});\n        two();\n        three();\n    }}\n"
    one = "impl A {\n" + "".join(fn.format(f"f{n}", n) for n in range(6)) + "}\n"
    moved = fn.format("f5", 5)
    impl = (
        "impl B {\n" + moved + "    fn g(&self) {\n" + "        new_code();\n" * 20 + "    }\n}\n"
    )
    repo.commit("two", {"a.rs": one})
    repo.commit("three", {"a.rs": one.replace(moved, "") + impl})
    found, dropped = edits_of()
    assert [(e[:3], e[4]) for e in found] == [
        (("delete", "fn", "f5"), None), (("add", "impl", "B"), impl),
    ]  # fmt: skip
    assert dropped == {}


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


DEBUG = """\
impl fmt::Debug for {name} {{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{
        f.debug_struct("{name}").finish()
    }}
}}
"""
DEFAULT = (
    "impl Default for {name} {{\n    fn default() -> Self {{\n        Self::new()\n    }}\n}}\n"
)
DROP = (
    "impl Drop for {name} {{\n    fn drop(&mut self) {{\n        cancel(&self.entry);\n    }}\n}}\n"
)
ERROR = "impl Error for {name} {{}}\n"
TYPE = "pub struct {name} {{\n    entry: Entry,\n    at: usize,\n}}\n"


def changes_of(found):
    edits, _ = found
    return sorted((change, name) for change, _, name, _, _ in edits)


@pytest.mark.parametrize("impl", [DEBUG, DEFAULT, DROP, ERROR])
@pytest.mark.parametrize("path", ["a.rs", "b.rs"])
def test_impls_of_a_trait_for_other_types_are_no_move(repo, edits_of, impl, path):
    repo.commit("two", {"a.rs": BASE + impl.format(name="One"), "b.rs": BASE})
    files = {"a.rs": BASE, "b.rs": BASE}
    repo.commit("three", files | {path: BASE + impl.format(name="Other")})
    changes = [change for change, _ in changes_of(edits_of())]
    assert changes == ["add", "delete"]


@pytest.mark.parametrize("impl", [DEBUG, DEFAULT, DROP, ERROR])
def test_they_are_where_the_commit_renames_the_type(repo, edits_of, impl):
    def code(name):
        return TYPE.format(name=name) + impl.format(name=name)

    repo.commit("two", {"a.rs": BASE + code("One")})
    repo.commit("three", {"a.rs": BASE + code("Other")})
    assert {change for change, _ in changes_of(edits_of())} == {"modify"}


def test_they_are_no_move_where_another_type_comes_that_is_not_alike(repo, edits_of):
    other = "pub struct Other(Box<dyn Fn(&str) -> Result<(), Fault> + Send>);\n"
    repo.commit("two", {"a.rs": BASE + TYPE.format(name="One") + DROP.format(name="One")})
    repo.commit("three", {"a.rs": BASE + other + DROP.format(name="Other")})
    assert ("modify", "Drop for Other") not in changes_of(edits_of())
    assert ("add", "Drop for Other") in changes_of(edits_of())


def test_an_impl_with_much_in_common_is_a_move_to_another_type(repo, edits_of):
    body = "".join(f"        self.step_{n}(self.entry, {n});\n" for n in range(9))
    impl = DROP.replace("        cancel(&self.entry);\n", body)
    repo.commit("two", {"a.rs": BASE + impl.format(name="One")})
    repo.commit("three", {"a.rs": BASE, "b.rs": impl.format(name="Other")})
    assert {change for change, _ in changes_of(edits_of())} <= {"move", "modify"}


@pytest.mark.parametrize(
    ("old", "new"), [("&'a One", "&One"), ("&'a mut One", "One"), ("a::One", "One"), ("T", "U")]
)
def test_the_same_type_may_be_spelled_otherwise(repo, edits_of, old, new):
    def impl(name):
        return DROP.format(name=name).replace("impl", f"impl<{name}>" if name in "TU" else "impl")

    repo.commit("two", {"a.rs": BASE + impl(old)})
    repo.commit("three", {"a.rs": BASE + impl(new)})
    assert {change for change, _ in changes_of(edits_of())} == {"modify"}


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


def test_calls_of_a_macro_are_paired_by_what_they_name(repo, edits_of):
    old = "".join(f'syntaxerr!(err{n}, "{c}", Error::Unclosed);\n' for n, c in enumerate("[({<"))
    new = old.replace("Error::", "ErrorKind::").replace('syntaxerr!(err1, "(",', "syntaxerr!(a,")
    repo.commit("two", {"a.rs": old})
    repo.commit("three", {"a.rs": f"fn first() {{}}\n{new}"})
    found, _ = edits_of()
    calls = [
        tuple(text and text.split("(")[1].split(",")[0] for text in e[3:])
        for e in found
        if e[1] == "macro_call"
    ]
    assert calls == [
        ("err0", "err0"),
        ("err1", None),
        (None, "a"),
        ("err2", "err2"),
        ("err3", "err3"),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("private_impl!{}\n", "private_impl! {}\n"),
        ("clear!(Range<usize>);\n", "clear!(Range<index::Line>);\n"),
        (
            "bitflags! {\n    #[repr(C)]\n    pub struct Mode: u8 { const A = 1; }\n}\n",
            "bitflags! {\n    pub struct Mode: u32 {\n        const NONE = 0;\n"
            "        const ORIGIN = 0b0_01;\n        const INSERT = 0b0_10;\n    }\n}\n",
        ),
    ],
)
def test_equal_calls_of_a_macro_are_paired_in_their_order(repo, edits_of, old, new):
    repo.commit("two", {"a.rs": BASE + old + "fn between() {}\n" + old})
    repo.commit(
        "three", {"a.rs": BASE.replace("use std::fmt;\n", "") + new + "fn between() {}\n" + new}
    )
    found, _ = edits_of()
    assert [e[:2] for e in found if e[1] != "imports"] == [("modify", "macro_call")] * 2


def test_a_long_list_of_changed_macro_calls_is_paired(repo, edits_of):
    body = "|dir: Dir, mut cmd: Command| {{\n    cmd.arg({n});\n    {check}\n}});\n\n"
    calls = [f"rgtest!(r{n}, " + body.format(n=n, check="{check}") for n in range(70)]
    old, new = (
        "".join(calls).replace("{check}", check)
        for check in ("equal(dir.output());", 'assert!(cmd.output(dir, "x", 1).is_ok());')
    )
    repo.commit("two", {"a.rs": old})
    repo.commit("three", {"a.rs": new})
    assert [e[0] for e in edits_of()[0]] == ["modify"] * 70


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


def test_a_file_that_could_not_be_parsed_is_counted(repo, edits_of):
    repo.commit("two", {"bad.rs": b"\xff\xfe"})
    assert edits_of() == ([], {"unparsed_blob": 1})


def test_white_space_and_trailing_commas_are_no_change_of_tokens():
    assert same_tokens(b"f(a, b)", b"f(\n    a,\n    b,\n)")
    assert not same_tokens(b"f(a, b)", b"f(a, c)")
