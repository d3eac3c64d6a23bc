"""Compare zstandard's levels on an index's texts: with a dictionary, and beside earlier versions.

python benchmarks/compression.py INDEX [INDEX...]
"""

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

import zstandard
from sqlalchemy import func, select

from rsidx.store import queries, schema
from rsidx.store.codec import train_dictionary
from rsidx.store.database import Database, resolve_url
from rsidx.store.deltas import ChunkTexts

_KEPT_BYTES = 64_000_000


def texts_of(index: str) -> tuple[dict[int, bytes], dict[int, int], int]:
    """Return every chunk's text, which one it is kept as a version of, and the bytes of all."""
    database = Database(resolve_url(index), create=False)
    with database.reading() as connection:
        read = ChunkTexts(connection, _KEPT_BYTES)
        texts = {chunk_id: read.get(chunk_id) for chunk_id in queries.chunk_ids(connection)}
        c = schema.chunk.c
        based = connection.execute(select(c.id, c.base_id).where(c.base_id.is_not(None)))
        bases = {row.id: row.base_id for row in based}
        kept = connection.execute(select(func.sum(func.length(c.text)))).scalar_one()
    database.close()
    return texts, bases, int(kept)


def plain(texts: Sequence[bytes], dictionary: bytes | None, level: int) -> int:
    """Return the bytes of all texts, each by itself."""
    data = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
    compressor = zstandard.ZstdCompressor(level=level, dict_data=data)
    return sum(len(compressor.compress(text)) for text in texts)


def beside(pairs: Sequence[tuple[bytes, bytes]], level: int) -> int:
    """Return the bytes of texts, each beside the version before it."""
    size = 0
    for before, text in pairs:
        prefix = zstandard.ZstdCompressionDict(before, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        size += len(zstandard.ZstdCompressor(level=level, dict_data=prefix).compress(text))
    return size


def compare(name: str, levels: Sequence[int], compress: Callable[[int], int]) -> None:
    """Print a line for each level: the bytes, and the seconds that they took."""
    for level in levels:
        start = time.perf_counter()
        size = compress(level)
        seconds = time.perf_counter() - start
        print(f"  {name:<16} level {level:>2}: {size:>12,} bytes, {seconds:.1f} s")


def report(index: str) -> None:
    """Print what there is to compare of an index."""
    by_id, bases, kept = texts_of(index)
    texts = list(by_id.values())
    print(f"{index}: {len(texts):,} texts, {sum(map(len, texts)):,} bytes, kept in {kept:,}")
    trained = train_dictionary(texts[: max(1, len(texts) // 3)])
    compare("no dictionary", (3, 12), partial(plain, texts, None))
    compare("dictionary", (3, 6, 12, 19), partial(plain, texts, trained))
    pairs = [(by_id[base_id], by_id[chunk_id]) for chunk_id, base_id in bases.items()]
    print(f"  of these {len(pairs):,}, {sum(len(text) for _, text in pairs):,} bytes:")
    compare("dictionary", (12,), partial(plain, [text for _, text in pairs], trained))
    compare("version before", (3, 6, 12), partial(beside, pairs))


def main() -> int:
    """Compare for each index."""
    for index in sys.argv[1:]:
        report(index)
    return 0


if __name__ == "__main__":
    sys.exit(main())
