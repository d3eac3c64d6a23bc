"""What stands in front of the loss does not depend on the answer."""

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export

LIB = """mod far;
mod near;

use near::Near;

pub struct Shape {
    pub side: u32,
}

impl Shape {
    pub fn new(side: u32) -> Self {
        Shape { side }
    }

    pub fn area(&self) -> u32 {
        self.side * self.side
    }
}

pub fn kept(near: Near) -> u32 {
    near.x
}

mod inner {
    pub fn inside() {}
}
"""
FILES = {
    "Cargo.toml": '[package]\nname = "p"\nversion = "0.1.0"\nlicense = "MIT"\n',
    "src/lib.rs": LIB,
    "src/near.rs": "pub struct Near {\n    pub x: u32,\n}\n",
    "src/far.rs": "pub struct Far;\n\nimpl Far {\n    pub fn go(&self) -> u32 {\n        1\n    }\n"
    "}\n\npub fn distant() -> Far {\n    Far\n}\n",
}
LONG = "".join(f"        let value_{n} = crate::far::distant().go() + {n};\n" for n in range(12))
CASES = {
    "the body of a method": [
        (LIB, "self.side * self.side", new)
        for new in ("self.side", "crate::far::distant().go() + self.side", f"0;\n{LONG}        1")
    ],
    "an added function": [
        (LIB, "mod inner {", f"{new}\n\nmod inner {{")
        for new in (
            "fn added() {}",
            "pub struct Added {\n    pub far: crate::far::Far,\n}",
            "#[test]\nfn added() {\n    assert_eq!(crate::far::distant().go(), 1);\n}",
            "fn added() -> u32 {\n    crate::far::distant().go() + kept(Near { x: 3 })\n}",
            f"fn added() -> u32 {{\n{LONG}        crate::far::distant().go()\n}}",
        )
    ],
    "an added method": [
        (LIB, "    pub fn area", f"    {new}\n\n    pub fn area")
        for new in ("fn less(&self) {}", "fn more(&self) -> Near {\n        Near { x: 1 }\n    }")
    ],
    "imports": [
        (LIB, "use near::Near;", new)
        for new in ("use far::Far;\nuse near::Near;", "use std::fmt;\nuse near::Near;")
    ],
    "a new file": [
        ("", "", new)
        for new in (
            "pub fn one() {}\n",
            "pub struct One(pub crate::far::Far);\n",
            f"pub fn two() -> u32 {{\n{LONG}        2\n}}\n",
        )
    ],
}


@pytest.fixture
def prompts(repo, index, tokenizer_file, tmp_path, read_jsonl):
    """Return the ids in front of the loss of variants of a commit, by path and symbol."""

    def do(files, variants, **options):
        repo.commit("The parent of them all", files)
        parent = repo.git("rev-parse", "HEAD")
        commits = {}
        for number, variant in enumerate(variants):
            repo.git("checkout", "-q", "-B", f"variant{number}", parent)
            repo.commit("Change it as somebody asked", variant)
            commits[repo.git("rev-parse", "HEAD")] = {}
        branches = tuple(f"variant{number}" for number in range(len(variants)))
        index.sync(all_refs=True)
        out = tmp_path / "out"
        given = {"split": "1,0,0", "embargo": "0", "given": 0.0, "revisions": branches, **options}
        keep = ("duplicates", "near_duplicates", "related")
        config = ExportConfig(str(tokenizer_file), keep=keep, **given)
        export(index.database, out, config)
        assert index.problems(out) == []
        for row, meta in zip(
            read_jsonl(out / "train.jsonl"), read_jsonl(out / "train.meta.jsonl"), strict=True
        ):
            if meta["parent"] == parent and meta["part"] == [1, 1]:
                first = next(n for n, label in enumerate(row["labels"]) if label != -100)
                found = commits[meta["commit"]]
                found[meta["path"], meta["symbol"]] = tuple(row["input_ids"][:first])
        return list(commits.values())

    return do


def variants_of(case):
    for text, before, after in CASES[case]:
        assert text.count(before) == 1 or not text
        name = "src/lib.rs" if text else "src/fresh.rs"
        yield {name: text.replace(before, after) or after}


@pytest.mark.parametrize("options", [{}, {"max_tokens": 400, "context_tokens": 200}])
@pytest.mark.parametrize("case", CASES)
def test_another_answer_has_the_same_prompt(prompts, case, options):
    variants = prompts(FILES, list(variants_of(case)), **options)
    found = [ids for rows in variants for ids in rows.values()]
    # What is long does not fit beside so much context, or is cut into parts.
    assert len(found) == len(CASES[case]) if not options else len(found) > 1
    assert len(set(found)) == 1


@pytest.mark.parametrize("markers", ["extended", "native"])
def test_what_is_made_later_moves_nothing_that_was_made_before(prompts, markers):
    far = f"use std::fmt;\n\n{FILES['src/far.rs']}"
    lib = LIB.replace("self.side * self.side", "far::distant().go() * far::Far.go()")
    made = far.replace("        1\n", "        let one = 1;\n        one + one\n")
    uses = ["use std::io;", "\n".join(f"use std::fmt::Some{n};" for n in range(20))]
    variants = prompts(
        {**FILES, "src/far.rs": far, "src/lib.rs": lib},
        [
            {
                "src/far.rs": made.replace("use std::fmt;", use),
                "src/lib.rs": lib.replace("* far::Far", "+ far::Far"),
            }
            for use in uses
        ],
        markers=markers,
    )
    keys = [("src/far.rs", "go"), ("src/lib.rs", "area"), ("src/far.rs", "")]
    assert [list(rows) for rows in variants] == [keys, keys]
    assert variants[0] == variants[1]


def test_code_that_outgrows_what_stood_there_is_left_out_and_not_cut(
    repo, index, tokenizer_file, tmp_path, read_jsonl
):
    repo.commit("The parent", FILES)
    body = LIB.replace("near.x\n", LONG.replace("value", "first") + LONG + "    near.x\n")
    repo.commit("Let it grow", {"src/lib.rs": body})
    index.sync()
    config = ExportConfig(str(tokenizer_file), split="1,0,0", max_tokens=700, text=True)
    manifest = export(index.database, tmp_path / "out", config)
    assert index.problems(tmp_path / "out") == []
    assert manifest["dropped"]["parts_grown"] > 1
    metas = read_jsonl(tmp_path / "out" / "train.meta.jsonl")
    assert [meta["symbol"] for meta in metas if meta["change"] == "modify"] == []
