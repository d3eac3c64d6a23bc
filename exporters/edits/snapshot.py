"""Path → blob at any commit, by walking the forest of first parents.

A snapshot is the first parent's snapshot and the commit's own changes, so going from one
commit to another costs the changes on the way between them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow


def depth_first(wanted: Iterable[CommitRow], commits: Mapping[bytes, CommitRow]) -> list[CommitRow]:
    """Return commits in the order that moves a `Snapshot` the least.

    Every branch is finished before the next one begins, the shortest first, so each change is
    applied and undone once at most. In the order of history, branches that grew side by side
    take turns, and each turn costs the way between them. `commits` are all commits by id.
    """
    left = {commit.oid for commit in wanted}
    children: dict[bytes | None, list[CommitRow]] = {}
    n_below = Counter(left)
    for commit in sorted(commits.values(), key=lambda commit: -commit.generation):
        parent = first_parent(commit)
        parent = parent if parent in commits else None
        if n_below[commit.oid]:
            children.setdefault(parent, []).append(commit)
            if parent is not None:
                n_below[parent] += n_below[commit.oid]
    ordered = []
    stack = _longest_first(children.get(None, ()), n_below)
    while stack:
        commit = stack.pop()
        if commit.oid in left:
            ordered.append(commit)
        stack += _longest_first(children.get(commit.oid, ()), n_below)
    return ordered


def _longest_first(commits: Sequence[CommitRow], n_below: Counter[bytes]) -> list[CommitRow]:
    return sorted(commits, key=lambda commit: -n_below[commit.oid])


def first_parent(commit: CommitRow) -> bytes | None:
    """Return the commit whose tree a commit changed; None for one that brings its own base."""
    return commit.parents[0] if commit.parents and commit.state != "boundary" else None


class Snapshot:
    """The tree at one commit; `files` maps path ids to blob ids.

    Invariant: `files` is the tree of `self._at`, or empty before any commit (None).
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._at: CommitRow | None = None
        self.files: dict[int, int] = {}
        self._before: dict[int, int | None] | None = None

    def pop_changed_paths(self) -> dict[int, int | None] | None:
        """Return the paths that moves changed since this was last asked, with their blobs then.

        None where everything may have changed.
        """
        touched, self._before = self._before, {}
        return touched

    def overlay(self, files: Mapping[int, int | None]) -> None:
        """Replace files of the tree, or drop them (None); no move may follow."""
        for path_id, blob_id in files.items():
            self._put(path_id, blob_id)

    def _put(self, path_id: int, blob_id: int | None) -> None:
        if self._before is not None:
            self._before.setdefault(path_id, self.files.get(path_id))
        if blob_id is None:
            self.files.pop(path_id, None)
        else:
            self.files[path_id] = blob_id

    def _replace(self, files: dict[int, int] | None) -> None:
        self.files = files or {}
        self._before = None

    def move_to(self, target: CommitRow | None) -> None:
        """Go to a commit, or before every commit for None."""
        here, there = self._at, target
        forward: list[CommitRow] = []
        # A commit's generation is above its parents', so this meets where the two ways part.
        while here != there:
            if there is None or (here is not None and here.generation > there.generation):
                assert here is not None
                parent = self._parent(here)
                self._undo(here, parent)
                here = parent
            else:
                forward.append(there)
                there = self._parent(there)
        for commit in reversed(forward):
            self._apply(commit, here)
            here = commit
        self._at = target

    def move_before(self, commit: CommitRow) -> None:
        """Go to the tree that a commit stands on: its first parent's, or its own base."""
        parent = self._parent(commit)
        self.move_to(parent)
        if parent is None:
            self._replace(self._reader.base(commit.id))

    def _parent(self, commit: CommitRow) -> CommitRow | None:
        parent = first_parent(commit)
        return self._reader.commit(parent) if parent is not None else None

    def _apply(self, commit: CommitRow, parent: CommitRow | None) -> None:
        if parent is None:
            self._replace(self._reader.base(commit.id))
        # All that goes, then all that comes: a swap of two names is two renames.
        changes = self._reader.changes(commit.id)
        for change in changes:
            if change.old_blob_id is not None:
                self._put(change.old_path_id or change.path_id, None)
        for change in changes:
            if change.new_blob_id is not None:
                self._put(change.path_id, change.new_blob_id)

    def _undo(self, commit: CommitRow, parent: CommitRow | None) -> None:
        if parent is None:
            self._replace(None)
            return
        changes = self._reader.changes(commit.id)
        for change in changes:
            if change.new_blob_id is not None:
                self._put(change.path_id, None)
        for change in changes:
            if change.old_blob_id is not None:
                self._put(change.old_path_id or change.path_id, change.old_blob_id)
