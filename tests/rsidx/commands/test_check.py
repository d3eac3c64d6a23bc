"""`rsidx check` says of new code on disk whether it compiles, and leaves the disk alone."""

import json

import pytest

import rsidx
from rsidx.evaluation.compiler import cargo
from rsidx.evaluation.compiler.diagnostics import Diagnostic
from rsidx.evaluation.compiler.feedback import MAX_CHARS, feedback
from rsidx.evaluation.judging import code_check
from tests.evaluation.conftest import MANIFEST, any_sandbox, toolchain  # noqa: F401

LIB = """\
pub mod inner;

pub fn twice(x: u32) -> u32 {
    inner::same(x) + x
}

#[cfg(any())]
pub fn hidden() -> u32 {
    1
}
"""
INNER = "pub fn same(x: u32) -> u32 {\n    x\n}\n"
TEST = (
    "\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn holds() {\n        assert!(true);\n    }\n}\n"
)

pytestmark = [pytest.mark.usefixtures("toolchain", "any_sandbox"), pytest.mark.slow]


@pytest.fixture
def check(repo, cli, tmp_path):
    """Check code in a crate on disk; return what is printed as JSON."""
    files = {"Cargo.toml": MANIFEST, ".gitignore": "/target\nCargo.lock\n", "src/inner.rs": INNER}
    repo.commit("begin", {**files, "src/lib.rs": LIB + TEST})

    def check(place, code, *options, status=0):
        file = tmp_path / "answer.rs"
        file.write_text(code)
        said = cli("check", place, file, *options, "--json", status=status).out
        return json.loads(said)

    return check


def test_code_that_compiles_is_said_to_and_nothing_is_written(repo, check, cli, tmp_path):
    before = repo.git("status", "--short", "--ignored")
    found = check("src/lib.rs:twice", "pub fn twice(x: u32) -> u32 { x * 2 }")
    assert (found["outcome"], found["check"], found["errors"]) == ("compiles", "cargo check", [])
    assert (repo.path / "src" / "lib.rs").read_text() == LIB + TEST
    assert repo.git("status", "--short", "--ignored") == before
    assert cli("check", "src/lib.rs:twice", tmp_path / "answer.rs").out == "it compiles\n"


def test_what_is_on_disk_counts_and_not_what_is_committed(repo, check):
    answer = "pub fn twice(x: u32) -> u32 { inner::more(x) + extra::one() }"
    assert check("src/lib.rs:twice", answer, status=10)["outcome"] == "error"
    (repo.path / "src" / "inner.rs").write_text(INNER.replace("same", "more") + INNER)
    (repo.path / "src" / "extra.rs").write_text("pub fn one() -> u32 {\n    1\n}\n")
    (repo.path / "src" / "lib.rs").write_text("pub mod extra;\n" + LIB)
    assert check("src/lib.rs:twice", answer)["outcome"] == "compiles"
    # And what goes is gone.
    (repo.path / "src" / "extra.rs").unlink()
    (repo.path / "src" / "lib.rs").write_text(LIB)
    assert check("src/lib.rs:twice", answer, status=10)["errors"][0]["error_class"] == "names"
    # Committed or not.
    repo.commit("more")
    assert check("src/inner.rs:more", INNER.replace("same", "more"))["outcome"] == "compiles"


def test_errors_have_a_class_a_place_and_a_text_for_the_next_prompt(check, cli, tmp_path):
    found = check("src/inner.rs:same", 'pub fn same(x: &str) -> u32 {\n    "x"\n}\n', status=10)
    assert {(e["error_class"], e["where"], e["path"], e["line"]) for e in found["errors"]} == {
        ("types", "other_file", "src/lib.rs", 4),
        ("types", "edit", "src/inner.rs", 2),
    }
    # Those of the edit come first.
    assert found["feedback"].startswith("error[E0308]: mismatched types\n --> src/inner.rs:2:5")
    assert "src/lib.rs:4" in found["feedback"]
    assert "For more information" not in found["feedback"]
    said = cli("check", "src/inner.rs:same", tmp_path / "answer.rs", status=10).out
    assert said.startswith("it does not compile: E0308: mismatched types\n\nerror[E0308]")


def test_code_that_cannot_be_put_there_has_a_status_of_its_own(check, cli):
    found = check("src/lib.rs:twice", "pub fn thrice() {}", status=17)
    assert found["outcome"] == "not_the_symbol"
    assert "does not define twice" in found["reason"]
    assert check("src/lib.rs:twice", "pub fn twice( {", status=16)["outcome"] == "syntax"
    assert check("src/lib.rs:twice", "", status=15)["outcome"] == "no_answer"
    found = check("src/lib.rs:thrice", "pub fn thrice() {}", status=18)
    assert found["reason"] == "thrice is defined nowhere in the file"
    said = cli("check", "src/lib.rs:thrice", "Cargo.toml", status=18).out
    assert said == "it cannot be put there: thrice is defined nowhere in the file\n"
    cli("check", "src/lib.rs", "Cargo.toml", status=2)
    assert "is not in the worktree" in cli("check", "../x.rs:f", "Cargo.toml", status=1).err


