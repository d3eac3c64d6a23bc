"""The last edits of a file, which an edit of it can be shown behind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rsidx.exporters.edits.edit import Edit, Side
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow

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
