"""Which repository of an index a clone is.

A database may hold many repositories, and forks of one project share their first commits, so
neither a name nor a commit tells which one a clone is. What tells is, in this order:

1. the name that the user chose (`--name`);
2. that the index lies in the clone;
3. the clone's own id, a file in its git folder: it moves with the clone, and its worktrees share
   it. A copy has it, too, but does not count while the clone that it was copied from is there;
4. the address of `origin`: a second clone of a remote is the same repository, and a fork's remote
   is another one;
5. the name and a commit, in an index of an earlier version, which recorded nothing else.

A clone that none of these tells is a repository of its own, and the user is told.
"""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from rsidx.errors import IndexStoreError
from rsidx.indexer.clone import id_in, origin_of, read_id, write_id
from rsidx.indexer.git import history
from rsidx.indexer.git.repository import Repository
from rsidx.store import clones, queries
from rsidx.store.clones import CloneRow, RepositoryRow
from rsidx.store.database import Database

_log = logging.getLogger("rsidx")


def find(database: Database, connection: Connection, repository: Repository) -> int | None:
    """Return the row of a repository; None where nothing is indexed yet.

    Raises IndexStoreError where the index has other repositories only.
    """
    if repository.chosen_name is not None:
        return queries.repository_id(connection, repository.chosen_name)
    known = _Known(database, connection, repository)
    row = known.row()
    if row is None and known.repositories:
        names = ", ".join(other.name for other in known.repositories)
        raise IndexStoreError(f"the index has {names}, and no {repository.name}")
    return row.id if row is not None else None


def name_of(database: Database, repository: Repository) -> str:
    """Return what a repository is called in an index, or would be called in an empty one.

    Raises IndexStoreError where the index has other repositories only.
    """
    with database.reading() as connection:
        found = find(database, connection, repository)
        for row in clones.read_repositories(connection):
            if row.id == found:
                return row.name
    return repository.chosen_name or repository.name


def register(database: Database, connection: Connection, repository: Repository) -> int:
    """Return the row of a repository, adding it if it is new, and record the clone.

    Raises IndexStoreError for a chosen name that an unrelated repository has.
    """
    known = _Known(database, connection, repository)
    row = known.chosen() if repository.chosen_name is not None else known.row()
    if row is None:
        row = known.add()
    else:
        known.keep_root(row)
    known.record(row)
    return row.id


