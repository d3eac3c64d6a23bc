"""No-op edits: untouched items from files that a commit changed, as negatives.

They teach that not all code shown with a message has to change.
"""

import hashlib
import random
from collections import deque
from collections.abc import Iterator, Sequence

from rsidx.exporters.edits.edit import Edit, Side, edit_between
from rsidx.store.reader import Reader
from rsidx.store.records import ChangeRow

_NOT_CHOSEN = frozenset({"imports", "mod"})


def no_op_edits(
    reader: Reader, changes: Sequence[ChangeRow], n_expected: float, where: str
) -> list[Edit]:
    """Return about `n_expected` no-op edits, drawn from the files that changed.

    The same `where` draws the same; fewer come where the files have no more items.
    """
    rng = random.Random(hashlib.blake2b(where.encode()).digest())
    n_wanted = int(n_expected) + (rng.random() < n_expected % 1)
    if not n_wanted:
        return []
    every = [pair for change in changes for pair in _unchanged(reader, change)]
    return [edit_between(reader, *pair) for pair in rng.sample(every, min(n_wanted, len(every)))]


def _unchanged(reader: Reader, change: ChangeRow) -> Iterator[tuple[Side, Side]]:
    """Yield the items that both versions of a file have, as they are."""
    if change.old_blob_id is None or change.new_blob_id is None:
        return
    old_path = change.old_path_id or change.path_id
    before: dict[int, deque[Side]] = {}
    for side in _items(reader, old_path, change.old_blob_id):
        before.setdefault(side.chunks[0].id, deque()).append(side)
    for side in _items(reader, change.path_id, change.new_blob_id):
        if before.get(side.chunks[0].id):
            yield before[side.chunks[0].id].popleft(), side


def _items(reader: Reader, path_id: int, blob_id: int) -> Iterator[Side]:
    start = 0
    for position, chunk in enumerate(reader.chunks(blob_id)):
        is_item = chunk.kind not in _NOT_CHOSEN and not chunk.kind.endswith(("_header", "_footer"))
        if is_item and reader.symbols(chunk.id):
            yield Side(path_id, blob_id, position, start, (chunk,))
        start += chunk.n_bytes
