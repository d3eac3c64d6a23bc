"""Which chunk of the version before a new chunk is a delta against."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, select

from rsidx.store import schema
from rsidx.store.batches import batches
from rsidx.store.deltas import ChunkTexts
from rsidx.store.records import ChunkRecord
from rsidx.store.varint import unpack_ids

_KEPT_BYTES = 8_000_000
_LISTS_KEPT = 1_000
_LABELS_KEPT = 20_000

_Label = tuple[str, str, str]
"""Kind, container, and the name of the first symbol: what a version has in common with the next."""


class DeltaBases:
    """Finds the bases of new chunks; their texts are in `texts` afterwards."""

    def __init__(self, connection: Connection) -> None:
        self.texts = ChunkTexts(connection, _KEPT_BYTES)
        self._connection = connection
        self._lists: dict[int, list[int]] = {}
        self._labels: dict[int, _Label] = {}

    def find(
        self,
        blobs: Sequence[tuple[int, int | None, list[int]]],
        new: Mapping[int, ChunkRecord],
    ) -> dict[int, int]:
        """Return the earlier version of each new chunk that has one, by id; lower ids alone.

        `blobs` are blob, the blob before it and its chunks, a batch of them, in order.
        """
        self._make_room()
        self._lists.update((blob_id, ids) for blob_id, _, ids in blobs)
        self._read_lists(before for _, before, _ in blobs if before is not None)
        self._labels.update((chunk_id, _label_of(record)) for chunk_id, record in new.items())
        replaced = []
        placed: set[int] = set()
        for _, before, ids in blobs:
            own = [one for one in dict.fromkeys(ids) if one in new and one not in placed]
            placed.update(own)
            gone = sorted(set(self._lists.get(before or 0, ())).difference(ids))
            if own and gone:
                replaced.append((own, gone))
        self._read_labels(one for _, gone in replaced for one in gone)
        found: dict[int, int] = {}
        for own, gone in replaced:
            found.update(self._pairs(own, gone))
        self.texts.read(base for base in set(found.values()) if base not in new)
        return found

    def _pairs(self, own: Sequence[int], gone: Sequence[int]) -> dict[int, int]:
        """Return which chunks that are gone others replace: the first of the same label."""
        waiting: dict[_Label, list[int]] = {}
        for chunk_id in reversed(gone):
            waiting.setdefault(self._labels[chunk_id], []).append(chunk_id)
        found = {}
        for chunk_id in own:
            same = waiting.get(self._labels[chunk_id])
            if same and same[-1] < chunk_id:
                found[chunk_id] = same.pop() if len(same) > 1 else same[-1]
        return found

    def _make_room(self) -> None:
        if len(self._lists) > _LISTS_KEPT:
            self._lists.clear()
        if len(self._labels) > _LABELS_KEPT:
            self._labels.clear()

    def _read_lists(self, blob_ids: Iterable[int]) -> None:
        c = schema.blob_chunks.c
        for part in batches(sorted({one for one in blob_ids if one not in self._lists})):
            query = select(c.blob_id, c.chunk_ids).where(c.blob_id.in_(part))
            for blob_id, packed in self._connection.execute(query):
                self._lists[blob_id] = unpack_ids(packed)

    def _read_labels(self, chunk_ids: Iterable[int]) -> None:
        chunk, symbol, name = schema.chunk.c, schema.symbol.c, schema.name.c
        joined = schema.chunk.outerjoin(
            schema.symbol, (symbol.chunk_id == chunk.id) & (symbol.position == 0)
        ).outerjoin(schema.name, name.id == symbol.name_id)
        columns = select(chunk.id, chunk.kind, chunk.container, name.text).select_from(joined)
        for part in batches(sorted({one for one in chunk_ids if one not in self._labels})):
            for row in self._connection.execute(columns.where(chunk.id.in_(part))):
                self._labels[row[0]] = (row[1], row[2], row[3] or "")


def _label_of(record: ChunkRecord) -> _Label:
    symbols = record.facts.symbols
    return record.kind, record.container, symbols[0].name if symbols else ""
