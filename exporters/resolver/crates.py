"""The crates of a snapshot, from its manifests: roots, editions, and what they call each other."""

import json
import posixpath
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_AUTOMATIC = (
    ("bin", "src/bin", "autobins"),
    ("test", "tests", "autotests"),
    ("example", "examples", "autoexamples"),
    ("bench", "benches", "autobenches"),
)
_TESTS = frozenset({"test", "bench"})


@dataclass(frozen=True, slots=True)
class Package:
    """A manifest with a package; `externs` maps the names of its dependencies to library roots.

    A dependency from outside the workspace maps to an empty root. `features` are on by default.
    `test_roots` are the roots of tests and benchmarks.
    """

    folder: str
    edition: str
    lib_name: str
    lib_root: str
    roots: tuple[str, ...]
    externs: Mapping[str, str]
    features: frozenset[str]
    test_roots: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Crate:
    """One target of a package: what it is called inside the workspace, and its root file."""

    root: str
    package: Package = field(hash=False, compare=False)

    @property
    def is_2015(self) -> bool:
        """Tell whether `use` paths begin at the crate's root."""
        return self.package.edition == "2015"


@dataclass(frozen=True, slots=True)
class _Manifest:
    folder: str
    facts: dict[str, Any]

    def table(self, *keys: str) -> dict[str, Any]:
        value: Any = self.facts
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, dict) else {}


