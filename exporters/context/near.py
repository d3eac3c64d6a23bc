"""What the code near a place refers to: an edit there is likely to need it, too."""

from collections.abc import Iterator, Sequence

from rsidx.exporters.context.mentions import Mentions
from rsidx.exporters.resolver.files import File
from rsidx.exporters.resolver.references import Resolved, Resolver
from rsidx.store.addresses import FOOTER

_MAX_ITEMS = 32
_NOT_LOOKED_AT = frozenset({"imports", "preamble", "trailer", "mod"})

Weighted = tuple[float, Sequence[Resolved]]
"""Definitions, and how likely it is that they are needed."""


class Near:
    """Finds the definitions that the items near a place refer to, in one tree after another."""

    def __init__(self, resolver: Resolver, mentions: Mentions) -> None:
        self._resolver = resolver
        self._mentions = mentions
        self._found: dict[tuple[int, int, int], tuple[Resolved, ...]] = {}

    def forget(self) -> None:
        """Forget what names mean: the tree is another."""
        self._found.clear()

    def of(self, file: File, position: float, own: range) -> Iterator[Weighted]:
        """Yield what each of the nearest items refers to, the nearest first, without `own`.

        `position` is that of the place among the file's chunks, between two of them a half.
        """
        others = (
            (abs(index - position), index)
            for index, chunk in enumerate(file.chunks)
            if index not in own
            and chunk.kind not in _NOT_LOOKED_AT
            and not chunk.kind.endswith(FOOTER)
        )
        for rank, (_, index) in enumerate(sorted(others)[:_MAX_ITEMS]):
            yield 1 / (1 + rank), self._of_item(file, index)

    def _of_item(self, file: File, index: int) -> tuple[Resolved, ...]:
        key = (file.path_id, file.blob_id, index)
        if key not in self._found:
            found: list[Resolved] = []
            for site, references in self._mentions.of_chunks(file.path_id, [file.chunks[index]]):
                definitions, _ = self._resolver.resolve(site, references)
                found += definitions
            self._found[key] = tuple(found)
        return self._found[key]
