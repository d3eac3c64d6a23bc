"""The order in which a commit's edits are made: each is shown those in front of it.

It follows from where they are, from their old code, and from what the files used before the commit;
so it says nothing of what an edit makes.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from rsidx.exporters.edits.edit import Edit

_RANKS = {"add": 0, "move": 0, "modify": 1, "delete": 2}
_T = TypeVar("_T", bound=Hashable)


def in_order(
    edits: Sequence[Edit],
    path_of: Callable[[int], bytes],
    is_test: Callable[[Edit], bool],
    uses: Mapping[int, Iterable[int]],
) -> tuple[Edit, ...]:
    """Return edits in the order in which they are made.

    What is new comes before what changes, tests come later, `use` declarations last. Of files,
    those come first that others of them use (`uses`, by path id); modules come before the files
    that declare them, libraries before programs, and these before examples. Edits that leave the
    code as it is stay behind all others.
    """
    files = sorted({edit.path_id for edit in edits}, key=lambda id_: _rank_of_path(path_of(id_)))
    ranks = {path_id: rank for rank, path_id in enumerate(used_first(files, uses))}

    def rank(edit: Edit) -> tuple[object, ...]:
        old = edit.old
        return (
            edit.is_no_op,
            old is not None and old.kind == "imports",
            is_test(edit),
            _RANKS[edit.change],
            ranks[edit.path_id],
        )

    # The edits of a file are in the order of their places.
    return tuple(sorted(edits, key=rank))


def _rank_of_path(path: bytes) -> tuple[object, ...]:
    """Return where a file comes by its path alone: code before what is likely to use it."""
    *folders, name = path.split(b"/")
    is_program = name in (b"main.rs", b"build.rs") or b"bin" in folders
    return b"examples" in folders, is_program, name in (b"lib.rs", b"mod.rs"), path


def used_first(items: Sequence[_T], uses: Mapping[_T, Iterable[_T]]) -> tuple[_T, ...]:
    """Return items with those that others use in front, else in their order.

    Where they use each other in a ring, the first stays first.
    """
    found: dict[_T, None] = {}
    entered: set[_T] = set()
    place = {item: number for number, item in enumerate(items)}
    waiting = list(reversed(items))
    while waiting:
        item = waiting[-1]
        ahead = () if item in entered else {*uses.get(item, ())} & place.keys() - entered
        entered.add(item)
        if ahead:
            waiting += sorted(ahead, key=place.__getitem__, reverse=True)
        else:
            found.setdefault(waiting.pop())
    return tuple(found)
