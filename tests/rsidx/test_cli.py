"""The command line, run as a user runs it."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from rsidx.__main__ import main
from rsidx.errors import IndexStoreError
from rsidx.exporters import tokenizer
from tests.repositories import WORDS, Repo

pytestmark = pytest.mark.usefixtures("wordy")

RUST = "/// A thing.\npub struct Thing;\n\nimpl Thing {\n    pub fn act(&self) {}\n}\n"


@pytest.fixture
def cli(repo, monkeypatch, capfd):
    monkeypatch.chdir(repo.path)
    # A tokenizer learns as much from a few of these as from a thousand, and is trained sooner.
    monkeypatch.setattr(tokenizer, "_FIRST_REPEATS", 50)
    monkeypatch.setattr(tokenizer, "_MAX_REPEATS", 100)

    def run(*arguments, status=0):
        assert main([str(a) for a in arguments]) == status
        return capfd.readouterr()

    return run


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A repository with an index, of which each test has a copy."""
    repo = Repo(tmp_path_factory.mktemp("begun") / "repo")
    repo.padding = WORDS
    repo.commit("one", {"src/lib.rs": RUST})
    repo.commit("two", {"src/lib.rs": RUST.replace("{}", "{ work(); }")})
    assert main(["backfill", "-C", str(repo.path)]) == 0
    return repo


@pytest.fixture
def filled(repo, begun, monkeypatch):
    repo.fill_from(begun)
    monkeypatch.chdir(repo.path)
    return repo


def test_backfill_says_what_it_did_and_does_it_once(repo, cli):
    repo.commit("one", {"src/lib.rs": RUST, "bad.rs": "fn ("})
    assert "1 commit and 2 file versions ingested" in cli("backfill").out
    assert json.loads(cli("backfill", "--json").out)["n_commits"] == 0


def test_a_larger_limit_reads_what_status_says_was_too_large(repo, cli):
    repo.commit("one", {"src/lib.rs": RUST, "big.rs": "fn big() {}\n" * 20})
    cli("backfill", "--max-bytes", "100")
    advice = "1; `rsidx backfill --max-bytes BYTES` reads up to that size"
    assert f"too large      {advice}" in cli("status").out
    assert "1 file version read that the index lacked before" in cli("backfill").out
    assert "too large" not in cli("status").out


def test_status_counts_and_says_how_far_behind_it_is(filled, cli):
    assert "every branch is indexed" in cli("status").out
    filled.commit("three")
    filled.git("checkout", "-q", "-b", "topic")
    filled.commit("four")
    found = json.loads(cli("status", "--json").out)
    assert found["behind"] == {"HEAD": 2, "refs/heads/main": 1, "refs/heads/topic": 2}
    assert found["counts"]["n_commits"] == 2
    assert found["hook"] == "absent"


def test_symbols_gives_path_line_kind_and_signature(filled, cli):
    filled.commit("shift", {"src/lib.rs": "// One line more.\n" + RUST})
    cli("backfill")
    assert cli("symbols", "act").out == "src/lib.rs:6: method pub fn act(&self)\n"
    assert cli("symbols", "act", "--at", "HEAD~1").out.startswith("src/lib.rs:5:")
    found = json.loads(cli("symbols", "Thing", "--json").out)
    assert [(at["kind"], at["line"]) for at in found] == [("struct", 3), ("impl", 5)]
    assert json.loads(cli("symbols", "Thing::act", "--json").out)[0]["container"] == "impl Thing"
    assert "no definition of nothing" in cli("symbols", "nothing", status=1).err


def test_symbols_says_what_is_not_indexed(filled, cli):
    filled.commit("three", {"new.rs": "fn new() {}\n"})
    assert "1 file of HEAD not indexed" in cli("symbols", "Thing").err


