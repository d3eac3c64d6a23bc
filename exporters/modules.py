"""Finding what a path names in a snapshot, by files and declarations.

This is the near resolver: modules by the usual file names, `use` declarations and `pub use`
chains, workspace crates by their manifests. It answers with nothing rather than a guess; a
path through a macro, a `#[path]` or another crate is not followed.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import PurePosixPath

from rsidx.store.facts import CONTAINER_SEPARATOR, TEST_MARK
from rsidx.store.reader import ChunkRow, ImportRow, Reader, SymbolRow

_MAX_REEXPORTS = 5
_FILES_KEPT = 2048


@dataclass(frozen=True, slots=True)
class Definition:
    """A symbol where it stands: the `index`-th chunk of a blob, from byte `start` on."""

    path_id: int
    blob_id: int
    index: int
    start: int
    chunk: ChunkRow
    symbol: SymbolRow


class File:
    """A parsed file's definitions and imports, by name."""

    def __init__(self, reader: Reader, path_id: int, blob_id: int) -> None:
        self.path_id = path_id
        self.blob_id = blob_id
        self.chunks = reader.chunks(blob_id)
        reader.prefetch_facts(chunk.id for chunk in self.chunks)
        self.named: dict[str, list[Definition]] = {}
        self.imports: list[tuple[str, ImportRow]] = []
        # By inline module: what a name in scope is an import of, and the globs.
        self.aliases: dict[tuple[str, ...], dict[str, list[str]]] = {}
        self.globs: dict[tuple[str, ...], list[list[str]]] = {}
        self.starts: list[int] = []
        start = 0
        for index, chunk in enumerate(self.chunks):
            self.starts.append(start)
            for symbol in reader.symbols(chunk.id):
                found = Definition(path_id, blob_id, index, start, chunk, symbol)
                self.named.setdefault(symbol.name, []).append(found)
            for item in reader.imports(chunk.id):
                self._add_import(chunk.container, item)
            start += chunk.n_bytes

    def _add_import(self, container: str, item: ImportRow) -> None:
        self.imports.append((container, item))
        path = item.path.split("::")
        inline = modules_of(container)
        if path[-1] == "*":
            self.globs.setdefault(inline, []).append(path[:-1])
        else:
            self.aliases.setdefault(inline, {}).setdefault(item.alias, path)


@cache
def modules_of(container: str) -> tuple[str, ...]:
    """Return the inline modules among a container's parts, outermost first."""
    parts = (part.removesuffix(TEST_MARK) for part in container.split(CONTAINER_SEPARATOR))
    return tuple(part.removeprefix("mod ") for part in parts if part.startswith("mod "))


def is_item_of(definition: Definition, modules: Sequence[str]) -> bool:
    """Tell whether a definition is an item of exactly this inline module of its file."""
    parts = definition.symbol.container.split(CONTAINER_SEPARATOR)
    in_type = any(part.startswith(("impl ", "trait ")) for part in parts)
    return (
        not in_type
        and definition.symbol.kind not in ("impl", "variant")
        and modules_of(definition.symbol.container) == tuple(modules)
    )


