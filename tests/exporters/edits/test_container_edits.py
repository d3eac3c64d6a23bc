"""The edits of impls, traits and modules: as a whole, or by member."""

import pytest

from tests.exporters.edits.base import BASE


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
