"""How lists of numbers are packed: differences as LEB128."""

from array import array
from collections.abc import Iterable, Iterator

import zstandard

_BREAKS_MARK = b"\x01"
_BY_STEP = (0, 1, -1)
_STEPS = {difference: step for step, difference in enumerate(_BY_STEP)}
_APART = 3


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