class Modules:
    """The modules of one snapshot; `files` maps path ids to blob ids and may move on.

    Caches hold only what follows from blobs, so they stay right when `files` changes.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._path_ids = reader.path_ids()
        self._file = lru_cache(_FILES_KEPT)(lambda path, blob: File(reader, path, blob))
        self._crates_of = lru_cache(64)(self._crates_of_manifests)
        self._manifest_ids = frozenset(
            path_id for path, path_id in self._path_ids.items() if path.endswith(b"Cargo.toml")
        )
        self.files: Mapping[int, int] = {}

    def file(self, path_id: int) -> File | None:
        """Return a file of the snapshot, None where it has none of that path."""
        blob_id = self.files.get(path_id)
        return None if blob_id is None else self._file(path_id, blob_id)

    def _at(self, path: str) -> File | None:
        path_id = self._path_ids.get(path.encode("utf-8", "surrogateescape"))
        return None if path_id is None else self.file(path_id)

    def home(self, path_id: int) -> tuple[str, tuple[str, ...]]:
        """Return a file's crate root folder and the module that it is, by the files' names."""
        path = self._reader.path(path_id).decode("utf-8", "surrogateescape")
        *folders, name = path.removesuffix(".rs").split("/")
        for n_folders in range(len(folders), -1, -1):
            root = "/".join(folders[:n_folders])
            if self._has_file(root, "lib.rs") or self._has_file(root, "main.rs"):
                inner = (*folders[n_folders:], name)
                if inner in (("lib",), ("main",)):
                    return root, ()
                return root, inner[:-1] if name == "mod" else inner
        return "/".join(folders), (name,)

    def _has_file(self, folder: str, name: str) -> bool:
        path = f"{folder}/{name}" if folder else name
        path_id = self._path_ids.get(path.encode("utf-8", "surrogateescape"))
        return path_id is not None and path_id in self.files

    def _module(self, root: str, segments: Sequence[str]) -> tuple[File, tuple[str, ...]] | None:
        """Return the file that holds a module, and the inline modules down to it."""
        for n_files in range(len(segments), -1, -1):
            parts = (root, *segments[:n_files]) if root else segments[:n_files]
            base = "/".join(parts)
            inside = f"{base}/" if base else ""
            names = (
                (f"{base}.rs", f"{base}/mod.rs")
                if n_files
                else (f"{inside}lib.rs", f"{inside}main.rs")
            )
            for name in names:
                found = self._at(name)
                if found is not None:
                    return found, tuple(segments[n_files:])
        return None

    def absolute(
        self, segments: Sequence[str], path_id: int, container: str
    ) -> tuple[str, tuple[str, ...]] | None:
        """Return (crate root, segments) for a path that starts at a crate or a module."""
        root, here = self.home(path_id)
        here += modules_of(container)
        head, rest = segments[0], tuple(segments[1:])
        if head == "crate":
            return root, rest
        if head in ("self", "super"):
            while segments and segments[0] in ("self", "super"):
                if segments[0] == "super":
                    if not here:
                        return None
                    here = here[:-1]
                segments = segments[1:]
            return root, (*here, *segments)
        crate_root = self._crates().get(head)
        return None if crate_root is None else (crate_root, rest)

    def items(self, root: str, segments: Sequence[str], *, depth: int = 0) -> Iterator[Definition]:
        """Yield what a path from a crate's root names, following `pub use`.

        A path to an associated item or a variant yields its type.
        """
        for taken in (1, 2):
            if len(segments) < taken:
                return
            module = self._module(root, segments[:-taken])
            if module is None:
                continue
            file, inline = module
            name = segments[-taken]
            found = [d for d in file.named.get(name, ()) if is_item_of(d, inline)]
            if found:
                yield from found
                return
            if depth < _MAX_REEXPORTS:
                onward = list(self._reexported(file, inline, segments[-taken:], depth))
                if onward:
                    yield from onward
                    return

    def _reexported(
        self, file: File, inline: tuple[str, ...], segments: Sequence[str], depth: int
    ) -> Iterator[Definition]:
        for container, item in file.imports:
            if not item.visibility or modules_of(container) != inline:
                continue
            path = item.path.split("::")
            if item.alias == segments[0]:
                target = self.absolute([*path, *segments[1:]], file.path_id, container)
            elif path[-1] == "*":
                target = self.absolute([*path[:-1], *segments], file.path_id, container)
            else:
                continue
            if target is None and path[0] not in ("crate", "self", "super"):
                # Since 2018 a path may begin at an item of the module itself.
                tail = segments[1:] if item.alias == segments[0] else segments
                path = path[:-1] if path[-1] == "*" else path
                target = self.absolute(["self", *path, *tail], file.path_id, container)
            if target is not None:
                found = list(self.items(*target, depth=depth + 1))
                if found:
                    yield from found
                    return

    def _crates(self) -> dict[str, str]:
        present = self._manifest_ids & self.files.keys()
        ordered = sorted(present, key=self._reader.path)
        return self._crates_of(tuple((path, self.files[path]) for path in ordered))

    def _crates_of_manifests(self, manifests: tuple[tuple[int, int], ...]) -> dict[str, str]:
        """Return each workspace crate's root folder by the name that code calls it."""
        roots = {}
        for path_id, blob_id in manifests:
            text = self._reader.manifest(blob_id)
            facts = json.loads(text) if text else {}
            name = facts.get("package", {}).get("name")
            if not isinstance(name, str):
                continue
            folder = PurePosixPath(self._reader.path(path_id).decode("utf-8", "replace")).parent
            libraries = facts.get("targets", {}).get("lib") or [{}]
            path = libraries[0].get("path", "src/lib.rs")
            called = libraries[0].get("name", name).replace("-", "_")
            root = str((folder / path).parent)
            roots[called] = "" if root == "." else root
        return roots
