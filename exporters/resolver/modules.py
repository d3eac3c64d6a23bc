"""The module trees of a snapshot: which module a file is, and which file a module.

The trees follow `mod` declarations from each crate's root. They are built when they are first
asked for and stay until a change of files, declarations or manifests could change them.
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from rsidx.exporters.resolver.cfg import choose
from rsidx.exporters.resolver.crates import Crate, Package, Packages
from rsidx.exporters.resolver.files import (
    MACRO,
    Definition,
    File,
    Scope,
    is_inline,
    module_signature,
    modules_of,
)
from rsidx.store.reader import Reader

_FILES_KEPT = 4096
_LONE = Package("", "2021", "", "", (), {}, frozenset())
_EMPTY = Scope()


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
    """Where in a crate a self type has impls, and a name macros or any definition."""

    def __init__(self) -> None:
        self.impls: dict[str, set[int]] = {}
        self.macros: dict[str, set[int]] = {}
        self.named: dict[str, set[int]] = {}
        self._of_path: dict[int, int] = {}

    def put(self, file: File | None, path_id: int, old: File | None) -> None:
        """Let a file take the place of what its path had before."""
        if old is not None:
            for table, names in self._tables(old):
                for name in names:
                    table[name].discard(path_id)
        if file is not None:
            for table, names in self._tables(file):
                for name in names:
                    table.setdefault(name, set()).add(path_id)

    def _tables(self, file: File) -> Iterator[tuple[dict[str, set[int]], Iterable[str]]]:
        yield self.impls, file.impls
        yield self.macros, {n for s in file.scopes.values() for n in s.items[MACRO]}
        members = {name for table in file.members.values() for name in table}
        items = {n for s in file.scopes.values() for space in s.items.values() for n in space}
        yield self.named, members | items


class _Tree:
    """A crate's modules by file."""

    def __init__(self, crate: Crate) -> None:
        self.crate = crate
        self.modules: dict[int, Module] = {}
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
        self._file = lru_cache(_FILES_KEPT)(lambda path, blob: File(reader, path, blob))
        self._files: Mapping[int, int] = {}
        self._packages: Packages | None = None
        self._trees: dict[str, _Tree] = {}
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
            self._forget()
            return
        for path_id, before in touched.items():
            after = files.get(path_id)
            if before != after and not self._follow(path_id, before, after):
                self._forget()
                return

    def _forget(self) -> None:
        self._packages = None
        self._trees.clear()
        self._homes.clear()

    def _follow(self, path_id: int, before: int | None, after: int | None) -> bool:
        """Take in one changed file; return False where trees may have changed."""
        path = self._paths[path_id]
        if not path.endswith(".rs"):
            return not path.endswith("Cargo.toml")
        if before is None or after is None:
            return False
        old, new = self._file(path_id, before), self._file(path_id, after)
        return module_signature(old) == module_signature(new)

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

    def scope(self, module: Module) -> Scope:
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

    def home(self, path_id: int) -> Module | None:
        """Return the module that a file is; that of its package's library, if of several.

        A file that no `mod` leads to is taken for the root of a crate of its own.
        """
        found = self._homes.get(path_id)
        if found is None and path_id in self._files:
            found = self._homes[path_id] = self._find_home(path_id)
        return found

    def _find_home(self, path_id: int) -> Module:
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
            root = self.root(crate)
            waiting = [root] if root is not None else []
            while waiting:
                module = waiting.pop()
                file = self.file(module.path_id)
                if module.path_id in tree.modules or file is None:
                    continue
                tree.modules[module.path_id] = module
                for inline, declaration in file.declared_modules():
                    if not is_inline(declaration):
                        at = Module(
                            crate, (*module.names, *inline), module.path_id, inline, module.folder
                        )
                        waiting += self._declared(at, declaration)
        return tree

    def index(self, crate: Crate) -> CrateIndex:
        """Return where a crate has impls, macros and names, up to date with the snapshot."""
        tree = self._tree(crate)
        if tree.index_is_fresh:
            return tree.index
        tree.index_is_fresh = True
        for path_id in tree.modules:
            after, before = self._files.get(path_id), tree.blobs.get(path_id)
            if after != before:
                old = self._file(path_id, before) if before is not None else None
                tree.index.put(self.file(path_id), path_id, old)
                if after is not None:
                    tree.blobs[path_id] = after
        return tree.index

    def module_of(self, crate: Crate, definition: Definition) -> Module | None:
        """Return the module of a crate that a definition stands in."""
        home = self._tree(crate).modules.get(definition.path_id) or self.home(definition.path_id)
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
        for declaration in choose(declarations, module.crate.package.features):
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

    def _declared(self, module: Module, declaration: Definition) -> Iterator[Module]:
        """Yield the module whose body is another file, if the snapshot has that file."""
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
        for path, below in tried:
            path_id = self._path_ids.get(path)
            if path_id is not None and path_id in self._files:
                names = (*module.names, declaration.symbol.name)
                yield Module(module.crate, names, path_id, (), below)
                return
