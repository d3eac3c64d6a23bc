"""The JSON Schemas of a data set's manifest and lines, which are shipped with rsidx.

`format-N.manifest.schema.json`, `format-N.meta.schema.json` and `format-N.dropped.schema.json`
describe format version N. They are a contract: a minor release may only add to them
(`docs/compatibility.md`).
"""

import json
from importlib import resources
from typing import Any

from rsidx.exporters.dataset.format import FORMAT_VERSION

MANIFEST_SCHEMA = f"format-{FORMAT_VERSION}.manifest.schema.json"
META_SCHEMA = f"format-{FORMAT_VERSION}.meta.schema.json"
DROPPED_SCHEMA = f"format-{FORMAT_VERSION}.dropped.schema.json"
_CLOSED = ("additionalProperties", "unevaluatedProperties")


def load_schema(name: str) -> dict[str, Any]:
    """Return a schema by its file's name."""
    text = resources.files("rsidx.exporters.dataset").joinpath(name).read_text("utf-8")
    return dict(json.loads(text))


def schema_of_kind(kind: str) -> dict[str, Any]:
    """Return the schema of the meta lines of one kind of example."""
    whole = load_schema(META_SCHEMA)
    definitions = whole["$defs"]
    return {"$schema": whole["$schema"], "$defs": definitions, "$ref": f"#/$defs/{kind}"}


def open_to_more(schema: Any) -> Any:
    """Return a schema that takes the keys and names that a later minor release may add."""
    if isinstance(schema, list):
        return [open_to_more(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    # What looks like a keyword is one, but for the names of keys in `properties`.
    return {
        key: {name: open_to_more(part) for name, part in value.items()}
        if key in ("properties", "$defs")
        else open_to_more(value)
        for key, value in schema.items()
        if key != "enum" and not (key in _CLOSED and value is False)
    }
