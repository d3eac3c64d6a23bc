"""What is asked of code that is still to be edited, and putting it in place."""

import json

import pytest

from tests.rsidx.commands.conftest import RUST

pytestmark = pytest.mark.usefixtures("wordy")


CALLER = """use crate::Thing;

pub struct Holder {
    thing: Thing,
}

impl Holder {
    pub fn run(&self) {
        self.thing.act();
        self.rest();
    }

    fn rest(&self) {}
}
"""


def test_context_gives_what_an_edit_would_be_shown_with_its_rules(filled, cli):
    filled.commit("three", {"src/holder.rs": CALLER, "src/lib.rs": f"mod holder;\n{RUST}"})
    cli("backfill")
    [answer] = json.loads(cli("context", "src/holder.rs:Holder::run", "--json").out)
    assert (answer["line"], answer["container"]) == (8, "impl Holder")
    assert [(p["rule"], p["section"], p["symbol"], p["path"], p["line"], p["form"])
            for p in answer["context"]] == [
        ("enclosing", "impls", "Holder", "src/holder.rs", 7, "signatures"),
        ("field", "impls", "Thing", "src/lib.rs", 5, "signatures"),
        ("self_type", "structs", "Holder", "src/holder.rs", 3, "whole"),
        ("imports", "imports", "", "src/holder.rs", 1, "whole"),
        ("near", "structs", "Thing", "src/lib.rs", 2, "whole"),
    ]  # fmt: skip
    assert answer["context"][0]["text"] == "impl Holder {\n    fn rest(&self)\n}\n"
    [struct] = json.loads(cli("context", "src/holder.rs:Holder", "--json").out)
    named = [p for p in struct["context"] if p["rule"] != "near"]
    assert [(p["rule"], p["symbol"], p["path"], p["text"]) for p in named] == [
        ("import", "Thing", "src/lib.rs", "/// A thing.\npub struct Thing;\n"),
        ("imports", "", "src/holder.rs", "use crate::Thing;\n"),
    ]  # fmt: skip
    filled.commit(
        "four", {"src/from.rs": "impl From<u8> for Holder {\n    fn from(x: u8) -> Self {}\n}\n"}
    )
    cli("backfill")
    [answer] = json.loads(cli("context", "src/from.rs:Holder::from", "--json").out)
    assert answer["container"] == "impl From<u8> for Holder"
    assert "rule import: src/lib.rs:2 Thing" in cli("context", "src/holder.rs").out
    assert "has no definition of x" in cli("context", "src/holder.rs:x", status=1).err
    assert (
        "there is no src/holder.rs"
        in cli("context", "src/holder.rs", "--at", "HEAD~2", status=1).err
    )


def test_members_of_impls_of_one_trait_are_told_apart(filled, cli, tmp_path, tokenizer_file):
    method = "    fn from(_: {0}) -> Thing {{\n        Thing\n    }}\n"
    impls = "".join(
        f"impl From<{of}> for Thing {{\n{method.format(of)}}}\n" for of in ("u8", "u16")
    )
    filled.commit("Make things of numbers", {"src/lib.rs": RUST + impls})
    cli("backfill")
    cli("export", tmp_path / "out", "--tokenizer", tokenizer_file, "--split", "1,0,0")
    ask = ("prompt", "--like", tmp_path / "out", "--message", "Make it otherwise")
    err = cli(*ask, "src/lib.rs:Thing::from", status=1).err
    paths = "<Thing as From<u8>>::from, <Thing as From<u16>>::from"
    assert f"is defined more than once in the file, as {paths}; say which, or name a line" in err
    for of, other in (("u8", "u16"), ("u16", "u8")):
        out = cli(*ask, f"src/lib.rs:<Thing as From<{of}>>::from").out
        _, _, old = out.partition("<|old_code|>")
        assert f"_: {of}" in old
        assert f"_: {other}" not in old
    answer = tmp_path / "answer.rs"
    answer.write_text("    fn from(_: u16) -> Thing {\n        todo!()\n    }\n")
    err = cli("apply", "src/lib.rs:Thing::from", answer, status=19).err
    assert f"is defined more than once in the file, as {paths}; say which" in err
    diff = cli("apply", "src/lib.rs:<Thing as From<u16>>::from", answer).out
    changed = [line for line in diff.splitlines()[2:] if line.startswith(("-", "+"))]
    assert changed == ["-        Thing", "+        todo!()"]