def test_show_gives_the_edits_chunk_by_chunk(filled, cli):
    out = cli("show", "HEAD").out
    assert "modify fn act in impl Thing at src/lib.rs:5" in out
    assert "-    pub fn act(&self) {}\n+    pub fn act(&self) { work(); }" in out
    [edit] = json.loads(cli("show", "HEAD", "--json").out)["edits"]
    assert (edit["old_line"], edit["new_line"], edit["change"]) == (5, 5, "modify")
    filled.commit("three")
    assert "is not indexed" in cli("show", "HEAD", status=1).err


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
    ]  # fmt: skip
    assert answer["context"][0]["text"] == "impl Holder {\n    fn rest(&self)\n}\n"
    [struct] = json.loads(cli("context", "src/holder.rs:Holder", "--json").out)
    assert [(p["rule"], p["symbol"], p["path"], p["text"]) for p in struct["context"]] == [
        ("import", "Thing", "src/lib.rs", "/// A thing.\npub struct Thing;\n"),
        ("imports", "", "src/holder.rs", "use crate::Thing;\n"),
        ("outline", "Holder", "src/holder.rs",
         "impl Holder {\n    pub fn run(&self)\n    fn rest(&self)\n}\n"),
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


def test_members_of_impls_of_one_trait_are_told_apart(filled, cli, tmp_path):
    method = "    fn from(_: {0}) -> Thing {{\n        Thing\n    }}\n"
    impls = "".join(
        f"impl From<{of}> for Thing {{\n{method.format(of)}}}\n" for of in ("u8", "u16")
    )
    filled.commit("Make things of numbers", {"src/lib.rs": RUST + impls})
    cli("backfill")
    cli("tokenizer", "train", tmp_path / "tok", "--size", 3000)
    cli("export", tmp_path / "out", "--tokenizer", tmp_path / "tok", "--split", "1,0,0")
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
    err = cli("apply", "src/lib.rs:Thing::from", answer, status=1).err
    assert f"is defined more than once in the file, as {paths}; say which" in err
    diff = cli("apply", "src/lib.rs:<Thing as From<u16>>::from", answer).out
    changed = [line for line in diff.splitlines()[2:] if line.startswith(("-", "+"))]
    assert changed == ["-        Thing", "+        todo!()"]


def test_a_prompt_whose_code_spells_a_control_token_says_so(filled, cli, tmp_path):
    odd = 'pub fn odd() -> &\'static str {\n    "<|new_code|>"\n}\n'
    filled.commit("Spell a control token", {"src/odd.rs": odd, "src/lib.rs": RUST})
    cli("backfill")
    cli("tokenizer", "train", tmp_path / "tok", "--size", 3000)
    cli("export", tmp_path / "out", "--tokenizer", tmp_path / "tok", "--split", "1,0,0")
    ask = ("prompt", "--like", tmp_path / "out", "--message", "Make it otherwise")
    assert "spells a control token" in cli(*ask, "src/odd.rs:odd").err
    assert json.loads(cli(*ask, "src/odd.rs:odd", "--json").out)["spells_control_token"] is True
    assert "spells" not in cli(*ask, "src/lib.rs:act").err


def test_context_and_prompt_can_be_asked_of_the_code_on_disk(filled, cli, tmp_path):
    cli("export", tmp_path / "out", "--tokenizer", trained(cli, tmp_path), "--split", "1,0,0")
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
    assert "syntax error in line 1" in cli("apply", "src/lib.rs:act", code, "--write", status=1).err
    assert "defined nowhere" in cli("apply", "src/lib.rs:lost", code, status=1).err
    assert "cannot be read" in cli("apply", "src/lost.rs:act", code, status=1).err
    assert "not in the worktree" in cli("apply", "../x.rs:act", code, status=1).err


def trained(cli, tmp_path):
    cli("tokenizer", "train", tmp_path / "tok", "--size", 3000)
    return tmp_path / "tok"


def test_export_and_tokenizer_work_from_end_to_end(filled, cli, tmp_path):
    assert "tokens" in cli("tokenizer", "train", tmp_path / "tok", "--size", 3000).out
    out = cli("export", tmp_path / "out", "--tokenizer", tmp_path / "tok", "--split", "1,0,0")
    assert "definitions shown in" in out.out
    assert (tmp_path / "out/train.jsonl").read_text().count("\n") == 3
    asked = ("prompt", "src/lib.rs:act", "--message", "Rest", "--like", tmp_path / "out")
    assert cli(*asked).out.endswith(
        "<|old_code|>    pub fn act(&self) { work(); }\n<|/old_code|><|new_code|>"
    )
    assert json.loads(cli(*asked, "--json").out)["n_excerpts_left_out"] == 0
    assert "is no export" in cli(*asked[:-1], tmp_path, status=1).err
    assert "all hold" in cli("verify", tmp_path / "out").out
    (tmp_path / "out/README.md").write_text("other")
    assert "README.md: its checksum does not hold" in cli("verify", tmp_path / "out", status=1).out
    found = json.loads(cli("tokenizer", "inspect", tmp_path / "tok", "--json", "--db",
                           filled.path / ".git/rsidx/index.db").out)  # fmt: skip
    assert found["split_keywords"] == found["split_macros"] == {}
    assert found["chars_per_token"] > 1
    assert found["dialects"]["starcoder2"] == []
    assert "lacks" in cli("tokenizer", "inspect", tmp_path / "tok").out


def test_an_index_that_was_copied_away_is_enough_to_export_from(filled, cli, tmp_path, monkeypatch):
    copy = tmp_path / "training" / "index.db"
    copy.parent.mkdir()
    copy.write_bytes((filled.path / ".git/rsidx/index.db").read_bytes())
    shutil.rmtree(filled.path)
    monkeypatch.chdir(copy.parent)
    cli("tokenizer", "train", "tok", "--size", 3000, "--db", copy)
    cli("export", "out", "--tokenizer", "tok", "--db", copy, "--split", "1,0,0")
    assert (copy.parent / "out/train.jsonl").read_text().count("\n") == 3
    assert "not in a git repository" in cli("status", "--db", copy, status=1).err


def test_repositories_share_an_index_by_name_and_never_mix(
    filled, make_repo, cli, tmp_path, monkeypatch
):
    shared = tmp_path / "shared.db"
    cli("backfill", "--db", shared)
    other = make_repo("other")
    other.commit("first", {"src/lib.rs": RUST})
    other.commit("second", {"src/lib.rs": RUST.replace("{}", "{ rest(); }")})
    cli("backfill", "--db", shared, "-C", other.path)
    said = cli("status", "--db", shared)
    assert "repo; the counts are also of other" in said.out
    found = json.loads(cli("status", "--db", shared, "--json").out)
    assert (found["behind"], found["repository"], found["repositories"]) == (
        {},
        "repo",
        ["repo", "other"],
    )
    cli("tokenizer", "train", tmp_path / "tok", "--size", 3000)
    options = ("--tokenizer", tmp_path / "tok", "--split", "1,0,0", "--db", shared)
    monkeypatch.chdir(tmp_path)
    err = cli("export", tmp_path / "out", *options, status=1).err
    assert "the index has repo, other; name one of them with --name" in err
    cli("export", tmp_path / "out", *options, "--name", "other")
    metas = (tmp_path / "out/train.meta.jsonl").read_text().splitlines()
    commits = {json.loads(meta)["commit"] for meta in metas}
    assert commits == set(other.git("rev-list", "HEAD").split())
    cli("export", tmp_path / "named", *options, "-C", other.path)
    assert (tmp_path / "named/train.meta.jsonl").read_text().splitlines() == metas
    measure = ("tokenizer", "inspect", tmp_path / "tok", "--db", shared)
    assert "name one of them with --name" in cli(*measure, status=1).err
    assert "coverage" in cli(*measure, "--name", "other").out
    unknown = make_repo("third")
    unknown.commit("first")
    err = cli("status", "--db", shared, "-C", unknown.path, status=1).err
    assert err == "rsidx: the index has repo, other, and no third\n"
    stranger = make_repo("elsewhere/repo")
    stranger.commit("stranger", {"src/lib.rs": RUST})
    err = cli("backfill", "--db", shared, "-C", stranger.path, "--name", "repo", status=1).err
    assert "the index has another repository called repo" in err
    err = cli("backfill", "--db", shared, "-C", stranger.path).err
    assert "in the index as elsewhere/repo" in err
    err = cli("backfill", "--db", shared, "-C", stranger.path, "--name", "own").err
    assert "elsewhere/repo is now called own in the index" in err
    assert filled.path.exists()


def test_a_vocabulary_without_room_for_the_keywords_is_refused(filled, cli, tmp_path):
    err = cli("tokenizer", "train", tmp_path / "tok", "--size", 400, status=1).err
    assert err == "rsidx: a vocabulary of 400 has no room for Rust's keywords and macros\n"
    assert not (tmp_path / "tok").exists()
    assert filled.path.exists()


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [(("backfill", "nowhere"), 1, "rsidx: 'nowhere' names no commit"),
     (("backfill", "--jobs", "0"), 2, "Invalid value for '--jobs'"),
     (("backfill", "--since", "no date"), 1, "'no date' is no date in the past"),
     (("status",), 1, "run `rsidx backfill` first"),
     (("export", "out"), 2, "Missing option '--tokenizer'"),
     (("export", "out", "--tokenizer", "/nowhere.json"), 1, "there is no"),
     (("-C", "x"), 2, "No such option"),
     (("backfill", "-C", "/nowhere"), 1, "is not a folder"),
     (("nonsense",), 2, "No such command"),
     (("exprt",), 2, "No such command 'exprt'. Did you mean export?")],
)  # fmt: skip
def test_bad_input_gets_a_clear_line_and_its_status(cli, arguments, status, says):
    err = cli(*arguments, status=status).err
    assert says in err
    assert "Traceback" not in err


