"""Targets have the line ends of the old code, the meta line says so, and what is left is proven."""

import json

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.layout import write_checksums
from rsidx.exporters.export import export


def item(name, n):
    return f"pub fn {name}() -> usize {{\n    let limit = {n};\n    (0..limit).sum()\n}}\n"


def crlf(text):
    return text.replace("\n", "\r\n")


@pytest.fixture
def exported(repo, index, tokenizer_file, tmp_path, read_jsonl):
    """Return manifest and meta lines of a history that changes line ends, and the folder."""
    both = item("one", 3) + item("two", 3)
    repo.commit("Count to three", {"src/lib.rs": both, "src/dos.rs": crlf(item("dos", 3))})
    third = both + item("three", 4)
    changed = third.replace("let limit = 3", "let n = 5", 1)
    repo.commit("Count on, from DOS", {"src/lib.rs": crlf(changed)})
    repo.commit("Count from Unix", {"src/dos.rs": item("dos", 5)})
    index.sync()

    def do(**options):
        out = tmp_path / f"out {options}"
        settings = {"split": "1,0,0", "text": True, "keep": ("near_duplicates",), **options}
        manifest = export(index.database, out, ExportConfig(str(tokenizer_file), **settings))
        assert index.problems(out) == []
        return manifest, read_jsonl(out / "train.meta.jsonl"), out

    return do


def shown(metas, since):
    return {
        meta["symbol"]: (meta.get("line_ends"), "\r" in meta["text"]["new"])
        for meta in metas[since:]
    }


def test_a_target_has_the_line_ends_of_the_old_code_or_file(exported):
    manifest, metas, _ = exported()
    assert shown(metas, 2) == {
        "one": ("lf", False), "three": ("lf", False), "dos": ("crlf", True),
    }  # fmt: skip
    assert manifest["counts"]["examples_with_old_line_ends"] == 3
    # Of `two`, the line ends alone changed.
    assert manifest["dropped"]["edits_formatting"] == 1
    assert not any("line_ends" in meta for meta in metas[:2])


def test_line_ends_stay_as_committed_by_choice(exported):
    manifest, metas, _ = exported(line_ends="keep")
    assert shown(metas, 2) == {"one": (None, True), "three": (None, True), "dos": (None, False)}
    assert manifest["counts"]["examples_with_old_line_ends"] == 0


def test_of_a_long_edit_a_part_that_changes_line_ends_alone_is_left_out(
    repo, index, tokenizer_file, tmp_path, read_jsonl
):
    words = "words " * 9
    items = [item(f"count_to_{n}", n).replace("(0", f"// {words}end\n    (0") for n in range(4)]
    repo.commit("Count to three", {"src/lib.rs": "".join(items)})
    items[2] = items[2].replace("limit = 2", "limit = 22")
    repo.commit("Count on, from DOS", {"src/lib.rs": crlf("".join(items))})
    index.sync()
    config = ExportConfig(
        str(tokenizer_file), split="1,0,0", level="file", max_chars=200, text=True
    )
    manifest = export(index.database, tmp_path / "out", config)
    assert index.problems(tmp_path / "out") == []
    metas = read_jsonl(tmp_path / "out/train.meta.jsonl")
    rows = [meta for meta in metas if "line_ends" in meta]
    assert [meta["text"]["new"] for meta in rows] == [items[2]]
    assert rows[0]["part"] == [3, 4]
    assert manifest["dropped"]["parts_line_ends"] == 3


def test_verify_sees_line_ends_that_are_not_the_old_codes(exported, index):
    _, _, out = exported()
    file = out / "train.meta.jsonl"
    lines = file.read_text().splitlines()
    for number, line in enumerate(lines):
        meta = json.loads(line)
        if "line_ends" in meta:
            meta["line_ends"] = {"lf": "crlf", "crlf": "lf"}[meta["line_ends"]]
            lines[number] = json.dumps(meta)
    file.write_text("\n".join(lines) + "\n")
    write_checksums(out)
    problems = index.problems(out)
    assert problems.count("its line ends are not those of the old code") == 3
    assert sum("the new code is not what" in problem for problem in problems) == 3
