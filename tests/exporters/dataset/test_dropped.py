"""What was left out has a line with its reason, which is counted, checked and free of secrets."""

import json

import pytest
from planted import PLANTED

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.dropped import FILE
from rsidx.exporters.dataset.layout import write_checksums
from rsidx.exporters.dataset.schema import DROPPED_SCHEMA, load_schema
from rsidx.exporters.export import export

KEY = next(planted for planted in PLANTED if planted.name == "github_classic").code


def item(name, n):
    body = "".join(f"    total += {n} * factor_{line}(total, {line});\n" for line in range(8))
    return f"pub fn {name}() -> usize {{\n    let mut total = {n};\n{body}    total\n}}\n"


@pytest.fixture
def exported(repo, index, tokenizer_file, tmp_path, read_jsonl):
    first = repo.commit("Add what is counted first", {"src/a.rs": item("count", 3)})
    repo.commit("wip", {"src/wip.rs": "pub type Unsaid = Vec<u8>;\n"})
    near = item("count", 3).replace("factor_7", "factor_8")
    repo.commit(
        "Add copies and what is generated",
        {
            "src/b.rs": item("count", 3),
            "src/c.rs": near,
            "src/generated/d.rs": item("made", 5),
            "src/wip.rs": "",
        },
    )
    words = "word " * 99
    long = {"src/e.rs": f'pub const A: &str = "{words}";\n'}
    repo.commit("Add a long line that no row has", long)
    index.sync()

    def do(**options):
        out = tmp_path / f"out {options}"
        settings = {"split": "1,0,0", **options}
        manifest = export(index.database, out, ExportConfig(str(tokenizer_file), **settings))
        assert index.problems(out) == []
        return manifest, read_jsonl(out / FILE), out

    return do, first


def test_each_commit_and_edit_that_is_left_out_has_a_line(exported, read_jsonl):
    do, first = exported
    manifest, lines, out = do()
    [row] = [m for m in read_jsonl(out / "train.meta.jsonl") if m["path"] == "src/a.rs"]
    like = {"commit": first, "path": "src/a.rs", "symbol": "count", "row": row["id"]}
    found = {(line["reason"], line["path"], line["symbol"]): line.get("like") for line in lines}
    assert found == {
        ("commits_messages", None, ""): None,
        ("edits_deletions", "src/wip.rs", "Unsaid"): None,
        ("edits_duplicates", "src/b.rs", "count"): like,
        ("edits_near_duplicates", "src/c.rs", "count"): like,
        ("edits_generated", "src/generated/d.rs", "made"): None,
        ("edits_long_lines", "src/e.rs", "A"): None,
    }
    assert {line["reason"]: 1 for line in lines} == manifest["dropped"]
    assert FILE in manifest["files"]


def test_rows_of_an_edit_that_do_not_fit_have_one_line_with_their_number(exported):
    do, _ = exported
    manifest, lines, _ = do(max_tokens=64, context_tokens=0, max_chars=200, keep=("duplicates",))
    long = [line for line in lines if line["reason"] == "examples_over_max_tokens"]
    assert sum(line.get("n", 1) for line in long) == manifest["dropped"]["examples_over_max_tokens"]
    assert max(line.get("n", 1) for line in long) > 1


def test_every_key_of_the_schema_is_written(exported):
    do, _ = exported
    schema = load_schema(DROPPED_SCHEMA)
    exports = (do(), do(max_tokens=64, max_chars=200))
    keys = {key for _, lines, _ in exports for line in lines for key in line}
    # The repository is named in data sets of many alone.
    assert keys | {"repository"} == schema["properties"].keys()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda line: {**line, "path": "src/none.rs"}, "has no src/none.rs"),
        (lambda line: {**line, "commit": "0" * 40}, "do not reach 0000"),
        (lambda line: {**line, "why": "so"}, "breaks the schema"),
        (lambda line: {**line, "reason": "edits_blank"}, "1 edits_blank, the manifest says 0"),
        (lambda _: None, "0 edits_generated, the manifest says 1"),
    ],
)
def test_verify_holds_the_lines_against_git_and_the_manifest(exported, index, change, says):
    do, _ = exported
    _, lines, out = do()
    changed = [change(line) if line["reason"] == "edits_generated" else line for line in lines]
    text = "".join(json.dumps(line) + "\n" for line in changed if line is not None)
    (out / FILE).write_text(text)
    write_checksums(out)
    assert any(says in problem for problem in index.problems(out))


def test_a_name_that_holds_a_secret_is_redacted(repo, index, tokenizer_file, tmp_path, read_jsonl):
    repo.commit("Add what is vendored", {f"vendor/{KEY}/a.rs": item("copied", 4)})
    index.sync()
    config = ExportConfig(str(tokenizer_file), split="1,0,0")
    export(index.database, tmp_path / "out", config)
    [line] = read_jsonl(tmp_path / "out" / FILE)
    assert line["path"].startswith("vendor/<KEY>")
    assert KEY not in line["path"]
    assert index.problems(tmp_path / "out") == []
