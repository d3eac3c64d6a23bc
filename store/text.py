"""How texts and lists are packed: zstandard with a trained dictionary, and small numbers."""

from array import array
from collections.abc import Iterable, Iterator

import zstandard

# 12% smaller than level 3, for at most 4% of the time of a backfill: docs/measurements.md.
_LEVEL = 12
_DICTIONARY_BYTES = 110_000
_MIN_SAMPLES = 500
# Level 6 is 9% smaller, which is half a percent of an index: docs/measurements.md.
_LEVEL_AFTER = 3
_CLEAR_GAIN = 4
_BREAKS_MARK = b"\x01"
_BY_STEP = (0, 1, -1)
_STEPS = {difference: step for step, difference in enumerate(_BY_STEP)}
_APART = 3


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

    def compress_after(self, base: bytes, text: bytes) -> bytes | None:
        """Compress what differs from an earlier version; None where that gains nothing."""
        compressor = zstandard.ZstdCompressor(
            level=_LEVEL_AFTER, dict_data=_prefix(base), write_checksum=False, write_dict_id=False
        )
        data = compressor.compress(text)
        if len(data) * _CLEAR_GAIN <= len(text) or len(data) < len(self.compress(text)):
            return data
        return None

    @staticmethod
    def decompress_after(base: bytes, data: bytes) -> bytes:
        """Undo `compress_after`, given the same earlier version."""
        return zstandard.ZstdDecompressor(dict_data=_prefix(base)).decompress(data)


def _prefix(base: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def pack_breaks(breaks: tuple[tuple[int, int], ...]) -> bytes | None:
    """Pack (offset, depth) pairs, offsets ascending; None for none.

    After the mark, a number for each: how much further on, and whether the depth is the same,
    more or less, or follows apart.
    """
    if not breaks:
        return None
    packed = bytearray(_BREAKS_MARK)
    last = depth = 0
    for offset, its_depth in breaks:
        step = _STEPS.get(its_depth - depth, _APART)
        _append(packed, (offset - last) << 2 | step)
        if step == _APART:
            _append(packed, its_depth)
        last, depth = offset, its_depth
    return bytes(packed)


def unpack_breaks(data: bytes | None) -> list[tuple[int, int]]:
    """Undo `pack_breaks`."""
    if data is None:
        return []
    if not data.startswith(_BREAKS_MARK):  # What an older version wrote, until it is read anew.
        flat = array("I")
        flat.frombytes(zstandard.ZstdDecompressor().decompress(data))
        return list(zip(flat[::2], flat[1::2], strict=True))
    breaks = []
    offset = depth = 0
    numbers = _numbers(data[len(_BREAKS_MARK) :])
    for number in numbers:
        offset += number >> 2
        step = number & 3
        depth = next(numbers) if step == _APART else depth + _BY_STEP[step]
        breaks.append((offset, depth))
    return breaks


def _append(packed: bytearray, number: int) -> None:
    """Append a number as LEB128."""
    while number > 127:
        packed.append(number & 127 | 128)
        number >>= 7
    packed.append(number)


def _numbers(packed: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in packed:
        number |= (byte & 127) << shift
        if byte > 127:
            shift += 7
            continue
        yield number
        number = shift = 0


def pack_ids(ids: Iterable[int]) -> bytes:
    """Pack ids as differences, zigzag LEB128: a byte each where neighbours are near."""
    packed = bytearray()
    last = 0
    for one in ids:
        difference = one - last
        last = one
        _append(packed, difference << 1 if difference >= 0 else (-difference << 1) - 1)
    return bytes(packed)


def unpack_ids(packed: bytes) -> list[int]:
    """Undo `pack_ids`."""
    ids = []
    last = 0
    for number in _numbers(packed):
        last += number >> 1 if not number & 1 else -(number + 1 >> 1)
        ids.append(last)
    return ids
