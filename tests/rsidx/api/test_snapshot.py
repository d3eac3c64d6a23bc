"""The code at a commit or on disk: definitions, references, context and prompts."""

import json

import pytest

import rsidx
from rsidx.__main__ import main

FILES = {
    "Cargo.toml": '[package]\nname = "x"\n',
    "src/lib.rs": "mod ledger;\n\npub fn total(ledger: &ledger::Ledger) -> u32 {\n"
    "    ledger.sum()\n}\n",
    "src/ledger.rs": "pub struct Ledger {\n    pub rows: Vec<u32>,\n}\n\nimpl Ledger {\n"
    "    pub fn sum(&self) -> u32 {\n        self.rows.iter().sum()\n    }\n}\n",
}


@pytest.fixture
def filled(repo):
    repo.commit("Begin with a ledger", FILES)
    with rsidx.open(repo.path) as index:
        index.backfill()
    return repo


@pytest.fixture
def index(filled):
    with rsidx.open(filled.path) as opened:
        yield opened


@pytest.fixture
def command(filled, capsys):
    def run(*args):
        assert main([*args, "-C", str(filled.path)]) == 0
        return capsys.readouterr().out

    return run


def test_a_definition_is_found_as_the_command_finds_it(index, command):
    [found] = index.at().symbols("Ledger::sum")
    assert (found.path, found.line, found.kind) == ("src/ledger.rs", 6, "method")
    assert found.signature == "pub fn sum(&self) -> u32"
    assert command("symbols", "Ledger::sum") == f"src/ledger.rs:6: method {found.signature}\n"
    assert index.at("HEAD").symbols("nothing") == []
    assert index.at().n_missing_files() == 0


def test_references_are_found_as_the_command_finds_them(index, command):
    uses = index.at().references("Ledger")
    assert ("src/lib.rs", 3) in [(use.path, use.line) for use in uses]
    shown = json.loads(command("refs", "Ledger", "--json"))
    assert [(one["path"], one["line"], one["text"]) for one in shown] == [
        (use.path, use.line, use.text) for use in uses
    ]


def test_context_is_that_of_the_command(index, command):
    [answer] = index.at().context("src/lib.rs", "total", context_with=["tests"])
    assert (answer.path, answer.line, answer.symbol) == ("src/lib.rs", 3, "total")
    assert [excerpt.symbol for excerpt in answer.context]
    shown = json.loads(command("context", "src/lib.rs:total", "--json", "--context-with", "tests"))
    assert [one["text"] for one in shown[0]["context"]] == [one.text for one in answer.context]


def test_a_prompt_is_written_like_a_data_set(index, command, tokenizer_file, tmp_path):
    data = index.export(tmp_path / "out", rsidx.ExportConfig(str(tokenizer_file), split="1,0,0"))
    for like in (data, tmp_path / "out", str(tmp_path / "out")):
        found = index.at().prompt("src/lib.rs", "total", "Sum it up", like=like)
        assert found.text == command(
            "prompt", "src/lib.rs:total", "--message", "Sum it up", "--like", str(tmp_path / "out")
        )
    assert (found.n_excerpts_left_out, len(found.input_ids) > 20) == (0, True)
    assert "ledger.sum()" in found.text


def test_code_on_disk_is_seen_before_it_is_committed(filled, index):
    (filled.path / "src/ledger.rs").write_text("pub struct Ledger;\n")
    (filled.path / "src/new.rs").write_text("// first\npub fn unsaved() {}\n")
    disk = index.at("worktree")
    assert [(one.path, one.line) for one in disk.symbols("unsaved")] == [("src/new.rs", 2)]
    assert disk.symbols("Ledger::sum") == []
    assert [one.line for one in disk.symbols("Ledger")] == [1]
    assert index.at().symbols("unsaved") == []


def test_files_that_are_not_indexed_are_counted(filled, index):
    filled.commit("Add what is not indexed yet", {"src/new.rs": "pub fn new() {}\n"})
    code = index.at()
    assert (code.symbols("new"), code.n_missing_files()) == ([], 1)
    index.update()
    assert (len(code.symbols("new")), code.n_missing_files()) == (1, 0)
