"""The form, the order and the sections of what an edit is shown."""

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.context.near import NEAR_RULE
from rsidx.exporters.edits.edit import Side, edit_of
from rsidx.exporters.examples.kind import Limits
from rsidx.exporters.pipeline.steps import Steps
from rsidx.store import queries
from rsidx.store.reader import Reader

pytestmark = pytest.mark.usefixtures("wordy")

CARGO = '[package]\nname = "app"\nedition = "2021"\n'


@pytest.fixture
def shown(repo, index):
    """Return the excerpts for a symbol, as section → list of (symbol, rule, form, text)."""

    def show(lib, name, *extras, **files):
        texts = {f"src/{key}.rs": text for key, text in files.items()}
        repo.commit("all", {"Cargo.toml": CARGO, "src/lib.rs": lib, **texts})
        index.sync()
        sections = {}
        with index.database.reading() as connection:
            reader = Reader(connection, queries.repository_id(connection, None))
            drafter = Steps.of(
                reader, ExportConfig(tokenizer="", kind="fim", context_with=extras)
            ).drafter
            drafter.move_to(reader.commits()[-1], {})
            edit = edit_of(reader, side_of(reader, drafter, name))
            for e in drafter.of_prompt(edit, "").excerpts:
                one = (e.symbol, e.rule, e.form, e.shown)
                sections.setdefault(e.section, []).append(one)
        return sections

    return show


def side_of(reader, drafter, name):
    path_id = reader.path_ids()[b"src/lib.rs"]
    blob_id, start = drafter.files[path_id], 0
    for position, chunk in enumerate(reader.chunks(blob_id)):
        if any(s.name == name and s.kind != "impl" for s in reader.symbols(chunk.id)):
            return Side(path_id, blob_id, position, start, (chunk,))
        start += chunk.n_bytes
    raise AssertionError(name)


LONG = "x" * 300


def test_a_giant_loses_its_documentation_then_what_is_not_in_use(shown):
    documented = "".join(f"    /// {LONG}\n    V{n},\n" for n in range(5))
    large = "".join(f"    Variant{n}(Some{LONG}),\n" for n in range(5))
    lib = (
        f"enum A {{\n{documented}}}\nenum B {{\n{large}}}\n"
        f"struct C {{\n    near: u8,\n    far: T{LONG * 3},\n}}\n"
        "fn f(c: C) {\n    A::V1;\n    B::Variant3(x);\n    c.near;\n}\n"
    )
    sections = shown(lib, "f")
    assert sections["enums"] == [
        ("A", "module", "members", "enum A {\n    V0,\n    V1,\n    V2,\n    V3,\n    V4,\n}\n"),
        ("B", "module", "members",
         f"enum B {{\n    Variant3(Some{LONG}),\n    // 4 more variants\n}}\n"),
    ]  # fmt: skip
    assert sections["structs"] == [
        ("C", "module", "members", "struct C {\n    near: u8,\n    // 1 more field\n}\n")
    ]


def test_fields_of_literals_and_patterns_are_in_use(shown):
    lib = (
        f"struct A {{\n    set: u8,\n    with: u8,\n    far: T{LONG * 3},\n}}\n"
        f"pub struct B<T> {{\n    pub read: T,\n    pub far: T{LONG * 3},\n}}\n"
        f"struct C {{\n    far: T{LONG * 3},\n}}\n"
        "fn f(b: B<u8>, c: C) -> A {\n    let with = 2;\n    let B { read, .. } = b;\n"
        "    A { set: read, with, ..A::default() }\n}\n"
    )
    assert shown(lib, "f")["structs"] == [
        ("C", "module", "members", "struct C {\n    // 1 more field\n}\n"),
        ("B", "module", "members",
         "pub struct B<T> {\n    pub read: T,\n    // 1 more field\n}\n"),
        ("A", "module", "members",
         "struct A {\n    set: u8,\n    with: u8,\n    // 1 more field\n}\n"),
    ]  # fmt: skip


def test_of_a_large_impl_as_much_is_found_as_may_fit_each_with_its_head(shown):
    methods = "".join(f"    fn m{n}(&self, a: {'x' * 150}) {{\n    }}\n\n" for n in range(6))
    calls = "".join(f"    s.m{n}(1);\n" for n in range(5))
    lib = f"struct S;\nmod other {{}}\nimpl S {{\n{methods}}}\n\n\nfn f(s: S) {{\n{calls}}}\n"
    found = [text for _, _, _, text in shown(lib, "f")["impls"]]
    assert [text.splitlines()[0] for text in found] == ["impl S {"] * len(found)
    assert [text.rstrip().splitlines()[-2:] for text in found] == [
        ["    // 4 more items", "}"],
        ["    // 2 more items", "}"],
        ["    // 1 more item", "}"],
    ]


