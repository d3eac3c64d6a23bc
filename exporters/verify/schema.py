"""Checking a manifest and meta lines against the schemas of their format version."""

import re
from collections.abc import Mapping
from typing import Any

from rsidx import __version__
from rsidx.errors import ExportError
from rsidx.exporters.dataset.format import version_of
from rsidx.exporters.dataset.schema import (
    DROPPED_SCHEMA,
    MANIFEST_SCHEMA,
    load_schema,
    open_to_more,
    schema_of_kind,
)
from rsidx.exporters.kinds import KINDS

_MAX_CHARS = 200
_NUMBERS = re.compile(r"\d+(?:\.\d+)*+")


class SchemaCheck:
    """A schema, compiled. It holds for a data set by this release or an earlier one.

    Of one by a later minor release, keys and names that this one does not know are accepted.
    """

    def __init__(self, schema: dict[str, Any], manifest: Mapping[str, Any]) -> None:
        # 20 ms, which no other command should wait for.
        from jsonschema_rs import Draft202012Validator  # noqa: PLC0415

        if _release(str(manifest.get("rsidx_version"))) > _release(__version__):
            schema = open_to_more(schema)
        # No problem repeats a value, which may be long, or a secret.
        self._validator = Draft202012Validator(schema, validate_formats=True, mask="this")

    def problem(self, value: Any) -> str | None:
        """Return what breaks the schema first, None where it holds."""
        try:
            if self._validator.is_valid(value):
                return None
            error = next(iter(self._validator.iter_errors(value)))
        except (ValueError, SystemError):
            return "breaks the schema: it has half a surrogate pair, or too many levels"
        place = "/".join(map(str, error.instance_path))
        text = error.message if len(error.message) <= _MAX_CHARS else "..."
        return f"breaks the schema{f' at {place}' if place else ''}: {text}"


def manifest_problem(manifest: Mapping[str, Any]) -> str | None:
    """Return what breaks the schema of a manifest; version 0 of the format has none."""
    if version_of(manifest) == 0:
        return None
    return SchemaCheck(load_schema(MANIFEST_SCHEMA), manifest).problem(dict(manifest))


def meta_check(manifest: Mapping[str, Any]) -> SchemaCheck | None:
    """Return the check of a data set's meta lines, given a manifest that is sound.

    Raises ExportError for a kind of example that a later release has added.
    """
    if version_of(manifest) == 0:
        return None
    kind = manifest["config"]["kind"]
    if kind not in KINDS:
        raise ExportError(f"its examples are of kind {kind}, by a later release; upgrade rsidx")
    return SchemaCheck(schema_of_kind(kind), manifest)


def dropped_check(manifest: Mapping[str, Any]) -> SchemaCheck:
    """Return the check of the lines of what was left out."""
    return SchemaCheck(load_schema(DROPPED_SCHEMA), manifest)


def _release(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with, as in (0, 2, 0)."""
    numbers = _NUMBERS.match(version)
    return tuple(map(int, numbers[0].split("."))) if numbers else ()
