"""Compare zstandard's levels, with and without a dictionary, on an index's chunk texts.

python benchmarks/compression.py INDEX [INDEX...]
"""

import sys
import time

import zstandard
from sqlalchemy import select

from rsidx.store import queries, schema
from rsidx.store.database import Database, resolve_url
from rsidx.store.text import train_dictionary
from rsidx.store.writer import load_codec


def texts_of(index: str) -> list[bytes]:
    """Return every chunk's text in the order in which they came in."""
    database = Database(resolve_url(index), create=False)
    with database.reading() as connection:
        codec = load_codec(connection)
        c = schema.chunk.c
        rows = connection.execute(select(c.text, c.dictionary_id).order_by(c.id))
        texts = [codec.decompress(row.text, row.dictionary_id) for row in rows]
        assert len(texts) == queries.counts(connection).n_chunks
    database.close()
    return texts


def main() -> int:
    """Print a line for each level."""
    for index in sys.argv[1:]:
        texts = texts_of(index)
        print(f"{index}: {len(texts):,} texts, {sum(map(len, texts)):,} bytes")
        trained = train_dictionary(texts[: max(1, len(texts) // 3)])
        for name, content in (("no dictionary", None), ("dictionary", trained)):
            data = zstandard.ZstdCompressionDict(content) if content else None
            for level in (3, 6, 12, 19):
                compressor = zstandard.ZstdCompressor(level=level, dict_data=data)
                start = time.perf_counter()
                size = sum(len(compressor.compress(text)) for text in texts)
                seconds = time.perf_counter() - start
                print(f"  {name:<14} level {level:>2}: {size:>12,} bytes, {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
