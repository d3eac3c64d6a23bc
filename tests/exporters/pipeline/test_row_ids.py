"""The id of a row says what kind of row it is, and of what place of what commit."""

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from rsidx.exporters.kinds import KINDS
from tests.results import NEEDED, write_result

pytestmark = pytest.mark.usefixtures("wordy")


@pytest.fixture
def ids(repo, index, tokenizer_of, tmp_path, read_jsonl):
    def body(n):
        lines = "".join(f"    let line_{k} = step({k}, {n});\n" for k in range(12))
        return f"pub fn long() {{\n{lines}}}\n\npub fn f{n}() -> u32 {{\n    g({n})\n}}\n"

    repo.commits((f"write number {n}", {"src/lib.rs": body(n), f"src/m{n}.rs": body(n)})
                 for n in range(8))  # fmt: skip
    index.sync()
    tokenizer = tokenizer_of("starcoder2")

    def read(name, kind="edit", **options):
        options |= {"kind": kind}
        if kind in NEEDED:
            edits = tmp_path / f"{name}-edits"
            export(index.database, edits, ExportConfig(str(tokenizer), split="1,0,0"))
            result = write_result(tmp_path / f"{name}-result", edits)
            options |= {**NEEDED[kind], "from_results": (result,)}
        config = ExportConfig(
            tokenizer=str(tokenizer), split="1,0,0", keep=("duplicates", "near_duplicates"),
            **options,
        )  # fmt: skip
        export(index.database, tmp_path / name, config)
        return [meta["id"] for meta in read_jsonl(tmp_path / name / "train.meta.jsonl")]

    return read


def test_no_two_rows_of_any_kinds_have_one_id(ids):
    found = [row_id for kind in KINDS for row_id in ids(kind, kind=kind)]
    found += ids("file", level="file")
    assert len(found) > 60
    assert len(found) == len(set(found))


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_has_one_id_whatever_else_is_asked_for(ids, kind):
    usual = ids("usual", kind=kind)
    assert ids("other", kind=kind, context_tokens=0, text=True) == usual
    assert ids("native", kind=kind, markers="native") == usual


def test_parts_of_an_edit_have_ids_of_their_own(ids):
    whole, parts = ids("whole"), ids("parts", max_chars=200)
    assert len(parts) > len(whole)
    assert len(parts) == len(set(parts))
    assert set(parts) & set(whole)
