"""Compare zstandard's levels, with and without a dictionary, on an index's chunk texts.

python benchmarks/compression.py INDEX [INDEX...]
"""

import sys
import time

import zstandard

from rsidx.store import queries
from rsidx.store.chains import Texts
from rsidx.store.database import Database, resolve_url
from rsidx.store.text import train_dictionary

_KEPT_BYTES = 64_000_000


def texts_of(index: str) -> list[bytes]:
    """Return every chunk's text in the order in which they came in."""
    database = Database(resolve_url(index), create=False)
    with database.reading() as connection:
        read = Texts(connection, _KEPT_BYTES)
        texts = [read.get(chunk_id) for chunk_id in queries.chunk_ids(connection)]
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
