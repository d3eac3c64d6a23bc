"""The outline of a file: the signatures of an edit's neighbours."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from rsidx.exporters.context.excerpts import Excerpt, Hidden, excerpt_of
from rsidx.exporters.context.forms import Form, Forms
from rsidx.exporters.edits.edit import Insertion, Side
from rsidx.exporters.resolver.files import File, definition_at
from rsidx.exporters.resolver.modules import Modules
from rsidx.store.reader import Reader

_MAX_ITEMS = 24
_MAX_BYTES = 1000
_FILES_KEPT = 250
_NOT_OUTLINED = frozenset({"mod_header", "mod", "macro_call_header", "imports"})


@dataclass(frozen=True, slots=True)
class _Unit:
    """An item of a file, or a container with its members, as the outline shows it."""

    index: int
    chunks: range
    excerpt: Excerpt | None

    def distance(self, here: float) -> float:
        """Return how far away from a position it is, 0 for a container around it."""
        first, last = self.chunks.start, self.chunks.stop - 1
        return 0 if first <= here <= last else min(abs(first - here), abs(last - here))


class Outline:
    """Outlines files; keeps what is the same for every edit of a version of a file."""

    def __init__(self, reader: Reader, modules: Modules, forms: Forms) -> None:
        self._reader = reader
        self._modules = modules
        self._forms = forms
        self._units_of = lru_cache(_FILES_KEPT)(self._outline_units)

    def excerpts(
        self,
        file: File,
        container: str,
        own: Side | Insertion | None,
        known: Mapping[int, frozenset[str]],
        apart: frozenset[int],
    ) -> Iterator[Excerpt]:
        """Yield the signatures of the neighbours of code in a container, nearest first.

        `own` is the code itself, or the place that it comes to. `known` are the items that another
        section shows, by chunk, with their members there; `apart` are the chunks of callers and
        tests.
        """
        here = self._position(file, container, own)
        code = own if isinstance(own, Side) else None
        mine = range(code.position, code.position + len(code.chunks)) if code else range(0)
        hidden = frozenset((*known, *mine, *apart))
        n_shown = 0
        for unit in sorted(
            self._units_of(file.path_id, file.blob_id), key=lambda u: (u.distance(here), u.index)
        ):
            if n_shown >= _MAX_ITEMS:
                return
            excerpt = unit.excerpt
            if not hidden.isdisjoint(unit.chunks) or not unit.distance(here):
                shown = self._shown(file, unit, known.get(unit.index))
                excerpt = self._rest_of(file, unit, hidden | shown, here, code)
            if excerpt is not None:
                n_shown += 1
                yield excerpt

    def _outline_units(self, path_id: int, blob_id: int) -> list[_Unit]:
        """Return the items of a file with their outline, in order."""
        file = self._modules.version(path_id, blob_id)
        self._reader.prefetch_texts(chunk.id for chunk in file.chunks)
        units = []
        for index, chunk in enumerate(file.chunks):
            symbols = self._reader.symbols(chunk.id)
            owner = file.owner.get(index)
            if not symbols or chunk.kind in _NOT_OUTLINED or owner not in (None, index):
                continue
            form = Form("signatures", (self._forms.signature(chunk, file.starts[index]),))
            members = range(index, index + 1)
            if owner is not None:
                members = file.extent(index)
                header = definition_at(self._reader, file, index)
                form = self._forms.outline(file, header, frozenset())
                if not form.pieces:
                    continue
            excerpt = self._outlined(file, symbols[0].name, form, None)
            units.append(_Unit(index, members, excerpt))
        return units

    @staticmethod
    def _shown(file: File, unit: _Unit, used: frozenset[str] | None) -> frozenset[int]:
        """Return the chunks of the members of a container that another section shows."""
        names = used if file.owner.get(unit.index) is not None and used else ()
        return frozenset(d.index for name in names for d in file.members[unit.index].get(name, ()))

    def _rest_of(
        self, file: File, unit: _Unit, hidden: frozenset[int], here: float, own: Side | None
    ) -> Excerpt | None:
        """Return the outline of a container without hidden chunks, of a long one what is near."""
        if file.owner.get(unit.index) is None:
            return None if not hidden.isdisjoint(unit.chunks) else unit.excerpt
        header = definition_at(self._reader, file, unit.index)
        self._reader.prefetch_texts(file.chunks[index].id for index in unit.chunks)
        form = self._forms.outline(file, header, hidden)
        if not form.pieces:
            return None
        if not unit.distance(here):
            form = form.around(file.starts[math.ceil(here)], _MAX_BYTES)
        return self._outlined(file, header.symbol.name, form, own)

    @staticmethod
    def _outlined(file: File, name: str, form: Form, own: Side | None) -> Excerpt | None:
        return excerpt_of("outline", file, name, "outline", form.up_to(_MAX_BYTES), Hidden((own,)))

    @staticmethod
    def _position(file: File, container: str, own: Side | Insertion | None) -> float:
        """Return the number of the chunk that the code is, or between which two it comes."""
        if own is not None and own.blob_id == file.blob_id:
            return own.position if isinstance(own, Side) else own.position - 0.5
        headers = file.headers.get(container, ())
        return headers[0].index if headers else len(file.chunks)