def test_a_fault_of_several_lines_is_printed_as_one(cli, monkeypatch):
    def fail(*_, **__):
        raise IndexStoreError("the server says:\n\tis it running?\n")

    monkeypatch.setattr("rsidx.api.index.sync", fail)
    assert cli("backfill", status=1).err == "rsidx: the server says: is it running?\n"


def test_the_unexpected_ends_with_3_and_a_report_to_paste(cli, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("rsidx.api.index.sync", fail)
    err = cli("backfill", status=3).err
    assert "Traceback" not in err
    report = err.rstrip().rsplit(" ", 1)[-1]
    assert "ZeroDivisionError" in Path(report).read_text("utf-8")


def test_escape_sequences_of_a_message_do_not_reach_the_terminal(filled, cli):
    filled.commit("evil \x1b]0;title\x07\x1b[31mred", {"src/lib.rs": "fn x() {}\n"})
    cli("backfill")
    assert "\x1b" not in cli("show", "HEAD").out


INTERRUPTED = """
import signal, sys
from rsidx.__main__ import main
from rsidx.indexer.ingest import Ingester
write = Ingester._write
def interrupted(*args, **named):
    done = write(*args, **named)
    signal.raise_signal(signal.SIGINT)
    return done
# A shell that runs the tests in the background has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
Ingester._write = interrupted
sys.exit(main(sys.argv[1:]))
"""
"""Runs rsidx with Ctrl-C behind the first batch."""


@pytest.mark.slow
def test_interrupted_it_ends_with_130_and_goes_on_where_it_stopped(repo, cli):
    commits = []
    for n in range(4000):
        repo.time += 60
        files = f"M 100644 inline src/m{n % 7}.rs\ndata <<END\nfn f{n}() {{ go({n}); }}\nEND\n"
        stream = f"commit refs/heads/main\ncommitter C <c@d> {repo.time} +0000\ndata 1\nx\n"
        commits.append(stream + files)
    repo.git("fast-import", "--quiet", stdin="".join(commits).encode())
    command = [sys.executable, "-c", INTERRUPTED, "backfill", "--jobs", "1", "-C", str(repo.path)]
    ended = subprocess.run(command, capture_output=True, check=False, text=True)
    said = "rsidx: interrupted; run it again, and it goes on from here"
    assert (ended.returncode, ended.stderr.strip()) == (130, said)
    done = json.loads(cli("status", "--json").out)["counts"]["n_commits"]
    assert 0 < done < 4000
    assert json.loads(cli("backfill", "--json").out)["n_commits"] == 4000 - done


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error(filled):
    command = f"{sys.executable} -m rsidx show HEAD --json -C {filled.path} | head -c 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


def test_the_log_lies_beside_the_index_for_its_owner_alone(filled):
    log = filled.path / ".git/rsidx/index.db.log"
    assert log.stat().st_mode & 0o777 == 0o600


def test_symbols_of_the_code_on_disk(filled, cli):
    (filled.path / "src/new.rs").write_text("// first\npub fn unsaved() {}\n")
    (filled.path / "src/lib.rs").unlink()
    assert (
        cli("symbols", "unsaved", "--at", "worktree").out == "src/new.rs:2: fn pub fn unsaved()\n"
    )
    assert "no definition" in cli("symbols", "unsaved", status=1).err
    assert "src/lib.rs" in cli("symbols", "act").out
    assert "src/lib.rs" not in cli("symbols", "act", "--at", "worktree", status=1).out


@pytest.mark.usefixtures("wordy")
def test_an_export_in_a_linked_worktree_is_of_its_own_branch(
    filled, cli, tmp_path, tokenizer_file, monkeypatch, read_jsonl
):
    filled.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    linked = type(filled)(tmp_path / "linked")
    linked.time = filled.time + 1000
    oid = linked.commit("on the side", {"src/side.rs": "pub fn side() -> u32 { 1 }\n"})
    cli("backfill", "--all")
    options = ("--tokenizer", tokenizer_file, "--split", "1,0,0", "--keep", "messages")
    cli("export", tmp_path / "main", *options)
    monkeypatch.chdir(linked.path)
    cli("export", tmp_path / "side", *options)
    commits = {
        name: {row["commit"] for row in read_jsonl(tmp_path / name / "train.meta.jsonl")}
        for name in ("main", "side")
    }
    assert commits["side"] == {*commits["main"], oid}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("command", [["status"], ["symbols", "Thing", "--json"], ["--help"]])
def test_a_full_disk_behind_stdout_is_one_line(command):
    program = [sys.executable, "-P", "-m", "rsidx", *command]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "rsidx: No space left on device\n")


def test_the_unexpected_is_printed_where_no_file_can_be_written(cli, monkeypatch, tmp_path):
    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("rsidx.api.index.sync", fail)
    with monkeypatch.context() as patched:
        patched.setattr(tempfile, "tempdir", str(tmp_path / "none"))
        err = cli("backfill", status=3).err
    assert err.startswith("rsidx: unexpected error; please report it with this:\nrsidx ")
    assert "ZeroDivisionError" in err
