"""The columns of meta lines as the hub's loader types them, from their JSON Schema.

The loader guesses a column's type from the first rows of train, and where all of these are null it
refuses the text of a later split. So the dataset card says what it is.
"""

from collections.abc import Mapping
from typing import Any

from rsidx.exporters.dataset.schema import schema_of_kind

_SCALARS = {"string": "string", "integer": "int64", "number": "float64", "boolean": "bool"}
_NULL = "null"
Type = dict[str, Any]
"""`{"dtype": …}`, `{"list": …}` or `{"struct": …}`, as the front matter of a card spells it."""


def meta_features(kind: str) -> list[Type]:
    """Return the columns of the meta lines of a kind of example, each with its `name` and type."""
    whole = schema_of_kind(kind)
    return _fields(whole, whole["$defs"])


def _fields(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Type]:
    """Return the keys of an object, those of what it builds on first."""
    found: dict[str, Type] = {}
    while schema is not None:
        own = schema.get("properties", {})
        found = {name: _type(value, definitions) for name, value in own.items()} | found
        schema = _referred(schema, definitions)
    return [{"name": name, **its_type} for name, its_type in found.items()]


def _referred(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    name = schema.get("$ref")
    return definitions[name.rpartition("/")[2]] if name else None


def _type(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Type:
    referred = _referred(schema, definitions)
    if referred is not None:
        return _type(referred, definitions)
    if "anyOf" in schema:
        return _type(next(one for one in schema["anyOf"] if one.get("type") != _NULL), definitions)
    if schema.get("type") == "object":
        return {"struct": _fields(schema, definitions)}
    if schema.get("type") == "array":
        # A pair of a text and a number is two texts: a list of the loader's has one type.
        types = [_type(one, definitions) for one in schema.get("prefixItems", ())]
        types = types or [_type(schema["items"], definitions)]
        item = types[0] if all(one == types[0] for one in types) else {"dtype": "string"}
        return {"list": item["dtype"] if item.keys() == {"dtype"} else item.get("struct", item)}
    names = schema.get("type", "string")
    name = names if isinstance(names, str) else next(name for name in names if name != _NULL)
    return {"dtype": _SCALARS.get(name, _NULL)}