def asked_like(cli, tmp_path, tokenizer_file):
    """Export, and return what asks for a prompt and gives its parts: path, behind, before, old."""
    cli("export", tmp_path / "out", "--tokenizer", tokenizer_file, "--split", "1,0,0")

    def ask(*place, status=0):
        given = ("--like", tmp_path / "out", "--message", "Change it", *place)
        said = cli("prompt", *given, status=status)
        return said.out if status == 0 else said.err

    return ask


def around_in(prompt):
    """Return what a prompt shows before and behind the place, and as the old code."""
    behind, _, rest = prompt.partition("<|suffix|>")[2].partition("<|prefix|>")
    before, _, old = rest.partition("<|old_code|>")
    return before, behind, old.partition("<|/old_code|>")[0]


def test_a_prompt_can_be_for_new_code(filled, cli, tmp_path, tokenizer_file):
    ask = asked_like(cli, tmp_path, tokenizer_file)
    file = (filled.path / "src/lib.rs").read_text()
    method = file.index("    pub fn act")
    for place, cut in (
        (("src/lib.rs", "--after", "0"), 0),
        (("src/lib.rs", "--after", "Thing"), file.index("\nimpl")),
        (("src/lib.rs", "--after", "2"), file.index("\nimpl")),
        (("src/lib.rs", "--after", "4"), method),
        (("src/lib.rs", "--after", "act"), len(file) - 2),
        (("src/lib.rs", "--in", "impl Thing"), len(file) - 2),
        (("src/lib.rs", "--after", "impl Thing"), len(file)),
    ):
        out = ask(*place)
        assert around_in(out) == (file[:cut], file[cut:], ""), place
        assert "<|add|>" in out
    out = ask("src/fresh.rs")
    assert around_in(out) == ("", "", "")
    assert "src/fresh.rs" in out
    assert "<|module|>fresh<" in out


@pytest.mark.usefixtures("filled")
def test_where_no_code_can_come_is_one_line(cli, tmp_path, tokenizer_file):
    ask = asked_like(cli, tmp_path, tokenizer_file)
    for place, says in (
        (("src/lib.rs",), "src/lib.rs is there already; name a symbol of it"),
        (("README.md",), "README.md is no Rust file"),
        (("src/none.rs", "--after", "x"), "there is no src/none.rs"),
        (("src/lib.rs", "--after", "99"), "src/lib.rs has 6 lines, and no line 99"),
        (("src/lib.rs", "--after", "none"), "no definition of none"),
        (("src/lib.rs", "--in", "1"), "in no impl, trait or module"),
    ):
        err = ask(*place, status=1)
        assert says in err
        assert err.count("\n") == 1
    for place in (("src/lib.rs:act", "--after", "0"), ("src/lib.rs", "--after", "0", "--in", "1")):
        ask(*place, status=2)


def test_a_prompt_can_come_after_edits_that_are_not_committed(
    filled, cli, tmp_path, tokenizer_file
):
    ask = asked_like(cli, tmp_path, tokenizer_file)
    before = (filled.path / "src/lib.rs").read_text()
    added = "\n/// Helps.\npub fn help(count: u32) -> u32 {\n    count\n}\n"
    after = before.replace("\nimpl", f"{added}\nimpl")
    filled.write({"src/lib.rs": after, "src/fresh.rs": "pub fn fresh() {}\n"})
    filled.git("add", "-N", "src/fresh.rs")
    patch = tmp_path / "made.patch"
    patch.write_text(filled.git("diff") + "\n")
    filled.git("reset", "-q")
    state = filled.git("status", "--porcelain"), filled.git("count-objects", "-v")
    in_file = ask("src/lib.rs:Thing::act", "--after-edits", patch)
    shown, behind, old = around_in(in_file)
    assert shown + old + behind == after
    made = in_file.partition("<|commit|>")[2].partition("<|/commit|>")[0]
    assert made == "<file_sep>src/fresh.rs\npub fn fresh() {}\n"
    assert ask("src/lib.rs:10", "--after-edits", patch) == in_file
    assert ask("src/lib.rs:Thing::act", "--after-edits", "worktree") == in_file
    shown, _, old = around_in(ask("src/lib.rs:help", "--after-edits", "worktree"))
    assert shown + old == after.partition("\nimpl")[0]
    out = ask("src/fresh.rs", "--after", "fresh", "--after-edits", patch)
    assert around_in(out) == ("pub fn fresh() {}\n", "", "")
    assert "<|commit|><file_sep>src/lib.rs\n" in out
    assert "pub fn help(count: u32) -> u32 {" in out
    assert (filled.git("status", "--porcelain"), filled.git("count-objects", "-v")) == state
    patch.write_text("")
    assert ask("src/lib.rs:act", "--after-edits", patch) == ask("src/lib.rs:act")


