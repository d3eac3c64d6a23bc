"""The facts of a Cargo.toml: a pure function of its bytes."""

import hashlib
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
# The host and the first folder of an address, as in https://user@github.com/OWNER/NAME and
# git@github.com:OWNER/NAME.
_HOME = re.compile(r"(?:\w++(?:\+\w++)?://)?(?:[^/@\s]*+@)?([\w.-]++)(?::\d++)?[/:]~?([\w.-]++)")
_MAX_ADDRESS = 500
_AUTHOR = re.compile(r"([^<>]*+)(?:<([^<>]*+)>)?")
_DIGEST = 6


def read(source: bytes) -> str | None:
    """Return a manifest's facts as JSON with sorted keys, None where it is none.

    Keys: `package` (name, edition, license, build, autobins and the like), `workspace` (members,
    exclude, dependencies), `targets` (kind → list of name, path), `dependencies` (name →
    package, path, workspace), `patch` (package → path) and `default_features` (those that
    `default` turns on). Package and workspace have `authors`, as digests that can only be
    compared, and `home`, where their repository is: a host and an owner.
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
        "package": {key: package[key] for key in _PACKAGE_KEYS if key in package}
        | _origin(package),
        "workspace": {
            "is_root": "workspace" in manifest,
            "members": workspace.get("members", []),
            "exclude": workspace.get("exclude", []),
            "dependencies": _dependencies(workspace.get("dependencies")),
            "package": _table(workspace.get("package")).get("edition"),
            "license": _table(workspace.get("package")).get("license"),
            **_origin(_table(workspace.get("package"))),
        },
        "targets": {key: _targets(manifest.get(key)) for key in _TARGETS if key in manifest},
        "dependencies": dependencies,
        "patch": _patches(manifest),
        "default_features": _default_features(_table(manifest.get("features"))),
    }
    return json.dumps(facts, sort_keys=True, default=str)


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _origin(package: dict[str, Any]) -> dict[str, Any]:
    """Return `authors` and `home` as far as they are known; `workspace` for inherited ones."""
    origin: dict[str, Any] = {}
    authors, address = package.get("authors"), package.get("repository")
    if isinstance(authors, list):
        names = (name for author in authors if isinstance(author, str) for name in _names(author))
        origin["authors"] = sorted({_digest(name) for name in names})
    match = _HOME.match(address[:_MAX_ADDRESS]) if isinstance(address, str) else None
    if match is not None:
        origin["home"] = "/".join(match.groups()).lower()
    for key, given in (("authors", authors), ("home", address)):
        if isinstance(given, dict) and given.get("workspace") is True:
            origin[key] = "workspace"
    return origin


def _names(author: str) -> list[str]:
    """Return the name and the address of an author, as far as there are any."""
    match = _AUTHOR.match(author)
    found = match.groups() if match is not None else ()
    return [" ".join(name.lower().split()) for name in found if name and name.strip()]


def _digest(name: str) -> str:
    return hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=_DIGEST).hexdigest()


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
