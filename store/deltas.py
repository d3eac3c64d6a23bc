"""Deltas: a version of a chunk is stored as its difference from the version before it."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select, update

from rsidx.store import schema
from rsidx.store.batches import batches
from rsidx.store.codec import Codec

MAX_DEPTH = 16
"""Maximum length of a delta chain: reading a text decompresses at most this many deltas."""


def _queries() -> tuple[Select[tuple[Any, ...]], Select[tuple[Any, ...]]]:
    """Return the queries for chunks by `ids`, and for these with all that they are made of."""
    c = schema.chunk.c
    columns = select(c.id, c.base_id, c.dictionary_id, c.text)
    asked = c.id.in_(bindparam("ids", expanding=True))
    chain = select(c.id, c.base_id).where(asked).cte("chain", recursive=True)
    chain = chain.union(select(c.id, c.base_id).where(c.id == chain.c.base_id))
    return columns.where(asked), columns.join(chain, chain.c.id == c.id)


_THESE, _WITH_EARLIER = _queries()


@dataclass(frozen=True, slots=True)
class StoredText:
    """A text as a row of `chunk` holds it."""

    base_id: int | None
    dictionary_id: int | None
    text: bytes


class ChunkTexts:
    """Reads and packs the texts of chunks; keeps about `kept_bytes` of them in memory."""

    def __init__(self, connection: Connection, kept_bytes: int) -> None:
        self.codec = load_codec(connection)
        self._connection = connection
        self._kept_bytes = kept_bytes
        self._n_bytes = 0
        # By chunk: the text, and of how many others it is made. The oldest come first.
        self._known: dict[int, tuple[bytes, int]] = {}

    def get(self, chunk_id: int) -> bytes:
        """Return a chunk's text."""
        known = self._known.get(chunk_id)
        if known is None:
            self.read([chunk_id])
            known = self._known[chunk_id]
        return known[0]

    def read(self, chunk_ids: Iterable[int]) -> None:
        """Read the texts of several chunks at once; what was known longest may go for them."""
        wanted = set(chunk_ids)
        known = self._known
        rows = dict(self._rows(_THESE, [one for one in wanted if one not in known]))
        bases = {row.base_id for row in rows.values() if row.base_id is not None}
        missing = [one for one in bases if one not in rows and one not in known]
        rows.update(self._rows(_WITH_EARLIER, missing))
        for chunk_id in sorted(one for one in rows if one not in known):
            self._add(chunk_id, *self._unpacked(rows[chunk_id]))
        if self._n_bytes > self._kept_bytes:
            self._shrink(wanted)

    def _rows(
        self, query: Select[tuple[Any, ...]], chunk_ids: Collection[int]
    ) -> Iterator[tuple[int, StoredText]]:
        for part in batches(sorted(chunk_ids)):
            for chunk_id, *row in self._connection.execute(query, {"ids": part}):
                yield chunk_id, StoredText(*row)

    def _unpacked(self, row: StoredText) -> tuple[bytes, int]:
        """Return text and depth; the base is known, since a chunk has a higher id than its base."""
        if row.base_id is None:
            return self.codec.decompress(row.text, row.dictionary_id), 0
        base, depth = self._known[row.base_id]
        return self.codec.decompress_delta(base, row.text), depth + 1

    def pack(self, chunk_id: int, text: bytes, base_id: int | None) -> StoredText:
        """Return a new chunk's text as it is kept, and remember it until `read` needs the room.

        `base_id` is the chunk that it is a version of; its text must be known.
        """
        if base_id is not None:
            base, depth = self._known[base_id]
            if depth < MAX_DEPTH:
                data = self.codec.compress_delta(base, text)
                if data is not None:
                    self._add(chunk_id, text, depth + 1)
                    return StoredText(base_id, None, data)
        self._add(chunk_id, text, 0)
        return self.pack_full(text)

    def pack_full(self, text: bytes) -> StoredText:
        """Return a text packed in full, without a base."""
        return StoredText(None, self.codec.dictionary_id, self.codec.compress(text))

    def _add(self, chunk_id: int, text: bytes, depth: int) -> None:
        self._known[chunk_id] = (text, depth)
        self._n_bytes += len(text)

    def _shrink(self, needed: Collection[int]) -> None:
        """Drop what was known longest and is not needed now, until half of the room is free."""
        for chunk_id in [one for one in self._known if one not in needed]:
            if self._n_bytes <= self._kept_bytes // 2:
                break
            self._n_bytes -= len(self._known.pop(chunk_id)[0])


def rebase_dependents(connection: Connection, going: Collection[int]) -> None:
    """Pack in full the chunks whose bases are about to be deleted."""
    if not going:
        return
    c = schema.chunk.c
    rows = connection.execute(select(c.id, c.base_id).where(c.base_id.is_not(None)))
    wanted = [row.id for row in rows if row.base_id in going and row.id not in going]
    texts = ChunkTexts(connection, kept_bytes=0)
    for part in batches(wanted):
        texts.read(part)
        for chunk_id in part:
            replace_text(connection, chunk_id, texts.pack_full(texts.get(chunk_id)))


def replace_text(connection: Connection, chunk_id: int, packed: StoredText) -> None:
    """Replace how a chunk's text is stored."""
    values: dict[str, Any] = {
        "base_id": packed.base_id,
        "dictionary_id": packed.dictionary_id,
        "text": packed.text,
    }
    connection.execute(update(schema.chunk).where(schema.chunk.c.id == chunk_id).values(values))


def load_codec(connection: Connection) -> Codec:
    """Load the dictionaries of this database."""
    query = select(schema.dictionary.c.id, schema.dictionary.c.content)
    return Codec({row.id: row.content for row in connection.execute(query)})