def test_a_container_that_waits_for_its_members_is_not_shown_as_made(
    filled, cli, tmp_path, tokenizer_file
):
    ask = asked_like(cli, tmp_path, tokenizer_file)
    filled.commit("begin a file", {"src/fresh.rs": "fn first() {}\n"})
    cli("backfill")
    made = "struct A;\n\nimpl A {\n}\n\nunsafe impl Send for A {}\n"
    filled.write({"src/fresh.rs": f"fn first() {{}}\n\n{made}"})
    out = ask("src/lib.rs:act", "--after-edits", "worktree")
    made = out.partition("<|commit|>")[2].partition("<|/commit|>")[0]
    assert made == "<file_sep>src/fresh.rs\nstruct A;\nunsafe impl Send for A {}\n"


def test_edits_that_cannot_have_been_made_are_one_line(filled, cli, tmp_path, tokenizer_file):
    ask = asked_like(cli, tmp_path, tokenizer_file)
    patch = tmp_path / "made.patch"
    patch.write_text("--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1 +1 @@\n-none\n+some\n")
    for options, says in (
        (("--after-edits", patch), "the edits do not apply to"),
        (("--after-edits", tmp_path / "none"), "none cannot be read: No such file"),
        (("--after-edits", patch, "--at", "worktree"), "has its edits already"),
    ):
        err = ask("src/lib.rs:act", *options, status=1)
        assert says in err
        assert err.count("\n") == 1
    filled.git("rm", "-q", "src/lib.rs")
    err = ask("src/lib.rs:act", "--after-edits", "worktree", status=1)
    assert "there is no src/lib.rs" in err


@pytest.mark.parametrize("where", ["patch", "worktree"])
def test_a_file_that_edits_moved_has_its_new_name(filled, cli, tmp_path, tokenizer_file, where):
    ask = asked_like(cli, tmp_path, tokenizer_file)
    filled.git("mv", "src/lib.rs", "src/moved.rs")
    made = "worktree"
    if where == "patch":
        made = tmp_path / "made.patch"
        made.write_text(filled.git("diff", "--cached", "-M") + "\n")
        filled.git("reset", "-q", "--hard")
    out = ask("src/moved.rs:act", "--after-edits", made)
    assert "src/moved.rs<|rename|>src/lib.rs" in out
    assert "there is no src/lib.rs" in ask("src/lib.rs:act", "--after-edits", made, status=1)


@pytest.mark.usefixtures("filled")
def test_context_is_listed_for_a_line_and_for_new_code(cli):
    out = cli("context", "src/lib.rs:5").out
    assert out.startswith("src/lib.rs:5: act in impl Thing\n")
    out = cli("context", "src/lib.rs", "--in", "impl Thing").out
    assert out.startswith("src/lib.rs:6: new code in impl Thing\n")
    assert "rule self_type: src/lib.rs:1 Thing" in out
    assert cli("context", "src/lib.rs", "--after", "0").out.startswith("src/lib.rs:1: new code\n")


def test_a_prompt_whose_code_spells_a_control_token_says_so(filled, cli, tmp_path, tokenizer_file):
    odd = 'pub fn odd() -> &\'static str {\n    "<|new_code|>"\n}\n'
    filled.commit("Spell a control token", {"src/odd.rs": odd, "src/lib.rs": RUST})
    cli("backfill")
    cli("export", tmp_path / "out", "--tokenizer", tokenizer_file, "--split", "1,0,0")
    ask = ("prompt", "--like", tmp_path / "out", "--message", "Make it otherwise")
    assert "spells a control token" in cli(*ask, "src/odd.rs:odd").err
    assert json.loads(cli(*ask, "src/odd.rs:odd", "--json").out)["spells_control_token"] is True
    assert "spells" not in cli(*ask, "src/lib.rs:act").err


