"""What is not Rust is left out: fragments of what does not parse, conflicts, broken manifests."""

import json

import pytest
from sqlalchemy import delete, select

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from rsidx.store import schema
from rsidx.store.reader import Reader

GOOD = "pub fn good() -> u8 {\n    let n = 1;\n    n + 1\n}\n"
LONG = "".join(
    f"pub fn f{n}(x: u8) -> u8 {{\n    let y = x + {n};\n    y * 2\n}}\n\n" for n in range(20)
)


@pytest.fixture
def rows(repo, index, tokenizer_file, tmp_path):
    """Return a function that commits files, exports, and returns the rows' code and the counts."""

    def made(files, **options):
        repo.commit("Write what was to be written here", files)
        index.sync()
        config = ExportConfig(str(tokenizer_file), split="1,0,0", columns="text", **options)
        out = tmp_path / "out"
        manifest = export(index.database, out, config)
        lines = out.joinpath("train.jsonl").read_text().splitlines()
        return [json.loads(line)["completion"] for line in lines], manifest["dropped"]

    return made


def test_new_code_with_an_error_is_left_out_and_the_rest_of_its_file_is_not(rows):
    broken = "pub fn broken(x: u8) -> u8 {\n    let y = x +;\n    y\n}\n"
    found, dropped = rows({"src/lib.rs": LONG + broken + GOOD})
    assert dropped["edits_syntax"] == 1
    # What is in front of it is one edit, and so is what is behind it.
    assert [row.count("pub fn") for row in found] == [20, 1]
    assert not any("broken" in row for row in found)


def test_keep_syntax_brings_it_back(rows):
    broken = "pub fn broken(x: u8) -> u8 {\n    let y = x +;\n    y\n}\n"
    found, dropped = rows({"src/lib.rs": LONG + broken}, keep=("syntax",))
    assert "edits_syntax" not in dropped
    assert any("broken" in row for row in found)


def test_code_of_a_file_of_which_a_tenth_cannot_be_parsed_is_left_out(rows):
    output = "\n".join(f"[{n}m fn [0m {n} ]" for n in range(9)) + "\n"
    found, dropped = rows({"src/lib.rs": GOOD + output, "src/main.rs": GOOD.replace("good", "so")})
    assert [row.split("(")[0] for row in found] == ["pub fn so"]
    assert dropped["edits_syntax"] >= 2


def test_code_with_marks_of_a_conflict_is_left_out(rows):
    conflict = "<<<<<<< HEAD\n    a!(1),\n=======\n    a!(2),\n>>>>>>> theirs\n"
    literal = f'pub const SHOWN: &str = "\n{conflict}";\n'
    found, dropped = rows({"src/lib.rs": f"{LONG}m! {{\n{conflict}}}\n", "src/main.rs": literal})
    assert dropped["edits_syntax"] == 1
    assert sum("<<<<<<<" in row for row in found) == 1
    assert any("SHOWN" in row for row in found)


def test_a_manifest_that_is_no_toml_is_not_taken_for_rust(rows):
    files = {"Cargo.toml": "[package]\nname = {{project_name}}\n", "src/lib.rs": GOOD}
    found, dropped = rows(files)
    assert [row.split("(")[0] for row in found] == ["pub fn good"]
    assert dropped["edits_syntax"] >= 1


@pytest.mark.parametrize("options", [{"kind": "fim"}, {"kind": "sequence"}, {"level": "file"}])
def test_each_kind_of_example_leaves_out_what_is_not_rust(
    repo, index, tokenizer_of, tmp_path, read_jsonl, options
):
    broken = "pub fn broken( {\n    ]\n}\n"
    repo.commit("Write what cannot be parsed", {"src/a.rs": GOOD, "src/broken.rs": broken})
    index.sync()
    config = ExportConfig(str(tokenizer_of("starcoder2")), split="1,0,0", **options)
    dropped = export(index.database, tmp_path / "out", config)["dropped"]
    assert {meta["path"] for meta in read_jsonl(tmp_path / "out/train.meta.jsonl")} == {"src/a.rs"}
    assert dropped["edits_syntax"] >= 1


def test_a_file_that_an_older_version_of_rsidx_read_has_no_known_errors(repo, index):
    repo.commit("Write what cannot be parsed", {"src/lib.rs": "fn f( {\n", "src/a.rs": GOOD})
    index.sync()
    with index.database.writing() as connection:
        reader = Reader(connection, 1)
        [blob_id] = connection.execute(select(schema.syntax_errors.c.blob_id)).scalars()
        assert reader.syntax_errors(blob_id) == ((0, 7),)
        [good] = connection.execute(select(schema.blob.c.id).where(schema.blob.c.id != blob_id))
        assert reader.syntax_errors(good[0]) == ()
        connection.execute(delete(schema.syntax_errors))
        assert Reader(connection, 1).syntax_errors(blob_id) == ()
        connection.rollback()
