"""What one commit gives to a data set, before anything is left out because of other commits."""

import struct
from array import array
from collections import Counter
from dataclasses import dataclass
from typing import Any

import orjson
import zstandard

from rsidx.exporters.relations import Patch

_LEVEL = 3
_SIZES = struct.Struct("<III")


@dataclass(frozen=True, slots=True)
class MadeRow:
    """A row: its ids without padding, the spans of ids that have loss, and what is known of it."""

    ids: "array[int]"
    learned: tuple[tuple[int, int], ...]
    meta: dict[str, Any]


@dataclass(frozen=True, slots=True)
class MadeEdit:
    """An edit's rows, what it is compared by, and what was left out or resolved in making it."""

    patch: Patch
    rows: tuple[MadeRow, ...]
    dropped: Counter[str]
    references: Counter[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """The edits of a commit, in order, and what its filters left out."""

    edits: tuple[MadeEdit, ...]
    dropped: Counter[str]


def pack(entry: Entry) -> bytes:
    """Return an entry as bytes."""
    ids: array[int] = array("I")
    patches = bytearray()
    edits = []
    for edit in entry.edits:
        packed = edit.patch.pack()
        patches += packed
        rows = []
        for row in edit.rows:
            ids += row.ids
            rows.append((len(row.ids), row.learned, row.meta))
        edits.append((len(packed), rows, edit.dropped, edit.references))
    head = orjson.dumps((edits, entry.dropped))
    body = zstandard.ZstdCompressor(level=_LEVEL).compress(head + ids.tobytes())
    return _SIZES.pack(len(head), len(patches), len(ids)) + patches + body


def unpack(data: bytes) -> Entry:
    """Undo `pack`."""
    n_head, n_patches, n_ids = _SIZES.unpack_from(data)
    patches_end = _SIZES.size + n_patches
    body = zstandard.ZstdDecompressor().decompress(data[patches_end:])
    edits, dropped = orjson.loads(body[:n_head])
    every: array[int] = array("I")
    every.frombytes(body[n_head:])
    assert len(every) == n_ids
    made = []
    start, at = _SIZES.size, 0
    for n_patch, listed, edit_dropped, references in edits:
        rows = []
        for n, learned, meta in listed:
            rows.append(MadeRow(every[at : at + n], tuple(map(tuple, learned)), meta))
            at += n
        patch = Patch.unpack(data[start : start + n_patch])
        made.append(MadeEdit(patch, tuple(rows), Counter(edit_dropped), Counter(references)))
        start += n_patch
    return Entry(tuple(made), Counter(dropped))
