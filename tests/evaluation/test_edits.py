"""The rows of an export as edits, and the answers to them."""

import json

import pytest

from rsidx import EvaluationError, ExportError
from rsidx.evaluation.asking.predictions import read_predictions
from rsidx.evaluation.edits import read_edits
from tests.evaluation.conftest import NEW, OLD, REST


def test_rows_of_one_edit_are_one_and_its_id_is_that_of_the_whole_edit(crate, make_export):
    export = make_export(crate)
    whole = {"old": None, "new": export.place(crate.head(), "src/lib.rs", NEW)}
    first = export.add(crate.head(), "src/lib.rs", NEW[:40], None, part=[1, 2], edit=whole)
    second = export.add(crate.head(), "src/lib.rs", NEW[40:], None, part=[2, 2], edit=whole)
    other = export.add(crate.head(), "src/lib.rs", REST, None)
    edits = read_edits(export.folder, "test").edits
    assert [edit.ids for edit in edits] == [(first, second), (other,)]
    export.metas.clear()
    export.add(crate.head(), "src/lib.rs", NEW, None)
    assert read_edits(export.folder, "test").edits[0].id == edits[0].id


def test_holes_of_one_edit_are_asked_for_one_by_one(crate, make_export):
    export = make_export(crate, kind="fim")
    whole = {"old": None, "new": export.place(crate.head(), "src/lib.rs", NEW)}
    for hole in ("let y = x;", "y * 2"):
        export.add(crate.head(), "src/lib.rs", hole, None, edit=whole)
    assert len(read_edits(export.folder, "test").edits) == 2


def test_what_needs_of_the_rows_are_counted_together(crate, make_export):
    export = make_export(crate)
    needs = {"shown": ["a"], "not_shown": ["b", "c"]}
    export.add(crate.head(), "src/lib.rs", NEW, OLD, needs=needs)
    assert read_edits(export.folder, "test").edits[0].needs == {"shown": 1, "not_shown": 2}


def test_an_export_that_cannot_be_judged_is_refused(crate, make_export, tmp_path):
    export = make_export(crate, kind="sequence")
    with pytest.raises(ExportError, match="rows of kind sequence; only edit and fim can be judged"):
        read_edits(export.folder, "test")
    with pytest.raises(ExportError, match="is no export that can be read"):
        read_edits(tmp_path, "test")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "no JSON"),
        ("[]", "no object with id"),
        ('{"id": 1, "completion": ""}', "id and completion must be texts"),
        ('{"id": "a"}', "id and completion must be texts"),
        ('{"id": "a", "completion": "", "sample": -1}', "sample must be a whole number"),
        ('{"id": "a", "completion": "", "sample": true}', "sample must be a whole number"),
        ('{"id": "b", "completion": "x"}', "b has another sample 0"),
    ],
)
def test_a_line_that_is_no_prediction_is_named(tmp_path, line, says):
    file = tmp_path / "predictions.jsonl"
    file.write_text(f'{{"id": "b", "completion": "x"}}\n\n{line}\n')
    with pytest.raises(EvaluationError, match=f"predictions.jsonl:3: .*{says}"):
        read_predictions(file)


def test_predictions_are_told_apart_by_all_that_counts(tmp_path):
    file = tmp_path / "predictions.jsonl"
    lines = [
        {"id": "a", "completion": "x", "more": 1},
        {"id": "a", "completion": "x", "sample": 1, "finish_reason": "length"},
        {"id": "a", "completion": "\ud800", "sample": 2, "finish_reason": "stop"},
    ]
    file.write_text("\n".join(map(json.dumps, lines)))
    found = read_predictions(file)
    assert [one.is_cut_off for one in found.values()] == [False, True, False]
    assert len({one.digest for one in found.values()}) == 3
