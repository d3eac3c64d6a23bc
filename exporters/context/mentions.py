"""What code refers to, by the location to resolve it at."""

from collections.abc import Iterable, Iterator, Sequence

from rsidx.exporters.edits.edit import Edit, Place
from rsidx.exporters.resolver.files import modules_of
from rsidx.exporters.resolver.modules import Modules
from rsidx.exporters.resolver.references import CodeLocation
from rsidx.store.reader import Reader
from rsidx.store.records import ChunkRow, Import, Reference


class Mentions:
    """Reads the references of chunks, in one tree after another."""

    def __init__(self, reader: Reader, modules: Modules) -> None:
        self._reader = reader
        self._modules = modules

    def of_place(
        self, place: Place, answer: Edit | None = None
    ) -> list[tuple[CodeLocation, list[Reference]]]:
        """Return the references of the old code, by the location to resolve them at.

        Those of the new code and its imports, too, if the answer is given. The order is fixed.
        """
        sides = [place.old, answer.new if answer is not None else None]
        chunks = {chunk.id: chunk for side in sides if side for chunk in side.chunks}
        if place.is_file and all(sides):
            # Chunks that the commit left unchanged are not part of the edit.
            before, after = ({c.id for c in side.chunks} for side in sides if side)
            chunks = {key: c for key, c in chunks.items() if key not in before & after}
        by_container = by_container_of(chunks.values()) or {place.container: []}
        return [
            (
                CodeLocation(
                    place.old_path_id,
                    container,
                    (
                        *self.imports(inside),
                        *(self.new_imports(answer, place, container) if answer else ()),
                    ),
                ),
                self.references(inside),
            )
            for container, inside in by_container.items()
        ]

    def of_chunks(
        self, path_id: int, chunks: Sequence[ChunkRow]
    ) -> Iterator[tuple[CodeLocation, list[Reference]]]:
        """Yield the references of some chunks of a file, by the location to resolve them at."""
        for container, inside in by_container_of(chunks).items():
            site = CodeLocation(path_id, container, self.imports(inside))
            yield site, self.references(inside)

    def imports(self, chunks: Sequence[ChunkRow]) -> tuple[Import, ...]:
        """Return the imports inside of function bodies."""
        inside = [chunk for chunk in chunks if chunk.kind != "imports"]
        return tuple(
            dict.fromkeys(item for chunk in inside for item in self._reader.imports(chunk.id))
        )

    def new_imports(self, answer: Edit, place: Place, container: str) -> Iterator[Import]:
        """Yield the imports that an edit adds to the module of its code."""
        if answer.new is None:
            return
        modules, inline = self._modules, modules_of(container)
        after = modules.version(answer.new.path_id, answer.new.blob_id).scopes.get(inline)
        file = modules.file(place.old_path_id)
        before = file.scopes.get(inline) if file is not None else None
        old_imports = set(before.every_import()) if before is not None else set()
        for item in after.every_import() if after is not None else ():
            if item not in old_imports:
                yield item

    def references(self, chunks: Sequence[ChunkRow]) -> list[Reference]:
        """Return what some chunks refer to, in a fixed order."""
        references = {r for chunk in chunks for r in self._reader.references(chunk.id)}
        for chunk in chunks:
            if chunk.kind == "imports":
                references.update(
                    Reference("import", item.path)
                    for item in self._reader.imports(chunk.id)
                    if not item.path.endswith("*")
                )
        return sorted(references, key=lambda reference: (reference.kind, reference.path))


def by_container_of(chunks: Iterable[ChunkRow]) -> dict[str, list[ChunkRow]]:
    """Return chunks by their containers."""
    by_container: dict[str, list[ChunkRow]] = {}
    for chunk in chunks:
        by_container.setdefault(chunk.container, []).append(chunk)
    return by_container
