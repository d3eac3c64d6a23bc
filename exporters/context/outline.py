"""The outline of a file: the signatures of an edit's neighbours."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from rsidx.exporters.context.excerpts import Excerpt, excerpt_of
from rsidx.exporters.context.forms import Form, Forms
from rsidx.exporters.edits.edit import Side
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
        own: Side | None,
        known: Mapping[int, frozenset[str]],
        apart: frozenset[int],
    ) -> Iterator[Excerpt]:
        """Yield the signatures of the neighbours of code in a container, nearest first.

        `known` are the items that another section shows, by chunk, with their members there;
        `apart` are the chunks of callers and tests.
        """
        here = self._position(file, container, own)
        mine = range(own.position, own.position + len(own.chunks)) if own else range(0)
        hidden = frozenset((*known, *mine, *apart))
        n_shown = 0
        for unit in sorted(
            self._units_of(file.path_id, file.blob_id), key=lambda u: (abs(u.index - here), u.index)
        ):
            if n_shown >= _MAX_ITEMS:
                return
            excerpt = unit.excerpt
            if not hidden.isdisjoint(unit.chunks):
                excerpt = self._rest_of(file, unit, hidden, known.get(unit.index), own)
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

    def _rest_of(
        self,
        file: File,
        unit: _Unit,
        hidden: frozenset[int],
        used: frozenset[str] | None,
        own: Side | None,
    ) -> Excerpt | None:
        """Return the outline of a container without what another section shows of it."""
        if file.owner.get(unit.index) is None:
            return None
        header = definition_at(self._reader, file, unit.index)
        self._reader.prefetch_texts(file.chunks[index].id for index in unit.chunks)
        shown = {d.index for name in used or () for d in file.members[unit.index].get(name, ())}
        form = self._forms.outline(file, header, hidden | shown)
        return self._outlined(file, header.symbol.name, form, own) if form.pieces else None

    @staticmethod
    def _outlined(file: File, name: str, form: Form, own: Side | None) -> Excerpt | None:
        return excerpt_of("outline", file, name, "outline", form.up_to(_MAX_BYTES), own)

    @staticmethod
    def _position(file: File, container: str, own: Side | None) -> int:
        """Return the number of the chunk at or after which the code stands."""
        if own is not None and own.blob_id == file.blob_id:
            return own.position
        headers = file.headers.get(container, ())
        return headers[0].index if headers else len(file.chunks)
