"""Impls for different types are no moves."""

import pytest

from tests.exporters.edits.base import BASE

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
