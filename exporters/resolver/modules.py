"""The module trees of a snapshot: which module a file is, and which file a module.

The trees follow `mod` declarations from each crate's root. They are built when they are first
asked for and stay until a change of files, declarations or manifests could change them.
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from rsidx.exporters.resolver.cfg import by_cfg_likelihood
from rsidx.exporters.resolver.crates import Crate, Package, Packages
from rsidx.exporters.resolver.files import (
    Definition,
    File,
    ModuleNames,
    is_inline,
    module_signature,
    modules_of,
)
from rsidx.store.reader import Reader

_FILES_KEPT = 1000
_LONE = Package("", "2021", "", "", (), {}, frozenset())
_EMPTY = ModuleNames()


@dataclass(frozen=True, slots=True)
class Module:
    """A module of a crate: the file that it stands in, and the inline modules down to it.

    `folder` is where the files of modules that are declared at the file's top are looked for.
    """

    crate: Crate
    names: tuple[str, ...]
    path_id: int
    inline: tuple[str, ...]
    folder: str


class CrateIndex:
    """In which files of a crate a self type has impls, and a name macros."""

    def __init__(self) -> None:
        self.impls: dict[str, set[int]] = {}
        self.macros: dict[str, set[int]] = {}

    def put(self, file: File | None, path_id: int, old: File | None) -> None:
        """Let a file take the place of what its path had before."""
        for attribute, table in (("impls", self.impls), ("macros", self.macros)):
            before = getattr(old, attribute) if old is not None else {}
            after = getattr(file, attribute) if file is not None else {}
            for name in before:
                if name not in after:
                    table[name].discard(path_id)
            for name in after:
                if name not in before:
                    table.setdefault(name, set()).add(path_id)


class _Tree:
    """A crate's modules by file; `tried` are the paths at which a module was looked for.

    `tests` are the files of modules that only tests have.
    """

    def __init__(self, crate: Crate) -> None:
        self.crate = crate
        self.modules: dict[int, Module] = {}
        self.tests: set[int] = set()
        self.tried: set[str] = set()
        self.blobs: dict[int, int] = {}
        self.index = CrateIndex()
        self.index_is_fresh = False


class Modules:
    """The modules of one snapshot; `move` makes it another's.

    What follows from a blob alone is kept by blob; trees are kept while they hold.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._path_ids = {
            path.decode("utf-8", "surrogateescape"): path_id
            for path, path_id in reader.path_ids().items()
        }
        self._paths = {path_id: path for path, path_id in self._path_ids.items()}
        self._reader = reader
        self._file = lru_cache(_FILES_KEPT)(lambda path, blob: File(reader, path, blob))
        self._files: Mapping[int, int] = {}
        self._packages: Packages | None = None
        self._trees: dict[str, _Tree] = {}
        self._outdated: dict[str, _Tree] = {}
        self._homes: dict[int, Module] = {}

    def move(self, files: Mapping[int, int], touched: Mapping[int, int | None] | None) -> None:
        """Go to a snapshot; `touched` maps the paths that may differ to the blobs they had.

        None means that nothing is known to be the same. `files` may be the same mapping,
        changed in place.
        """
        self._files = files
        for tree in self._trees.values():
            tree.index_is_fresh = False
        if touched is None:
            self._packages = None
            self._forget()
            self._read_ahead()
            return
        for path_id, before in touched.items():
            after = files.get(path_id)
            if before != after:
                self._follow(path_id, before, after)

    def _read_ahead(self) -> None:
        """Read the facts of all files at once, which a whole tree asks for one by one."""
        blobs = [blob for path, blob in self._files.items() if blob > 0 and self._is_rust(path)]
        self._reader.prefetch(blobs)
        self._reader.prefetch_facts(
            chunk.id for blob in blobs for chunk in self._reader.chunks(blob)
        )

    def _is_rust(self, path_id: int) -> bool:
        return self._paths[path_id].endswith(".rs")

    def _forget(self, roots: Iterable[str] | None = None) -> None:
        """Drop the trees of some roots, or of all; their indexes are kept to be updated."""
        chosen = list(self._trees if roots is None else roots)
        for root in chosen:
            self._outdated[root] = self._trees.pop(root)
        if chosen:
            self._homes.clear()

    def _follow(self, path_id: int, before: int | None, after: int | None) -> None:
        """Take in one changed file: drop what it may have changed."""
        path = self._paths[path_id]
        if path.endswith("Cargo.toml"):
            self._packages = None
            self._forget()
        elif not path.endswith(".rs"):
            return
        elif before is None or after is None:
            if self._packages is not None and self._packages.put(path, present=after is not None):
                self._forget()  # A library that comes or goes is another's dependency.
            else:
                self._homes.pop(path_id, None)
                self._forget(
                    root for root, tree in self._trees.items() if path in tree.tried or path == root
                )
        else:
            roots = [root for root, tree in self._trees.items() if path_id in tree.modules]
            if not roots:
                return
            old, new = self._file(path_id, before), self._file(path_id, after)
            if module_signature(old) != module_signature(new):
                self._forget(roots)

    def version(self, path_id: int, blob_id: int) -> File:
        """Return a version of a file, of whichever snapshot."""
        return self._file(path_id, blob_id)

    def file(self, path_id: int) -> File | None:
        """Return a file of the snapshot, None where it has none of that path."""
        blob_id = self._files.get(path_id)
        return None if blob_id is None else self._file(path_id, blob_id)

    def rust_files(self) -> list[int]:
        """Return the paths of the snapshot's Rust files."""
        return [path_id for path_id in self._files if self._paths[path_id].endswith(".rs")]

    def path(self, path_id: int) -> str:
        """Return a path as text."""
        return self._paths[path_id]

    def scope(self, module: Module) -> ModuleNames:
        """Return a module's own names."""
        file = self.file(module.path_id)
        return _EMPTY if file is None else file.scopes.get(module.inline, _EMPTY)

    def packages(self) -> Packages:
        """Return the packages of the snapshot."""
        if self._packages is None:
            manifests, rust = [], []
            for path_id, blob_id in self._files.items():
                path = self._paths[path_id]
                if path.endswith(".rs"):
                    rust.append(path)
                elif path.endswith("Cargo.toml"):
                    facts = self._reader.manifest(blob_id)
                    if facts:
                        manifests.append((path, facts))
            self._packages = Packages(sorted(manifests), rust)
        return self._packages

    def root(self, crate: Crate) -> Module | None:
        """Return a crate's root module."""
        path_id = self._path_ids.get(crate.root)
        if path_id is None or path_id not in self._files:
            return None
        return Module(crate, (), path_id, (), posixpath.dirname(crate.root))

    def module_of_file(self, path_id: int) -> Module | None:
        """Return the module that a file is; that of its package's library, if of several.

        A file that no `mod` leads to is taken for the root of a crate of its own.
        """
        found = self._homes.get(path_id)
        if found is None and path_id in self._files:
            found = self._homes[path_id] = self._find_module_of_file(path_id)
        return found

    def expected_module(self, path_id: int) -> Module | None:
        """Return the module that a file is, or by its path would be if it were there."""
        if path_id in self._files:
            return self.module_of_file(path_id)
        path = self._paths[path_id]
        package = self.packages().package_of(path)
        if package is None:
            return None
        roots = [
            r for r in package.roots if path.startswith(posixpath.join(posixpath.dirname(r), ""))
        ]
        if not roots or path in package.roots:
            return Module(Crate(path, package), (), path_id, (), posixpath.dirname(path))
        root = max(roots, key=lambda r: (posixpath.dirname(r).count("/"), r == package.lib_root))
        inside = posixpath.relpath(path.removesuffix(".rs"), posixpath.dirname(root)).split("/")
        names = inside[:-1] if inside[-1] == "mod" else inside
        folder = posixpath.join(posixpath.dirname(root), *names)
        return Module(Crate(root, package), tuple(names), path_id, (), folder)

    def _find_module_of_file(self, path_id: int) -> Module:
        path = self._paths[path_id]
        package = self.packages().package_of(path)
        if package is None:
            return Module(Crate(path, _LONE), (), path_id, (), posixpath.dirname(path))
        folder = posixpath.dirname(path)
        if path in package.roots:
            return Module(Crate(path, package), (), path_id, (), folder)
        for root in package.roots:
            above = posixpath.dirname(root)
            if not above or folder == above or folder.startswith(f"{above}/"):
                found = self._tree(Crate(root, package)).modules.get(path_id)
                if found is not None:
                    return found
        for root in package.roots:  # A `#[path]` may lead anywhere.
            found = self._tree(Crate(root, package)).modules.get(path_id)
            if found is not None:
                return found
        return Module(Crate(path, package), (), path_id, (), folder)

    def _tree(self, crate: Crate) -> _Tree:
        tree = self._trees.get(crate.root)
        if tree is None:
            tree = self._trees[crate.root] = _Tree(crate)
            before = self._outdated.pop(crate.root, None)
            if before is not None:
                tree.index, tree.blobs = before.index, before.blobs
            root = self.root(crate)
            is_test = crate.root in crate.package.test_roots
            waiting = [(root, is_test)] if root is not None else []
            while waiting:
                module, is_test = waiting.pop()
                file = self.file(module.path_id)
                if module.path_id in tree.modules or file is None:
                    continue
                tree.modules[module.path_id] = module
                if is_test:
                    tree.tests.add(module.path_id)
                for inline, declaration in file.declared_modules():
                    if not is_inline(declaration):
                        at = Module(
                            crate, (*module.names, *inline), module.path_id, inline, module.folder
                        )
                        waiting += (
                            (found, is_test or declaration.symbol.is_test)
                            for found in self._declared(at, declaration, tree.tried)
                        )
        return tree

    def is_test(self, path_id: int) -> bool:
        """Tell whether a file of the snapshot is of a test, or of a module under `cfg(test)`."""
        module = self.module_of_file(path_id)
        return module is not None and path_id in self._tree(module.crate).tests

    def index(self, crate: Crate) -> CrateIndex:
        """Return where a crate has impls, macros and names, up to date with the snapshot."""
        tree = self._tree(crate)
        if tree.index_is_fresh:
            return tree.index
        tree.index_is_fresh = True
        for path_id in {*tree.modules, *tree.blobs}:
            after = self._files.get(path_id) if path_id in tree.modules else None
            before = tree.blobs.get(path_id)
            if after == before:
                continue
            old = self._file(path_id, before) if before is not None else None
            new = self._file(path_id, after) if after is not None else None
            tree.index.put(new, path_id, old)
            if after is not None:
                tree.blobs[path_id] = after
            else:
                del tree.blobs[path_id]
        return tree.index

    def files_of(self, crate: Crate) -> Iterator[File]:
        """Yield the files of a crate."""
        for path_id in self._tree(crate).modules:
            file = self.file(path_id)
            if file is not None:
                yield file

    def module_of(self, crate: Crate, definition: Definition) -> Module | None:
        """Return the module of a crate that a definition stands in."""
        home = self._tree(crate).modules.get(definition.path_id) or self.module_of_file(
            definition.path_id
        )
        if home is None:
            return None
        inline = modules_of(definition.chunk.container)
        return Module(home.crate, (*home.names, *inline), home.path_id, inline, home.folder)

    def inner(self, home: Module, inline: tuple[str, ...]) -> Module:
        """Return an inline module of a file's module."""
        return Module(home.crate, (*home.names, *inline), home.path_id, inline, home.folder)

    def parent(self, module: Module) -> Module | None:
        """Return the module around a module."""
        if not module.names:
            return None
        if module.inline:
            return Module(
                module.crate,
                module.names[:-1],
                module.path_id,
                module.inline[:-1],
                module.folder,
            )
        found = self.root(module.crate)
        for name in module.names[:-1]:
            found = self.child(found, name) if found is not None else None
        return found

    def child(self, module: Module, name: str) -> Module | None:
        """Return the module that a module declares under a name."""
        declarations = self.scope(module).modules.get(name, ())
        for declaration in by_cfg_likelihood(declarations, module.crate.package.features):
            if is_inline(declaration):
                return Module(
                    module.crate,
                    (*module.names, name),
                    module.path_id,
                    (*module.inline, name),
                    module.folder,
                )
            for found in self._declared(module, declaration):
                return found
        return None

    def _declared(
        self, module: Module, declaration: Definition, looked: set[str] | None = None
    ) -> Iterator[Module]:
        """Yield the module whose body is another file, if the snapshot has that file.

        The paths at which it may be are added to `looked`.
        """
        name = declaration.symbol.name.removeprefix("r#")
        folder = posixpath.join(module.folder, *module.inline)
        given = declaration.symbol.type
        if given:
            base = folder if module.inline else posixpath.dirname(self._paths[module.path_id])
            path = posixpath.normpath(posixpath.join(base, given))
            tried = [(path, posixpath.dirname(path))]
        else:
            inside = posixpath.join(folder, name)
            tried = [(f"{inside}.rs", inside), (f"{inside}/mod.rs", inside)]
        if looked is not None:
            looked.update(path for path, _ in tried)
        for path, below in tried:
            path_id = self._path_ids.get(path)
            if path_id is not None and path_id in self._files:
                names = (*module.names, declaration.symbol.name)
                yield Module(module.crate, names, path_id, (), below)
                return
