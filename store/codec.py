"""How texts are compressed: zstandard with a trained dictionary, or with an earlier version."""

import zstandard

# 12% smaller than level 3, for at most 4% of the time of a backfill: docs/measurements.md.
_LEVEL = 12
_DICTIONARY_BYTES = 110_000
_MIN_SAMPLES = 500
# Level 6 is 9% smaller, which is half a percent of an index: docs/measurements.md.
_LEVEL_AFTER = 3
_CLEAR_GAIN = 4


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

    def compress_delta(self, base: bytes, text: bytes) -> bytes | None:
        """Compress a text as a delta against a base; None if that gains nothing."""
        compressor = zstandard.ZstdCompressor(
            level=_LEVEL_AFTER, dict_data=_prefix(base), write_checksum=False, write_dict_id=False
        )
        data = compressor.compress(text)
        if len(data) * _CLEAR_GAIN <= len(text) or len(data) < len(self.compress(text)):
            return data
        return None

    @staticmethod
    def decompress_delta(base: bytes, data: bytes) -> bytes:
        """Undo `compress_delta`, given the same earlier version."""
        return zstandard.ZstdDecompressor(dict_data=_prefix(base)).decompress(data)


def _prefix(base: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