class _Known:
    """What an index knows of the clones and repositories, and which of them one clone is."""

    def __init__(self, database: Database, connection: Connection, repository: Repository) -> None:
        self._connection = connection
        self._repository = repository
        self._is_inside = database.file is not None and database.file.is_relative_to(
            repository.common_dir
        )
        self.repositories = clones.read_repositories(connection)
        self._clones = clones.read_clones(connection)
        self._id = read_id(repository)
        self._origin = origin_of(repository)
        self._base = database.file.absolute().parent if database.file is not None else None
        self._path = None if self._is_inside else self._place(repository.common_dir)

    def row(self) -> RepositoryRow | None:
        """Return the repository that the clone is known to be of."""
        clone = self._home() or self._same_clone() or self._same_origin()
        if clone is None:
            return self._of_an_earlier_version()
        return next(row for row in self.repositories if row.id == clone.repository_id)

    def chosen(self) -> RepositoryRow | None:
        """Return the repository of the chosen name; raises IndexStoreError for an unrelated one."""
        name = self._repository.chosen_name
        for row in self.repositories:
            if row.name == name:
                if not self._is_inside and not self._is_related(row):
                    raise IndexStoreError(
                        f"the index has another repository called {name}, which shares no commit "
                        "with this one; choose another --name"
                    )
                return row
        return self._renamed()

    def _renamed(self) -> RepositoryRow | None:
        """Give the repository of this clone alone the chosen name, which no other has."""
        row, name = self.row(), self._repository.chosen_name
        if row is None or name is None:
            return None
        if any(c.repository_id == row.id and c.id != self._id for c in self._clones):
            return None
        clones.rename(self._connection, row.id, name)
        _log.warning("%s is now called %s in the index", row.name, name)
        return RepositoryRow(row.id, name, row.root)

    def _home(self) -> CloneRow | None:
        if not self._is_inside:
            return None
        return next((clone for clone in self._clones if clone.path is None), None)

    def _same_clone(self) -> CloneRow | None:
        for clone in self._clones:
            if clone.id == self._id:
                return None if self._is_copied_from(clone) else clone
        return None

    def _is_copied_from(self, clone: CloneRow) -> bool:
        """Tell whether another clone, which is still there, has this one's id."""
        if clone.path is None or clone.path == self._path:
            return False
        return self._is_there(clone)

    def _is_there(self, clone: CloneRow) -> bool:
        """Tell whether a clone is still where it was when it was recorded."""
        return clone.path is not None and id_in(self._folder(clone)) == clone.id

    def _folder(self, clone: CloneRow) -> Path:
        return Path(os.path.normpath((self._base or Path("/")) / (clone.path or "")))

    def _place(self, folder: Path) -> str:
        """Return a folder's path, relative to the index: both may be moved or copied together."""
        whole = os.path.realpath(folder)
        return os.path.relpath(whole, os.path.realpath(self._base)) if self._base else whole

    def _same_origin(self) -> CloneRow | None:
        if self._origin is None:
            return None
        rows = {row.id: row for row in self.repositories}
        is_shallow = bool(history.shallow_boundary(self._repository))
        for clone in self._clones:
            if clone.origin == self._origin and (
                is_shallow or self._is_related(rows[clone.repository_id])
            ):
                return clone
        return None

    def _of_an_earlier_version(self) -> RepositoryRow | None:
        bound = {clone.repository_id for clone in self._clones}
        unbound = [row for row in self.repositories if row.id not in bound]
        for row in unbound:
            if row.name == self._repository.name and (self._is_inside or self._is_related(row)):
                return row
        # Nobody else writes to the index in a repository's own folder, whatever became of the name.
        return unbound[0] if self._is_inside and len(unbound) == 1 else None

    def _is_related(self, row: RepositoryRow) -> bool:
        """Tell whether this repository has a commit of another, or that one has none so far."""
        return self._shares_commits(row) or (row.root is None and not self._tips(row))

    def _shares_commits(self, row: RepositoryRow) -> bool:
        if row.root is not None and self._has(row.root):
            return True
        return any(map(self._has, self._tips(row)))

    def _tips(self, row: RepositoryRow) -> list[bytes]:
        return sorted(set(queries.ref_tips(self._connection, row.id).values()))

    def _has(self, commit: bytes) -> bool:
        return self._repository.succeeds("cat-file", "-e", commit.hex())

    def keep_root(self, row: RepositoryRow) -> None:
        """Record another root commit where the recorded one is gone, or was cut off."""
        if row.root is not None and (self._is_inside or self._has(row.root)):
            return
        root = history.find_root(self._repository)
        if root != row.root:
            clones.set_root(self._connection, row.id, root)

    def add(self) -> RepositoryRow:
        """Add the repository, under a name of its own."""
        taken = [row.name for row in self.repositories]
        name = next(name for name in self._names() if name not in taken)
        root = history.find_root(self._repository)
        number = clones.add_repository(
            self._connection,
            name=name,
            object_format=self._repository.object_format,
            root=root,
        )
        if self._repository.chosen_name is None:
            self._tell(name)
        return RepositoryRow(number, name, root)

    def _names(self) -> Iterator[str]:
        """Yield what the repository may be called, the shortest first."""
        if self._repository.chosen_name is not None:
            yield self._repository.chosen_name
        own = self._repository.name
        yield own
        if self._origin is not None and not self._origin.startswith("/"):
            yield "/".join(self._origin.rsplit("/", 2)[-2:])
        folder = self._repository.folder
        yield folder.name.removesuffix(".git")
        yield f"{folder.parent.name}/{folder.name}".removesuffix(".git")
        number = 2
        while True:
            yield f"{own}-{number}"
            number += 1

    def _tell(self, name: str) -> None:
        own = self._repository.name
        related = [row.name for row in self.repositories if self._shares_commits(row)]
        if related:
            _log.warning(
                "this repository is now in the index as %s, beside %s, with which it shares "
                "commits; if they are one, `rsidx backfill --name %s` says so",
                name,
                ", ".join(related),
                related[0],
            )
        elif name != own:
            _log.warning(
                "this repository is now in the index as %s, for another one is called %s; "
                "`--name` chooses another name",
                name,
                own,
            )

    def record(self, row: RepositoryRow) -> None:
        """Record the clone, and give it an id if it has none of its own."""
        if self._id is None or any(
            clone.id == self._id and self._is_copied_from(clone) for clone in self._clones
        ):
            self._id = write_id(self._repository)
        clone = CloneRow(self._id, row.id, self._origin, self._path)
        if clone in self._clones:
            return
        others = [one for one in self._clones if one.repository_id == row.id and one != clone]
        living = [other for other in others if other.id != clone.id and self._is_there(other)]
        if living and clone.id not in {other.id for other in self._clones}:
            _log.warning(
                "this is another clone of %s, which is also at %s: the index has the refs of the "
                "one that was updated last; `--name` makes it a repository of its own",
                row.name,
                self._folder(living[0]),
            )
        clones.write_clone(self._connection, clone)
