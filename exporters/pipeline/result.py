"""Commit results: the rows of a commit, before other commits decide which of them stay."""

import struct
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
import zstandard

from rsidx.exporters.edits.fingerprint import PatchFingerprint

_COMPRESSOR = zstandard.ZstdCompressor(level=3)
_DECOMPRESSOR = zstandard.ZstdDecompressor()
_SIZES = struct.Struct("<III")
_PATCH_SIZE = struct.Struct("<H")


@dataclass(frozen=True, slots=True)
class TokenizedRow:
    """A row: its token ids without padding, and its loss spans (`learned`).

    `meta` is its meta line as JSON, `brief` the part of it that the statistics count: `id`,
    `change`, `kind`, `is_test`, `license`, `n_tokens`, `n_earlier`, `is_message_cut`, `is_blocks`,
    `verdict` (that of the answer which a row is made of, else None),
    `has_old_line_ends`, `tiny`, `year`, `path`, `needs` (how many names have each label), and of
    the excerpts `sections` and `rules`.
    """

    ids: "array[int]"
    learned: tuple[tuple[int, int], ...]
    brief: dict[str, Any]
    meta: bytes


class CodeName(NamedTuple):
    """What code is called: its file's path, and its symbol, empty where it has none."""

    path: str
    symbol: str


class Like(NamedTuple):
    """An edit that another is like; `row` is the id of its first row, None where it has none."""

    commit: str
    path: str
    symbol: str
    row: str | None


class Dropped(NamedTuple):
    """What was left out, and why: `n` rows of an edit, an edit, or (without a path) a commit."""

    reason: str
    path: str | None
    symbol: str
    n: int = 1
    like: Like | None = None


@dataclass(frozen=True, slots=True)
class EditResult:
    """An edit's rows and fingerprint, and counts of what was left out and of its references."""

    name: CodeName
    patch: PatchFingerprint
    rows: tuple[TokenizedRow, ...]
    dropped: Counter[str]
    references: Counter[str]


@dataclass(frozen=True, slots=True)
class CommitResult:
    """The results of a commit's edits, in order, and what was left out of the commit.

    `dropped` are counts of anything but edits.
    """

    edits: tuple[EditResult, ...]
    left_out: tuple[Dropped, ...]
    dropped: Counter[str]


def pack(result: CommitResult) -> bytes:
    """Return a commit's result as bytes."""
    ids: array[int] = array("I")
    patches = bytearray()
    metas = bytearray()
    edits = []
    for edit in result.edits:
        packed = edit.patch.pack()
        patches += _PATCH_SIZE.pack(len(packed)) + packed
        rows = []
        for row in edit.rows:
            ids += row.ids
            metas += row.meta
            rows.append((len(row.ids), len(row.meta), row.learned, row.brief))
        edits.append((tuple(edit.name), rows, edit.dropped, edit.references))
    left_out = [(one.reason, one.path, one.symbol) for one in result.left_out]
    head = orjson.dumps((edits, left_out, result.dropped))
    body = _COMPRESSOR.compress(head + metas + ids.tobytes())
    return _SIZES.pack(len(head), len(metas), len(patches)) + patches + body


def unpack(data: bytes) -> CommitResult:
    """Undo `pack`."""
    n_head, n_metas, n_patches = _SIZES.unpack_from(data)
    body = _DECOMPRESSOR.decompress(data[_SIZES.size + n_patches :])
    edits, left_out, dropped = orjson.loads(body[:n_head])
    all_ids: array[int] = array("I")
    all_ids.frombytes(body[n_head + n_metas :])
    results = []
    at, meta_at = 0, n_head
    for patch, (name, listed, *counts) in zip(patches_of(data), edits, strict=True):
        rows = []
        for n, n_meta, learned, brief in listed:
            meta = body[meta_at : meta_at + n_meta]
            rows.append(TokenizedRow(all_ids[at : at + n], tuple(map(tuple, learned)), brief, meta))
            at += n
            meta_at += n_meta
        results.append(EditResult(CodeName(*name), patch, tuple(rows), *map(Counter, counts)))
    return CommitResult(tuple(results), tuple(Dropped(*one) for one in left_out), Counter(dropped))


def patches_of(data: bytes) -> Iterator[PatchFingerprint]:
    """Yield the fingerprints of the edits of a packed result."""
    _, _, n_patches = _SIZES.unpack_from(data)
    start = _SIZES.size
    while start < _SIZES.size + n_patches:
        (size,) = _PATCH_SIZE.unpack_from(data, start)
        start += _PATCH_SIZE.size
        yield PatchFingerprint.unpack(data[start : start + size])
        start += size