def test_where_code_names_much_types_are_reduced_sooner(shown):
    def struct(n):
        return f"struct S{n} {{\n    used: u8,\n    other: [u8; {'1' * 300}],\n}}\n"

    few, many = "".join(map(struct, range(2))), "".join(map(struct, range(9)))
    reads = "    a.used;\n"
    whole = shown(f"{few}fn f(a: S0, b: S1) {{\n{reads}}}\n", "f")["structs"]
    assert {form for _, _, form, _ in whole} == {"whole"}
    arguments = ", ".join(f"{'abcdefghi'[n]}: S{n}" for n in range(9))
    reduced = shown(f"{many}fn f({arguments}) {{\n{reads}}}\n", "f")["structs"]
    assert "struct S0 {\n    used: u8,\n    // 1 more field\n}\n" in [text for *_, text in reduced]
    assert len(reduced) == 9


def test_traits_are_signatures_with_documentation_impls_what_is_in_use(shown):
    lib = (
        "trait T {\n    /// Says why.\n    fn a(&self) {\n        body();\n    }\n\n"
        "    fn b(&self);\n}\nstruct S;\nimpl S {\n    fn used(&self) -> u8 {\n        1\n    }\n"
        "    fn other(&self) {}\n}\n"
        "fn f(t: &dyn T, s: S) {\n    t.a();\n    s.used();\n}\n"
    )
    sections = shown(lib, "f")
    assert sections["traits"] == [
        ("T", "module", "signatures",
         "trait T {\n    /// Says why.\n    fn a(&self)\n    fn b(&self);\n}\n"),
    ]  # fmt: skip
    assert sections["impls"] == [
        ("S", "receiver", "signatures",
         "impl S {\n    fn used(&self) -> u8\n    // 1 more item\n}\n"),
    ]  # fmt: skip
    outline = [text for _, _, _, text in sections["outline"]]
    assert "impl S {\n    fn other(&self)\n    // 1 more item\n}\n" in outline
    assert not any("used" in text for text in outline)
    # All of the trait is shown above, though the code uses one of its methods.
    assert not any("trait T" in text or "fn b" in text for text in outline)


def test_what_is_edited_is_not_counted_among_what_is_left_out(shown):
    lib = (
        "struct S;\nimpl S {\n    fn used(&self) {}\n    fn other(&self) {}\n"
        "    fn mine(&self) {\n        self.used();\n    }\n}\n"
    )
    sections = shown(lib, "mine")
    [(*_, text)] = sections["impls"]
    assert text == "impl S {\n    fn used(&self)\n    // 1 more item\n}\n"
    alone = shown(lib.replace("    fn other(&self) {}\n", ""), "mine")
    [(*_, text)] = alone["impls"]
    assert text == "impl S {\n    fn used(&self)\n}\n"


def test_a_large_trait_loses_its_documentation_first(shown):
    members = "".join(f"    /// {LONG}\n    fn m{n}(&self);\n" for n in range(4))
    sections = shown(f"trait T {{\n{members}}}\nfn f(t: &dyn T) {{}}\n", "f")
    bare = "".join(f"    fn m{n}(&self);\n" for n in range(4))
    assert sections["traits"] == [("T", "module", "signatures", f"trait T {{\n{bare}}}\n")]


def test_a_macro_is_its_patterns(shown):
    body = "do_it(); " * 60
    lib = (
        "macro_rules! long {\n    () => { " + body + " };\n"
        "    ($a:expr, $($b:tt)*) => { long!({ $a => 1 }) };\n}\nfn f() {\n    long!();\n}\n"
    )
    assert shown(lib, "f")["macros"] == [
        ("long", "module", "patterns",
         "macro_rules! long {\n    () =>\n    ($a:expr, $($b:tt)*) =>\n    // bodies left out\n}\n")
    ]  # fmt: skip


def test_a_macro_says_how_many_of_its_patterns_are_left_out(shown):
    rules = "".join(f"        (@r{n} {'$x:expr ' * 8}) => {{ call({n}); }};\n" for n in range(9))
    lib = (
        f"mod m {{\n    macro_rules! long (\n{rules}    );\n"
        "    fn f() {\n        long!();\n    }\n}\n"
    )
    texts = [text for _, _, _, text in shown(lib, "f")["macros"]]
    assert len(texts) > 1
    for text in texts:
        n_hidden = 9 - text.count(" =>\n")
        plural = "s" if n_hidden > 1 else ""
        left_out = f" and {n_hidden} more rule{plural}" if n_hidden else ""
        assert text.startswith("    macro_rules! long (\n        (@r0 $x:expr ")
        assert text.endswith(f") =>\n        // bodies{left_out} left out\n    );\n")
    assert texts[-1].count(" =>\n") == 9


