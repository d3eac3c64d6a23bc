"""What the other files of a folder refer to: code in a file beside them may need it, too."""

import posixpath
from collections import Counter
from collections.abc import Iterator

from rsidx.exporters.context.likely import Likely
from rsidx.exporters.context.mentions import Mentions
from rsidx.exporters.edits.edit import Place
from rsidx.exporters.resolver.references import Resolved, Resolver
from rsidx.store.records import ChunkRow

FOLDER_RULE = "folder"
_WEIGHT = 0.1
"""How likely what one such file imports is needed, against what the nearest item uses."""
_MAX_FILES = 8
_MIN_FILES = 3
"""A file that is there has its own imports; what fewer of the others import says little of it."""
_MAX_ITEMS = 16
"""Of each file, where the code's own file is new."""

_Key = tuple[int, int, str, str]
"""A definition by its path, where it begins, its name, and the member of it that is meant."""


class Folder:
    """Finds what the files beside a file refer to, in one tree after another."""

    def __init__(self, resolver: Resolver, mentions: Mentions) -> None:
        self._resolver = resolver
        self._mentions = mentions
        self._files: dict[str, list[int]] = {}
        self._found: dict[tuple[int, bool], dict[_Key, Resolved]] = {}

    def forget(self) -> None:
        """Forget what names mean: the tree is another."""
        self._files.clear()
        self._found.clear()

    def of(self, place: Place) -> Iterator[Likely]:
        """Yield what the files beside a place's import, most of all what several do.

        Beside a new file, what their first items refer to, too.
        """
        is_new = self._resolver.modules.file(place.old_path_id) is None
        n_files: Counter[_Key] = Counter()
        found: dict[_Key, Resolved] = {}
        for path_id in self._beside(place.old_path_id):
            of_file = self._of_file(path_id, with_items=is_new)
            n_files.update(of_file.keys())
            found |= of_file
        for key, resolved in found.items():
            if is_new or n_files[key] >= _MIN_FILES:
                yield Likely(FOLDER_RULE, _WEIGHT * n_files[key], (resolved,))

    def _beside(self, path_id: int) -> list[int]:
        """Return the files of a file's folder, then those of each folder above."""
        modules = self._resolver.modules
        if not self._files:
            for one in modules.rust_files():
                self._files.setdefault(posixpath.dirname(modules.path(one)), []).append(one)
        path = modules.path(path_id)
        at: str | None = posixpath.dirname(path)
        found: list[int] = []
        while at is not None and len(found) < _MAX_FILES:
            others = [one for one in self._files.get(at, ()) if one != path_id]
            found += sorted(others, key=lambda one: _unlikeness(modules.path(one), path))
            at = posixpath.dirname(at) if at else None
        return found[:_MAX_FILES]

    def _of_file(self, path_id: int, *, with_items: bool) -> dict[_Key, Resolved]:
        """Return what a file refers to, each definition once."""
        key = (path_id, with_items)
        if key not in self._found:
            file = self._resolver.modules.file(path_id)
            chunks = file.chunks if file is not None else ()
            looked_at = [chunk for chunk in chunks if chunk.kind == "imports"]
            if with_items:
                looked_at += [chunk for chunk in chunks if chunk.kind != "imports"][:_MAX_ITEMS]
            self._found[key] = self._of_chunks(path_id, looked_at)
        return self._found[key]

    def _of_chunks(self, path_id: int, chunks: list[ChunkRow]) -> dict[_Key, Resolved]:
        found: dict[_Key, Resolved] = {}
        for site, references in self._mentions.of_chunks(path_id, chunks):
            for one in self._resolver.resolve(site, references)[0]:
                at = one.definition
                found.setdefault((at.path_id, at.start, at.symbol.name, one.member), one)
        return found


def _unlikeness(path: str, other: str) -> tuple[int, str]:
    """Return how little the beginnings of two names have in common."""
    name, wanted = posixpath.basename(path), posixpath.basename(other)
    return -len(posixpath.commonprefix((name, wanted))), path
