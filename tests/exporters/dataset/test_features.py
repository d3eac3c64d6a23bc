"""The card says what type each column of the meta lines has, as their schema does."""

import json

import pytest

from rsidx.exporters.dataset.features import meta_features
from rsidx.exporters.dataset.schema import META_SCHEMA, load_schema
from rsidx.exporters.kinds import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_of_the_schema_has_a_type(kind):
    definitions = load_schema(META_SCHEMA)["$defs"]
    keys = {**definitions["row"]["properties"], **definitions[kind]["properties"]}
    found = {column.pop("name"): column for column in meta_features(kind)}
    assert found.keys() == keys.keys()
    text = json.dumps(found)
    # A hole, a window and a repair have no old code of a commit, in any row.
    assert text.count('"null"') == (0 if kind in ("edit", "preference") else 1)


def test_types_are_spelled_as_a_card_spells_them():
    found = {column.pop("name"): column for column in meta_features("edit")}
    span = [{"name": "blob", "dtype": "string"}, {"name": "start", "dtype": "int64"},
            {"name": "end", "dtype": "int64"}]  # fmt: skip
    assert found["old_path"] == {"dtype": "string"}
    assert found["is_test"] == {"dtype": "bool"}
    assert found["weight"] == {"dtype": "float64"}
    assert found["part"] == {"list": "int64"}
    assert found["old"] == found["new"] == {"struct": span}
    assert found["roles"] == {"list": {"list": "string"}}
    assert found["context"]["list"][2] == {"name": "ranges", "list": {"list": "int64"}}