class Packages:
    """The packages of one set of manifests and files, each looked at when it is asked for."""

    def __init__(self, manifests: Iterable[tuple[str, str]], files: Iterable[str]) -> None:
        """Take (path, facts as JSON) of each manifest, and the paths of all Rust files."""
        self._manifests = {
            posixpath.dirname(path): _Manifest(posixpath.dirname(path), json.loads(facts))
            for path, facts in manifests
        }
        self._sorted = sorted(files)
        self._files = set(self._sorted)
        self._by_folder: dict[str, Package] = {}

    def put(self, path: str, *, present: bool) -> bool:
        """Take in that a file came or went; return whether it is, or may be, a library's root."""
        position = bisect_left(self._sorted, path)
        if present:
            self._sorted.insert(position, path)
            self._files.add(path)
        else:
            del self._sorted[position]
            self._files.discard(path)
        roots = {package.lib_root for package in self._by_folder.values()}
        is_library = path in roots or posixpath.basename(path) == "lib.rs"
        package = self.package_of(path)
        if package is not None:
            self._by_folder.pop(package.folder, None)
        if is_library:
            self._by_folder.clear()
        return is_library

    def package_of(self, path: str) -> Package | None:
        """Return the package that a file is in: that of the nearest manifest above it.

        Where there is none, the nearest folder with a `lib.rs` or `main.rs` is taken for one.
        """
        folder = posixpath.dirname(path)
        while True:
            found = self._by_folder.get(folder)
            if found is None:
                manifest = self._manifests.get(folder)
                if manifest is not None and manifest.table("package").get("name"):
                    found = self._by_folder[folder] = self._package(manifest)
            if found is not None:
                return found
            if not folder:
                return self._without_manifest(posixpath.dirname(path))
            folder = posixpath.dirname(folder)

    def _without_manifest(self, folder: str) -> Package | None:
        while True:
            roots = [_join(folder, name) for name in ("lib.rs", "main.rs")]
            present = tuple(root for root in roots if root in self._files)
            if present:
                lib_root = roots[0] if roots[0] in present else ""
                return Package(folder, "2021", "", lib_root, present, {}, frozenset())
            if not folder:
                return None
            folder = posixpath.dirname(folder)

    def library(self, root: str) -> Crate | None:
        """Return the crate of a library's root file."""
        package = self.package_of(root)
        return Crate(root, package) if package is not None else None

    def _package(self, manifest: _Manifest) -> Package:
        name = str(manifest.table("package").get("name"))
        lib_name, lib_root = self._library(manifest, name)
        kinds: dict[str, str] = {}
        for kind, root in self._roots(manifest, lib_root):
            kinds.setdefault(root, kind)
        externs = dict(self._externs(manifest))
        if lib_root:
            externs.setdefault(lib_name, lib_root)
        edition = self._edition(manifest)
        features = frozenset(manifest.facts.get("default_features", ()))
        tests = frozenset(root for root, kind in kinds.items() if kind in _TESTS)
        return Package(
            manifest.folder, edition, lib_name, lib_root, tuple(kinds), externs, features, tests
        )

    def _library(self, manifest: _Manifest, name: str) -> tuple[str, str]:
        """Return what code calls a package's library, and its root; empty for none."""
        given = manifest.table("targets").get("lib") or [{}]
        called = str(given[0].get("name", name)).replace("-", "_")
        path = given[0].get("path")
        tried = [path] if isinstance(path, str) else ["src/lib.rs", f"src/{called}.rs"]
        for one in tried:
            root = _join(manifest.folder, one)
            if root in self._files:
                return called, root
        return called, ""

    def _roots(self, manifest: _Manifest, lib_root: str) -> Iterator[tuple[str, str]]:
        """Yield the kind and the root file of each target, the library first."""
        if lib_root:
            yield "lib", lib_root
        for one in ("src/main.rs", "build.rs"):
            yield from self._present("bin", _join(manifest.folder, one))
        targets = manifest.table("targets")
        for kind, folder, _ in _AUTOMATIC:
            for target in targets.get(kind, ()):
                path, name = target.get("path"), target.get("name")
                if isinstance(path, str):
                    yield from self._present(kind, _join(manifest.folder, path))
                elif name:
                    yield from self._present(kind, _join(manifest.folder, f"{folder}/{name}.rs"))
        is_2015 = self._edition(manifest) == "2015"
        for kind, folder, key in _AUTOMATIC:
            # Before 2018 a list of targets was the whole list.
            if not manifest.table("package").get(key, not (is_2015 and kind in targets)):
                continue
            inside = _join(manifest.folder, folder) + "/"
            for path in self._under(inside):
                parts = path.removeprefix(inside).split("/")
                if len(parts) == 1 or (len(parts) == 2 and parts[1] == "main.rs"):
                    yield kind, path

    def _under(self, prefix: str) -> Iterator[str]:
        for position in range(bisect_left(self._sorted, prefix), len(self._sorted)):
            if not self._sorted[position].startswith(prefix):
                return
            yield self._sorted[position]

    def _present(self, kind: str, path: str) -> Iterator[tuple[str, str]]:
        if path in self._files:
            yield kind, path

    def _externs(self, manifest: _Manifest) -> Iterator[tuple[str, str]]:
        """Yield each dependency's name in code with its library's root."""
        workspace = self._workspace(manifest)
        shared = workspace.table("workspace", "dependencies") if workspace else {}
        patched = workspace.table("patch") if workspace else {}
        for key, written in manifest.table("dependencies").items():
            base, given = manifest.folder, written
            if given.get("workspace"):
                given = {**shared.get(key, {}), **{k: given[k] for k in ("package",) if k in given}}
                base = workspace.folder if workspace else base
            name = given.get("package", key)
            path = given.get("path")
            if not isinstance(path, str) and name in patched and workspace:
                base, path = workspace.folder, patched[name]
            target = self._manifests.get(_join(base, path)) if isinstance(path, str) else None
            if target is None:
                yield key.replace("-", "_"), ""
                continue
            called, root = self._library(target, str(target.table("package").get("name", name)))
            yield (key.replace("-", "_") if "package" in given else called), root

    def _workspace(self, manifest: _Manifest) -> _Manifest | None:
        folder = manifest.folder
        while True:
            found = self._manifests.get(folder)
            if found is not None and found.table("workspace").get("is_root"):
                return found
            if not folder:
                return None
            folder = posixpath.dirname(folder)

    def _edition(self, manifest: _Manifest) -> str:
        given = manifest.table("package").get("edition", "2015")
        if isinstance(given, dict):
            workspace = self._workspace(manifest)
            given = workspace.table("workspace").get("package") if workspace else None
        return str(given or "2021")


def _join(folder: str, path: str) -> str:
    joined = posixpath.normpath(posixpath.join(folder, path))
    return "" if joined == "." else joined
