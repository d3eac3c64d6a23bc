"""The licences that a repository's packages name, as SPDX expressions."""

import json
from collections.abc import Mapping
from typing import Any

from license_expression import ExpressionError, Licensing

from rsidx.errors import ExportError
from rsidx.store.reader import Reader

_MANIFEST = b"Cargo.toml"
_FIXTURES = frozenset({b"tests", b"testdata", b"test-data", b"fixtures", b"vendor"})
_LICENSING = Licensing()


def licenses_of(reader: Reader, files: Mapping[int, int]) -> list[str]:
    """Return the expressions that the packages of a snapshot (path → blob) name, in order.

    The older form `MIT/Apache-2.0` is read as `MIT OR Apache-2.0`. Packages that are there for
    tests, or vendored, do not count.
    """
    found: set[str] = set()
    for path_id, blob_id in files.items():
        *folders, name = reader.path(path_id).split(b"/")
        if name != _MANIFEST or not _FIXTURES.isdisjoint(folders):
            continue
        facts = json.loads(reader.manifest(blob_id) or "{}")
        for table in (facts.get("package", {}), facts.get("workspace", {})):
            given = table.get("license")
            if isinstance(given, str):
                found.add(" OR ".join(part.strip() for part in given.split("/")))
    return sorted(found)


def check(found: list[str], allowed: tuple[str, ...]) -> None:
    """Raise ExportError unless every expression can be met by the licences allowed alone."""
    if not allowed:
        return
    if not found:
        raise ExportError("--license: no package of the repository names its licence")
    for expression in found:
        try:
            is_met = _is_met(_LICENSING.parse(expression), frozenset(allowed))
        except ExpressionError as error:
            raise ExportError(f"--license: {expression!r} is no SPDX expression") from error
        if not is_met:
            raise ExportError(
                f"--license: a package is under {expression}, which {', '.join(allowed)} "
                "does not cover"
            )


def _is_met(node: Any, allowed: frozenset[str]) -> bool:
    if isinstance(node, _LICENSING.OR):
        return any(_is_met(part, allowed) for part in node.args)
    if isinstance(node, _LICENSING.AND):
        return all(_is_met(part, allowed) for part in node.args)
    return node.render() in allowed
