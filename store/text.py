"""How texts and lists are packed: zstandard with a trained dictionary, and small numbers."""

from array import array
from collections.abc import Iterable

import zstandard

# 12% smaller than level 3, for at most 4% of the time of a backfill: docs/measurements.md.
_LEVEL = 12
_DICTIONARY_BYTES = 110_000
_MIN_SAMPLES = 500
# One for all: to make a compressor takes longer than to compress a short list.
_BREAKS = zstandard.ZstdCompressor(level=_LEVEL)
_UNBREAKS = zstandard.ZstdDecompressor()


def train_dictionary(samples: list[bytes]) -> bytes | None:
    """Train a dictionary on chunk texts; None where there are too few to learn from."""
    if len(samples) < _MIN_SAMPLES:
        return None
    total = sum(map(len, samples))
    size = min(_DICTIONARY_BYTES, total // 10)
    try:
        return zstandard.train_dictionary(size, [*samples], k=200, d=8).as_bytes()
    except zstandard.ZstdError:
        return None


class Codec:
    """Compresses and decompresses texts; knows the dictionaries of one database by id.

    New texts use the dictionary with the highest id, if there is one.
    """

    def __init__(self, dictionaries: dict[int, bytes]) -> None:
        self._plain = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=False)
        self._unplain = zstandard.ZstdDecompressor()
        self._compressor = self._plain
        self._decompressors: dict[int, zstandard.ZstdDecompressor] = {}
        self.dictionary_id: int | None = None
        for dictionary_id, content in sorted(dictionaries.items()):
            self.add(dictionary_id, content)

    def add(self, dictionary_id: int, content: bytes) -> None:
        """Make a dictionary known, and use it for new texts."""
        trained = zstandard.ZstdCompressionDict(content)
        self._compressor = zstandard.ZstdCompressor(
            level=_LEVEL, dict_data=trained, write_checksum=False, write_dict_id=False
        )
        self._decompressors[dictionary_id] = zstandard.ZstdDecompressor(dict_data=trained)
        self.dictionary_id = dictionary_id

    def compress(self, text: bytes) -> bytes:
        """Compress with the newest dictionary (`self.dictionary_id`), if there is one."""
        return self._compressor.compress(text)

    def compress_message(self, message: str) -> bytes:
        """Compress a commit's message, without a dictionary."""
        return self._plain.compress(message.encode("utf-8", "surrogateescape"))

    def decompress_message(self, data: bytes) -> str:
        """Undo `compress_message`; bytes that are not UTF-8 come out as U+FFFD."""
        return self._unplain.decompress(data).decode("utf-8", "replace")

    def decompress(self, data: bytes, dictionary_id: int | None) -> bytes:
        """Give back the text; raises KeyError for a dictionary that is not in the database."""
        if dictionary_id is None:
            return self._unplain.decompress(data)
        return self._decompressors[dictionary_id].decompress(data)


def pack_breaks(breaks: tuple[tuple[int, int], ...]) -> bytes | None:
    """Pack (offset, depth) pairs; None for none."""
    if not breaks:
        return None
    flat = array("I", [number for pair in breaks for number in pair])
    return _BREAKS.compress(flat.tobytes())


def unpack_breaks(data: bytes | None) -> list[tuple[int, int]]:
    """Undo `pack_breaks`."""
    if data is None:
        return []
    flat = array("I")
    flat.frombytes(_UNBREAKS.decompress(data))
    return list(zip(flat[::2], flat[1::2], strict=True))


def pack_ids(ids: Iterable[int]) -> bytes:
    """Pack ids as differences, zigzag LEB128: a byte each where neighbours are near."""
    packed = bytearray()
    last = 0
    for one in ids:
        difference = one - last
        last = one
        number = difference << 1 if difference >= 0 else (-difference << 1) - 1
        while number > 127:
            packed.append(number & 127 | 128)
            number >>= 7
        packed.append(number)
    return bytes(packed)


def unpack_ids(packed: bytes) -> list[int]:
    """Undo `pack_ids`."""
    ids = []
    last = number = shift = 0
    for byte in packed:
        number |= (byte & 127) << shift
        if byte > 127:
            shift += 7
            continue
        last += number >> 1 if not number & 1 else -(number + 1 >> 1)
        ids.append(last)
        number = shift = 0
    return ids
