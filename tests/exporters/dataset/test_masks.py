"""Columns for trainers that know what has loss by a mask."""

import json

import pytest

from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from tests.conftest import read_lines

pytestmark = pytest.mark.usefixtures("wordy")
MASKS = ("loss_mask", "completion_mask")


@pytest.mark.parametrize("options", [{}, {"pad": True, "labels": "changed"}])
def test_masks_are_one_where_labels_have_loss(repo, index, tokenizer_file, tmp_path, options):
    repo.commits((f"number {n}", {"src/lib.rs": f"fn f() {{\n    {n};\n}}\n"}) for n in range(8))
    index.sync()
    out = tmp_path / "out"
    config = ExportConfig(str(tokenizer_file), masks=MASKS, split="1,0,0", embargo="0", **options)
    export(index.database, out, config)
    rows = read_lines(out / "train.jsonl")
    assert len(rows) == 8
    for row in rows:
        assert [*row] == ["input_ids", "attention_mask", "labels", *MASKS]
        assert row["loss_mask"] == row["completion_mask"] == [
            int(label != -100) for label in row["labels"]
        ]  # fmt: skip
    assert index.problems(out) == []
    fields = json.loads((out / "croissant.json").read_text())["recordSet"][0]["field"]
    assert [field["name"] for field in fields][-2:] == [f"train/{name}" for name in MASKS]
    assert "`loss_mask` and `completion_mask`" in (out / "README.md").read_text()
    rows[3]["completion_mask"][0] = 1
    (out / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "a mask is not where its labels have loss" in index.problems(out)


@pytest.mark.parametrize(
    "options", [{"columns": "text"}, {"columns": "messages"}, {"format": "parquet"}]
)
def test_what_has_no_place_for_a_mask_is_refused(tokenizer_file, options):
    with pytest.raises(ExportError, match="--mask is for rows of ids"):
        ExportConfig(str(tokenizer_file), masks=MASKS, **options)