def test_context_and_prompt_can_be_asked_of_the_code_on_disk(filled, cli, tmp_path, tokenizer_file):
    cli("export", tmp_path / "out", "--tokenizer", tokenizer_file, "--split", "1,0,0")
    # Two impls end in the same chunk: a file is all of its chunks, repeated ones too.
    filled.write({
        "src/lib.rs": "mod fresh;\nimpl u8 {\n    fn a() {}\n}\n\nimpl u16 {\n    fn b() {}\n}\n"
                      + RUST.replace("{}", "{ fresh::made(); }"),
        "src/fresh.rs": "pub fn made() {}\n",
    })  # fmt: skip
    asked = ("context", "src/lib.rs:Thing::act", "--json")
    assert "made" not in {p["symbol"] for p in json.loads(cli(*asked).out)[0]["context"]}
    [answer] = json.loads(cli(*asked, "--at", "worktree").out)
    assert answer["line"] == 13
    [made] = [p for p in answer["context"] if p["symbol"] == "made"]
    assert (made["path"], made["rule"], made["text"]) == (
        "src/fresh.rs", "path", "pub fn made()\n",
    )  # fmt: skip
    assert made["blob"] == filled.git("hash-object", "src/fresh.rs")
    out = cli("prompt", "src/lib.rs:act", "--message", "x", "--like", tmp_path / "out",
              "--at", "worktree").out  # fmt: skip
    assert "fresh::made();" in out
    for name in ("src/fresh.rs", "src/lib.rs"):  # One that git knows, and one that it does not.
        (filled.path / name).unlink()
        assert f"there is no {name}" in cli("context", name, "--at", "worktree", status=1).err


def test_refs_are_what_means_the_definition_and_not_what_has_its_name(filled, cli):
    filled.commit("three", {
        "src/lib.rs": f"mod user;\nmod other;\n{RUST}",
        "src/user.rs": "use crate::Thing as T;\nfn f(t: T) {\n    t.act();\n    x().act();\n}\n"
                       "#[test]\nfn g() {\n    T::act(&T);\n}\n",
        "src/other.rs": "struct Thing;\nimpl Thing {\n    fn act(&self) { self.act(); }\n}\n",
    })  # fmt: skip
    cli("backfill")
    found = json.loads(cli("refs", "Thing::act", "--json").out)
    assert {(u["path"], u["line"], u["rule"], u["is_test"]) for u in found
            if u["defined"] == "src/lib.rs:7"} == {
        ("src/user.rs", 3, "receiver", False), ("src/user.rs", 4, "receiver", False),
        ("src/user.rs", 8, "member", True),
    }  # fmt: skip
    assert {(u["path"], u["line"]) for u in found if u["defined"] == "src/other.rs:3"} == set()
    shown = cli("refs", "Thing").out
    assert "src/user.rs:2: import in f -> src/lib.rs:4\n    fn f(t: T) {" in shown
    assert "no definition of nothing" in cli("refs", "nothing", status=1).err


def test_code_is_put_in_place_only_if_asked_and_only_if_it_parses(filled, cli, tmp_path):
    code = tmp_path / "code.rs"
    code.write_text("    pub fn act(&self) { rest(); }\n")
    before = (filled.path / "src/lib.rs").read_text()
    done = cli("apply", "src/lib.rs:Thing::act", code)
    assert "-    pub fn act(&self) { work(); }\n+    pub fn act(&self) { rest(); }\n" in done.out
    assert "nothing is written" in done.err
    assert (filled.path / "src/lib.rs").read_text() == before
    cli("apply", "src/lib.rs:act", code, "--write")
    assert (filled.path / "src/lib.rs").read_text() == before.replace("work", "rest")
    code.write_text("    pub fn act(&self {\n")
    assert (
        "syntax error in line 1" in cli("apply", "src/lib.rs:act", code, "--write", status=16).err
    )
    assert "defined nowhere" in cli("apply", "src/lib.rs:lost", code, status=18).err
    assert "cannot be read" in cli("apply", "src/lost.rs:act", code, status=1).err
    assert "not in the worktree" in cli("apply", "../x.rs:act", code, status=1).err
