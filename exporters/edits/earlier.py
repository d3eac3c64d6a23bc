"""Edits that an edit is shown behind: those of its commit, and the last ones of its file.

Of a commit, an edit of a definition comes before those of what refers to it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice

from rsidx.exporters.edits.edit import Edit, Side
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow

SOURCES = ("commit", "history")
"""Edits of the same commit, and of the commits before it."""
_MAX_COMMITS = 200
_MAX_EDITS = 8
_COMMITS_KEPT = 512


@dataclass(frozen=True, slots=True)
class EarlierEdit:
    """An edit that comes before another; `order` is its place among those, ascending.

    A redacted one has placeholders in its texts.
    """

    order: int
    commit: bytes
    path: str
    old_path: str
    old: Side | None
    new: Side | None
    old_text: str
    new_text: str


Text = Callable[[Side | None], bytes]
Edits = Callable[[CommitRow], Sequence[Edit]]


class EarlierEdits:
    """Finds earlier edits; `edits` are those of a commit, `text` is that of a side.

    What is longer than `max_chars`, both sides together, is not shown.
    """

    def __init__(
        self,
        reader: Reader,
        edits: Edits,
        text: Text,
        max_chars: int,
    ) -> None:
        self._reader = reader
        self._edits = lru_cache(_COMMITS_KEPT)(edits)
        self._text = text
        self._max_chars = max_chars

    def of_commit(
        self, commit: CommitRow, edits: Sequence[Edit], number: int, used: Iterable[int]
    ) -> list[EarlierEdit]:
        """Return edits of a commit that come before `edits[number]`: first those that it uses.

        `used` are the numbers of those. Of both, the last edits come first.
        """
        used = {earlier for earlier in used if earlier < number}
        others = (earlier for earlier in reversed(range(number)) if earlier not in used)
        numbers = chain(sorted(used, reverse=True), others)
        # Lazily: most edits of a large commit are never shown, so their texts are not read.
        every = (self._shown(commit, edits[earlier], earlier) for earlier in numbers)
        return list(islice((shown for shown in every if shown is not None), _MAX_EDITS))

    def of_history(self, commit: CommitRow | None, path_id: int) -> list[EarlierEdit]:
        """Return the last edits of a file, the newest first, from a commit on backwards.

        It is followed through renames, over so many first parents.
        """
        found: list[EarlierEdit] = []
        for _ in range(_MAX_COMMITS):
            if commit is None or len(found) >= _MAX_EDITS:
                break
            changes = self._reader.changes(commit.id)
            change = next((c for c in changes if c.path_id == path_id), None)
            if change is not None:
                for edit in reversed(self._edits(commit)):
                    if edit.new is not None and edit.new.path_id == path_id:
                        shown = self._shown(commit, edit, -1 - len(found))
                        found += [shown] if shown is not None else []
                if change.old_path_id is not None:
                    path_id = change.old_path_id
            commit = self._reader.commit(commit.parents[0]) if commit.parents else None
        return found[:_MAX_EDITS]

    def _shown(self, commit: CommitRow, edit: Edit, order: int) -> EarlierEdit | None:
        old, new = self._text(edit.old), self._text(edit.new)
        if len(old) + len(new) > self._max_chars or edit.is_no_op:
            return None
        return EarlierEdit(
            order=order,
            commit=commit.oid,
            path=self._path(edit.new or edit.old),
            old_path=self._path(edit.old or edit.new),
            old=edit.old,
            new=edit.new,
            old_text=old.decode("utf-8"),
            new_text=new.decode("utf-8"),
        )

    def _path(self, side: Side | None) -> str:
        assert side is not None
        return self._reader.path(side.path_id).decode("utf-8", "replace")


def definitions_first(
    edits: Sequence[Edit], uses: Mapping[Edit, frozenset[Edit]]
) -> tuple[Edit, ...]:
    """Return edits with those that others use in front, else in their order.

    Where they use each other in a ring, the first stays first.
    """
    found: dict[Edit, None] = {}
    entered: set[Edit] = set()
    place = {edit: number for number, edit in enumerate(edits)}
    waiting = list(reversed(edits))
    while waiting:
        edit = waiting[-1]
        ahead = () if edit in entered else uses.get(edit, frozenset()) - entered
        entered.add(edit)
        if ahead:
            waiting += sorted(ahead, key=place.__getitem__, reverse=True)
        else:
            found.setdefault(waiting.pop())
    return tuple(found)
