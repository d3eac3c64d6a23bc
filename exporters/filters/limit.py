"""The limit of a commit's edits, and which of them stay."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence

from rsidx.exporters.edits.edit import Edit
from rsidx.exporters.filters.filter import Filter

OVER_LIMIT = Filter(
    "over_limit",
    "edit",
    "of a commit with more than `--max-edits-per-commit` edits those beyond (see Large commits)",
    always=True,
)


def within_limit(
    edits: Sequence[Edit], limit: int, where: str, path_of: Callable[[int], bytes]
) -> tuple[list[Edit], list[Edit]]:
    """Return the edits that stay and those beyond a limit (0 for none), both in their order.

    Files take turns, so each that changed is seen as long as there is room. Which file comes
    first, and which edit of a file, is decided by a digest of `where` and of the edit's place and
    name, never of its code.
    """
    if not limit or len(edits) <= limit:
        return list(edits), []
    n_seen: Counter[bytes] = Counter()
    by_file: dict[bytes, list[tuple[bytes, int]]] = {}
    for number, edit in enumerate(edits):
        path = path_of(edit.path_id)
        name = "\0".join((where, edit.change, edit.kind, edit.container, edit.name)).encode()
        key = name + b"\0" + path
        n_seen[key] += 1
        digest = _digest(key + str(n_seen[key]).encode())
        by_file.setdefault(_digest(where.encode() + path), []).append((digest, number))
    turns = sorted(
        (turn, file, number)
        for file, of_file in by_file.items()
        for turn, (_, number) in enumerate(sorted(of_file))
    )
    kept = {number for _, _, number in turns[:limit]}
    stay = [edit for number, edit in enumerate(edits) if number in kept]
    beyond = [edit for number, edit in enumerate(edits) if number not in kept]
    return stay, beyond


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=8).digest()
