"""The facts of a Cargo.toml: a pure function of its bytes."""

import json
import re
import tomllib
from typing import Any

_DEPENDENCIES = ("dependencies", "dev-dependencies", "build-dependencies")
_TARGETS = ("lib", "bin", "test", "example", "bench")
_PACKAGE_KEYS = (
    "name",
    "edition",
    "license",
    "build",
    "autobins",
    "autotests",
    "autoexamples",
    "autobenches",
)
_TARGET_KEYS = ("name", "path", "proc-macro", "edition")
# A manifest begins with a table's header or a key; so what a blob is follows from its bytes, not
# from the path that it was met under first. What only looks like one is cut as Rust.
_MANIFEST = re.compile(
    rb"\A\xef?\xbb?\xbf?(?:\s++|#(?![!\[])[^\n]*+\n|#\[[^\n]*\][^\S\n]*+\n)*+"
    rb"(?:\[\s*[\w\"'-]|[\w-]+\s*=)"
)


def read(source: bytes) -> str | None:
    """Return a manifest's facts as JSON with sorted keys, None where it is none.

    Keys: `package` (name, edition, license, build, autobins and the like), `workspace` (members,
    exclude, dependencies), `targets` (kind → list of name, path), `dependencies` (name →
    package, path, workspace), `patch` (package → path) and `default_features` (those that
    `default` turns on).
    """
    if _MANIFEST.match(source) is None:
        return None
    try:
        manifest = tomllib.loads(source.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
        return None
    package = _table(manifest.get("package") or manifest.get("project"))
    workspace = _table(manifest.get("workspace"))
    dependencies: dict[str, Any] = {}
    for scope in (manifest, *(_table(t) for t in _table(manifest.get("target")).values())):
        for key in _DEPENDENCIES:
            dependencies.update(_dependencies(scope.get(key)))
    facts = {
        "package": {key: package[key] for key in _PACKAGE_KEYS if key in package},
        "workspace": {
            "is_root": "workspace" in manifest,
            "members": workspace.get("members", []),
            "exclude": workspace.get("exclude", []),
            "dependencies": _dependencies(workspace.get("dependencies")),
            "package": _table(workspace.get("package")).get("edition"),
            "license": _table(workspace.get("package")).get("license"),
        },
        "targets": {key: _targets(manifest.get(key)) for key in _TARGETS if key in manifest},
        "dependencies": dependencies,
        "patch": _patches(manifest),
        "default_features": _default_features(_table(manifest.get("features"))),
    }
    return json.dumps(facts, sort_keys=True, default=str)


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _targets(value: Any) -> list[dict[str, Any]]:
    tables = value if isinstance(value, list) else [value]
    return [{k: t[k] for k in _TARGET_KEYS if k in t} for t in tables if isinstance(t, dict)]


def _dependencies(value: Any) -> dict[str, Any]:
    kept = {}
    for name, given in _table(value).items():
        table = _table(given)
        kept[name] = {key: table[key] for key in ("package", "path", "workspace") if key in table}
    return kept


def _patches(manifest: dict[str, Any]) -> dict[str, str]:
    found = {}
    for source in _table(manifest.get("patch")).values():
        for name, given in _table(source).items():
            path = _table(given).get("path")
            if isinstance(path, str):
                found[_table(given).get("package", name)] = path
    return found


def _default_features(features: dict[str, Any]) -> list[str]:
    enabled: set[str] = set()
    waiting: list[Any] = ["default"]
    while waiting:
        name = waiting.pop()
        if isinstance(name, str) and name not in enabled:
            enabled.add(name)
            given = features.get(name)
            waiting += given if isinstance(given, list) else ()
    return sorted(enabled)