def test_no_byte_of_the_edited_code_is_shown(shown):
    lib = "struct S;\nimpl S {\n    fn f(&self) {\n        self.f();\n        self.g();\n    }\n    fn g(&self) {}\n}\n"  # noqa: E501
    texts = [text for found in shown(lib, "f").values() for *_, text in found]
    assert not any("fn f" in text for text in texts)
    assert any("fn g" in text for text in texts)


def test_of_many_imports_those_in_use_are_shown(shown):
    uses = "".join(f"use some::very::long::path::to::Name{n};\n" for n in range(20))
    sections = shown(f"{uses}fn f(a: Name3) {{\n    Name7::new();\n}}\n", "f")
    assert sections["imports"] == [
        ("", "imports", "used",
         "use some::very::long::path::to::Name3;\nuse some::very::long::path::to::Name7;\n")
    ]  # fmt: skip


def test_callers_and_tests_come_if_asked_for(shown):
    lib = (
        "mod other;\npub fn f() {}\nfn caller() {\n    let x = 1;\n    f();\n}\n"
        "#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn works() {\n"
        "        f();\n    }\n}\n"
    )
    other = "fn f() {}\nfn not_a_caller() {\n    f();\n}\n"
    sections = shown(lib, "f", other=other)
    assert "callers" not in sections
    sections = shown(lib, "f", "callers", "tests", other=other)
    assert sections["callers"] == [
        ("caller", "callers", "lines", "fn caller()\n    // ...\n    f();\n")
    ]
    assert sections["tests"] == [("works", "tests", "lines", "    fn works() {\n        f();\n")]


def test_a_bare_name_is_shown_if_asked_for_and_says_so(shown):
    lib = "struct S;\nimpl S {\n    fn rare(&self) {}\n}\nfn f() {\n    x().rare();\n}\n"
    assert "impls" not in shown(lib, "f")
    [(symbol, rule, _, _)] = shown(lib, "f", "names")["impls"]
    assert (symbol, rule) == ("S", "name")


def test_new_code_is_read_with_what_it_newly_imports(repo, index):
    words = "/// " + "words " * 26 + "\n"
    repo.commit("one", {
        "Cargo.toml": CARGO, "src/lib.rs": "mod a;\nfn f() {}\n", "src/a.rs": "pub fn x() {}\n"
    })  # fmt: skip
    repo.commit("two", {
        "src/lib.rs": "mod a;\nmod fresh;\nuse a::x;\nfn f() {\n    x();\n}\n",
        "src/fresh.rs": f"use super::a;\n\n{words}fn g() {{\n    a::x();\n    h();\n}}\n\n"
        "fn h() {}\n",
    })  # fmt: skip
    index.sync()
    with index.database.reading() as connection:
        reader = Reader(connection, queries.repository_id(connection, None))
        second = reader.commits()[-1]
        for context_from, expected in (("answer", {"f": ["x"], "g": ["x"]}), ("place", {"f": []})):
            # So short that each item of the new file is an edit.
            config = ExportConfig(tokenizer="", context_from=context_from, max_chars=200)
            steps = Steps.of(reader, config)
            drafts, _ = steps.drafter.of_commit(second, steps.selector.of(second))
            found = {
                one.draft.edit.name: [
                    e.symbol
                    for e in one.draft.excerpts
                    if e.section == "functions" and e.rule != NEAR_RULE
                ]
                for one in drafts
            }
            assert {name: found[name] for name in expected} == expected
            assert found["h"] == []


def test_each_part_of_a_long_edit_is_shown_what_it_names_itself(repo, index):
    def body(change):
        early = "".join(f"    early(a{n}, {change});\n" for n in range(40))
        late = "".join(f"    late(b{n}, {change});\n" for n in range(40))
        return f"fn f() {{\n{early}{late}}}\nfn early() {{}}\nfn late() {{}}\n"

    repo.commit("one", {"Cargo.toml": CARGO, "src/lib.rs": body(1)})
    repo.commit("two", {"src/lib.rs": body(2)})
    index.sync()
    with index.database.reading() as connection:
        reader = Reader(connection, queries.repository_id(connection, None))
        second = reader.commits()[-1]
        steps = Steps.of(reader, ExportConfig(tokenizer="", max_chars=700))
        [whole], _ = steps.drafter.of_commit(second, steps.selector.of(second))
        parts, _ = steps.builder.examples(whole.draft, Limits(700, 700))
    assert len(parts) > 2
    for part in parts:
        code = part.code.old + part.code.new
        assert functions_of(part) == {name for name in ("early", "late") if f" {name}(" in code}
    assert {"early"} in map(functions_of, parts)


def functions_of(part):
    return {e.symbol for e in part.draft.excerpts if e.section == "functions"}