def test_code_that_no_check_compiles_is_not_said_to_compile(check):
    code = "#[cfg(any())]\npub fn hidden() -> u32 { nonsense }"
    found = check("src/lib.rs:hidden", code, status=14)
    assert found["outcome"] == "not_compiled"


def test_a_new_file_is_checked_where_something_compiles_it(repo, check):
    code = "fn main() {\n    let _ = crate_of_a_test::twice(%s);\n}\n<|endoftext|>"
    assert check("src/bin/tool.rs", code % 1)["outcome"] == "compiles"
    assert check("src/bin/tool.rs", code % '"1"', status=10)["errors"][0]["line"] == 2
    assert check("src/unknown.rs", "fn f() {}", status=14)["outcome"] == "not_compiled"
    assert not (repo.path / "src/bin").exists()
    scratch = repo.path / ".git/rsidx/check/workers/0/tree/src"
    assert {file.name for file in scratch.rglob("*.rs")} == {"lib.rs", "inner.rs"}


def test_tests_are_checked_and_new_code_has_a_place(check):
    code = "    #[test]\n    fn holds() {\n        assert_eq!(super::twice(1), %s);\n    }\n"
    found = check("src/lib.rs:tests::holds", code % 2)
    assert (found["outcome"], found["check"]) == ("compiles", "cargo check --tests")
    assert check("src/lib.rs:tests::holds", code % '"2"', status=10)["outcome"] == "error"
    options = ("--after", "same")
    assert (
        check("src/inner.rs", "pub fn one() -> u32 { same(1) }", *options)["outcome"] == "compiles"
    )
    assert check("src/inner.rs", "pub fn one() -> u32 { some(1) }", *options, status=10)["errors"]


def test_a_tree_that_is_broken_before_says_nothing_of_the_code(repo, check):
    (repo.path / "src" / "inner.rs").write_text("pub fn other() {}\n")
    found = check("src/inner.rs:other", "pub fn other() { 1 }", status=13)
    assert (found["outcome"], found["check"]) == ("broken_before", "cargo check")
    assert "same" in found["reason"]
    # Code that mends it is welcome.
    assert check("src/inner.rs:other", INNER + "pub fn other() {}\n")["outcome"] == "compiles"


def test_a_check_that_takes_too_long_is_ended(check):
    code = "#[allow(long_running_const_eval)]\npub fn twice(x: u32) -> u32 {\n"
    code += "    const X: u32 = { while true {} 1 };\n    x * X\n}\n"
    assert check("src/lib.rs:twice", code, "--timeout", "3", status=12)["outcome"] == "timeout"


@pytest.mark.usefixtures("check")
def test_a_program_can_do_the_same(repo, tmp_path):
    found = rsidx.check_code(repo.path, "src/lib.rs", "twice", "pub fn twice(x: u32) -> u32 { x }")
    assert isinstance(found, rsidx.CodeCheck)
    assert found.outcome == "compiles"
    scratch = tmp_path / "scratch"
    found = rsidx.check_code(
        repo.path, "src/lib.rs", "", b"pub fn twice() {}", line=3, scratch=scratch
    )
    assert found.outcome == "compiles"
    assert (scratch / "workers").is_dir()


def test_keys_of_registries_are_not_shown_to_a_check(check, tmp_path, monkeypatch):
    home = tmp_path / "cargo"
    (home / "registry").mkdir(parents=True)
    (home / "credentials.toml").write_text("[registry]\ntoken = 'a key'\n")
    seen = []
    command = cargo.Cargo._places

    def places(self, access):
        found = command(self, access)
        seen.extend(found.read)
        return found

    monkeypatch.setattr(cargo.Cargo, "_places", places)
    code = 'pub fn twice(x: u32) -> u32 { include_str!("%s").len() as u32 + x }'
    found = check(
        "src/lib.rs:twice", code % (home / "credentials.toml"), "--cargo-home", home, status=10
    )
    assert "couldn't read" in found["reason"]
    assert home / "registry" in seen
    assert home not in seen


def test_feedback_is_bounded_and_begins_with_the_edit_s_errors():
    far, near = (Diagnostic("E1", name, (), f"{name}\n" + "x" * 500) for name in ("far", "near"))
    text = feedback([(far, "other_file"), (near, "edit"), (far, "file")])
    assert text.startswith("near\n")
    assert text.count("far") == 1
    assert len(text) <= MAX_CHARS
    assert len(feedback([(Diagnostic("", "m", (), "y" * 5000), "edit")])) == MAX_CHARS
    assert feedback([(Diagnostic("E1", "m", ()), "edit")]) == "E1: m"
    assert code_check.feedback is feedback
