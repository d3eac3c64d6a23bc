"""What the code near a place refers to: an edit there is likely to need it, too."""

from collections.abc import Iterator
from itertools import islice, zip_longest

from rsidx.exporters.context.likely import Likely
from rsidx.exporters.context.mentions import Mentions
from rsidx.exporters.edits.edit import Place, Side, Surroundings
from rsidx.exporters.resolver.files import modules_of
from rsidx.exporters.resolver.references import CodeLocation, Resolved, Resolver
from rsidx.store.addresses import FOOTER
from rsidx.store.reader import Reader
from rsidx.store.records import Import

_MAX_ITEMS = 32
_NOT_LOOKED_AT = frozenset({"imports", "preamble", "trailer", "mod"})

NEAR_RULE = "near"


class Near:
    """Finds the definitions that the items near a place refer to, in one tree after another."""

    def __init__(self, reader: Reader, resolver: Resolver, mentions: Mentions) -> None:
        self._reader = reader
        self._resolver = resolver
        self._mentions = mentions
        self._found: dict[tuple[object, ...], tuple[Resolved, ...]] = {}

    def forget(self) -> None:
        """Forget what names mean: the tree is another."""
        self._found.clear()

    def of(self, place: Place, around: Surroundings) -> Iterator[Likely]:
        """Yield what each of the nearest items refers to, the nearest first.

        Items that the commit has made or changed already are read as what they are now, by the
        names that its tree had before.
        """
        imports = self._imports_made(place, around)
        for rank, side in enumerate(islice(_nearest(around), _MAX_ITEMS)):
            yield Likely(NEAR_RULE, 1 / (1 + rank), self._of_item(place, side, imports))

    def _of_item(
        self, place: Place, side: Side, imports: dict[tuple[str, ...], tuple[Import, ...]]
    ) -> tuple[Resolved, ...]:
        made = imports.get(modules_of(side.container), ())
        key = (side.path_id, side.blob_id, side.position, made)
        if key not in self._found:
            found: list[Resolved] = []
            for site, references in self._mentions.of_chunks(place.old_path_id, side.chunks):
                at = CodeLocation(site.path_id, site.container, (*site.imports, *made))
                definitions, _ = self._resolver.resolve(at, references)
                found += definitions
            self._found[key] = tuple(found)
        return self._found[key]

    def _imports_made(
        self, place: Place, around: Surroundings
    ) -> dict[tuple[str, ...], tuple[Import, ...]]:
        """Return the imports of the file that its tree does not have, by module."""
        file = self._resolver.modules.file(place.old_path_id)
        found: dict[tuple[str, ...], tuple[Import, ...]] = {}
        for side in (*around.before, *around.behind):
            if side.kind == "imports" and (file is None or side.blob_id != file.blob_id):
                inline = modules_of(side.container)
                imports = self._reader.imports(side.chunks[0].id)
                found[inline] = (*found.get(inline, ()), *imports)
        return found


def _nearest(around: Surroundings) -> Iterator[Side]:
    """Yield the items around a place, the nearest first, from both sides in turn."""
    before = filter(_is_looked_at, reversed(around.before))
    for pair in zip_longest(before, filter(_is_looked_at, around.behind)):
        yield from (side for side in pair if side is not None)


def _is_looked_at(side: Side) -> bool:
    return side.kind not in _NOT_LOOKED_AT and not side.kind.endswith(FOOTER)
