"""Which code is test code: by its folder, its file's name, its module, its attributes."""

import re

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.reader import config_of
from rsidx.exporters.edits.pairing import commit_edits
from rsidx.exporters.edits.test_code import is_test_file
from rsidx.exporters.export import export
from rsidx.exporters.questions.prompt import prompt_at
from rsidx.exporters.questions.target import Target
from rsidx.store import queries
from rsidx.store.reader import Reader


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/all.rs", True), ("crates/a/tests/common/mod.rs", True), ("benches/b.rs", True),
        ("src/tests/mod.rs", True), ("src/tests.rs", True), ("src/a/test.rs", True),
        ("src/config_test.rs", True), ("src/config_tests.rs", True), ("src/latest.rs", False),
        ("src/testing.rs", False), ("src/tests_of.rs", False), ("src/contests/a.rs", False),
        ("tests.rs/a.rs", False), ("attests/a.rs", False),
    ],
)  # fmt: skip
def test_a_path_says_so_by_a_folder_or_its_name(repo, index, path, expected):
    repo.commit("Begin", {path: "fn helper() {}\n\n#[test]\nfn works() {}\n"})
    for known in (True, False):
        assert is_test(index, is_known=known) is expected


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("src/cmd/test.rs", "pub fn execute() {}\n", False),
        ("src/cmd/test.rs", "pub fn a() {}\n\n#[cfg(test)]\nmod tests {\n    use a;\n}\n", True),
        ("src/a/tests.rs", "use super::*;\n\n#[tokio::test]\nasync fn works() {}\n", True),
        ("src/a/tests.rs", "", True),
        ("tests/a.rs", "pub fn helper() {}\n", True),
    ],
)
def test_a_name_alone_says_so_of_a_file_with_a_test(repo, index, path, text, expected):
    repo.commit("Begin", {path: text})
    assert is_test(index, is_known=True) is expected
    assert is_test(index, is_known=False)


def is_test(index, *, is_known):
    index.sync()
    with index.database.reading() as connection:
        reader = Reader(connection, queries.repository_id(connection, None))
        [change] = reader.changes(reader.commits()[-1].id)
        return is_test_file(reader, change.path_id, change.new_blob_id if is_known else None)


def item(name, n):
    return f"fn {name}() -> usize {{\n    let limit = {n};\n    (0..limit).sum()\n}}\n"


FILES = {
    "Cargo.toml": '[package]\nname = "p"\n[[test]]\nname = "whole"\npath = "whole/main.rs"\n',
    "src/lib.rs": """#[cfg(test)]
use std::fmt;

#[cfg(test)]
mod checks;
mod plain;

{lib}
#[cfg(test)]
mod inner {{
    use super::*;

    const LIMIT: usize = {n};

    {inner}
}}
""",
    "src/checks.rs": "mod deep;\n{checks}",
    "src/checks/deep.rs": "use std::io;\n\n{deep}",
    "src/plain.rs": "{plain}",
    "tests/common/mod.rs": "use std::path::Path;\n\n{common}",
    "benches/speed.rs": "{speed}",
    "whole/main.rs": "mod part;\n{whole}",
    "whole/part.rs": "{part}",
}
HELPERS = ("lib", "inner", "checks", "deep", "plain", "common", "speed", "whole", "part")
OF_TESTS = set(HELPERS) - {"lib", "plain"}
IMPORTS = re.compile(r"(?:#\[cfg\(test\)\]\n)? *use .*;\n\n")


def files(n):
    names = {name: item(name, n) for name in HELPERS}
    return {
        path: text if path == "Cargo.toml" else text.format(**names, n=n)
        for path, text in FILES.items()
    }


@pytest.fixture
def exported(repo, index, tokenizer_file, tmp_path, read_jsonl):
    without = {path: IMPORTS.sub("", text) for path, text in files(3).items()}
    repo.commit("Add helpers of all kinds", without)
    repo.commit("Import what they are to use", files(3))
    repo.commit("Count on in all of them", files(4))
    index.sync()

    def do(**options):
        settings = {"split": "1,0,0", "text": True, **options}
        settings["keep"] = ("near_duplicates", "duplicates")
        out = tmp_path / f"out {options}"
        manifest = export(index.database, out, ExportConfig(str(tokenizer_file), **settings))
        assert index.problems(out) == []
        return manifest, read_jsonl(out / "train.jsonl"), read_jsonl(out / "train.meta.jsonl"), out

    return do


def test_helpers_constants_and_imports_of_tests_are_test_code(exported):
    manifest, _, metas, _ = exported()
    changed = {meta["symbol"]: meta["is_test"] for meta in metas if meta["change"] == "modify"}
    assert changed == {**{name: name in OF_TESTS for name in HELPERS}, "LIMIT": True}
    imports = {
        (meta["path"], meta["container"][:3]): meta["is_test"]
        for meta in metas
        if meta["kind"] == "imports"
    }
    assert imports[("tests/common/mod.rs", "")]
    assert imports[("src/lib.rs", "")]
    n_marked = sum(meta["is_test"] for meta in metas)
    assert manifest["counts"]["examples_of_test_code"] == n_marked


def test_items_of_a_new_file_are_test_code_where_all_of_them_are(repo, index):
    one, two = item("one", 1), item("two", 2)
    repo.commit("Add files of all kinds", {
        "src/mixed.rs": f"use std::fmt;\n\n#[cfg(test)]\n{one}\n{two}",
        "src/marked.rs": f"use std::fmt;\n\n#[cfg(test)]\n{one}\n#[cfg(test)]\n{two}",
        "tests/all.rs": f"use std::fmt;\n\n{one}\n{two}",
    })  # fmt: skip
    index.sync()
    with index.database.reading() as connection:
        reader = Reader(connection, queries.repository_id(connection, None))
        changes = reader.changes(reader.commits()[-1].id)
        edits = commit_edits(reader, changes, new_file_bytes=4000).edits
        found = {reader.path(e.path_id): (e.kind, e.is_test) for e in edits}
    assert found == {
        b"src/marked.rs": ("items", True), b"src/mixed.rs": ("items", False),
        b"tests/all.rs": ("items", True),
    }  # fmt: skip


def test_a_prompt_is_marked_as_its_row_is(exported, index):
    _, rows, metas, out = exported(earlier=("none",))
    asked = 0
    for row, meta in zip(rows, metas, strict=True):
        if meta["change"] != "modify" or meta["symbol"] == "LIMIT":
            continue
        target = Target(bytes.fromhex(meta["parent"]), meta["path"], meta["symbol"])
        message = meta["text"]["message"]
        prompt = prompt_at(index.database, "repo", target, message, config_of(out))
        assert ("<|test_code|>" in prompt.text) is meta["is_test"]
        n_prompt = meta["n_tokens"]["total"] - meta["n_tokens"]["new"] - 1
        assert prompt.input_ids == row["input_ids"][:n_prompt], meta["symbol"]
        asked += 1
    assert asked == len(HELPERS)
