"""What the other files of a folder refer to: code in a file beside them may need it, too."""

import posixpath
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
_MAX_ITEMS = 16
"""Of each file, where the code's own file is new."""


class Folder:
    """Finds what the files beside a file refer to, in one tree after another."""

    def __init__(self, resolver: Resolver, mentions: Mentions) -> None:
        self._resolver = resolver
        self._mentions = mentions
        self._files: dict[str, list[int]] = {}
        self._found: dict[tuple[int, bool], tuple[Resolved, ...]] = {}

    def forget(self) -> None:
        """Forget what names mean: the tree is another."""
        self._files.clear()
        self._found.clear()

    def of(self, place: Place) -> Iterator[Likely]:
        """Yield what each of the files beside a place's imports, those of like names first.

        Beside a new file, what their first items refer to, too.
        """
        is_new = self._resolver.modules.file(place.old_path_id) is None
        for path_id in self._beside(place.old_path_id)[:_MAX_FILES]:
            yield Likely(FOLDER_RULE, _WEIGHT, self._of_file(path_id, with_items=is_new))

    def _beside(self, path_id: int) -> list[int]:
        """Return the files of a file's folder, then those of the folder above."""
        modules = self._resolver.modules
        if not self._files:
            for one in modules.rust_files():
                self._files.setdefault(posixpath.dirname(modules.path(one)), []).append(one)
        path = modules.path(path_id)
        folder = posixpath.dirname(path)
        found: list[int] = []
        for at in dict.fromkeys((folder, posixpath.dirname(folder))):
            others = [one for one in self._files.get(at, ()) if one != path_id]
            found += sorted(others, key=lambda one: _unlikeness(modules.path(one), path))
        return found

    def _of_file(self, path_id: int, *, with_items: bool) -> tuple[Resolved, ...]:
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

    def _of_chunks(self, path_id: int, chunks: list[ChunkRow]) -> tuple[Resolved, ...]:
        found: dict[tuple[object, ...], Resolved] = {}
        for site, references in self._mentions.of_chunks(path_id, chunks):
            for one in self._resolver.resolve(site, references)[0]:
                at = one.definition
                found.setdefault((at.path_id, at.start, at.symbol.name, one.member), one)
        return tuple(found.values())


def _unlikeness(path: str, other: str) -> tuple[int, str]:
    """Return how little the beginnings of two names have in common."""
    name, wanted = posixpath.basename(path), posixpath.basename(other)
    return -len(posixpath.commonprefix((name, wanted))), path
