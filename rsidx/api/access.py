"""Where an index is, and its database while it is open."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from rsidx.api.faults import explained
from rsidx.errors import IndexStoreError, RepositoryError, RsidxError
from rsidx.indexer.git.history import head, resolve
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.hook_api import index_file
from rsidx.indexer.identity import name_of
from rsidx.store import queries
from rsidx.store.database import Database, resolve_url, shown

if TYPE_CHECKING:
    from rsidx.store.reader import Reader


class Access:
    """Opens the database when it is first needed, and gives everybody who reads one reader.

    `repository` is None where the index was opened by its own address. `name` is what the user
    calls the repository in it: None for the only one, or for the one that `repository` is. While
    the reader is in use, nothing can be deleted.
    """

    def __init__(self, address: str, repository: Repository | None, name: str | None) -> None:
        self.address = address
        self.name = name or (repository.chosen_name if repository is not None else None)
        self.repository = (
            replace(repository, chosen_name=self.name) if repository is not None else None
        )
        self._opened: Database | None = None
        self._is_closed = False
        self._reader: Reader | None = None
        self._n_readers = 0
        self._reads = ExitStack()

    @property
    def file(self) -> Path | None:
        """The index's file; None where it is on a server."""
        return index_file(self.address)

    @property
    def shown(self) -> str:
        """The address as it may be printed."""
        return str(self.file) if self.file is not None else shown(resolve_url(self.address))

    @contextmanager
    def database(self, *, create: bool = False) -> Iterator[Database]:
        """Give the database; its errors in the block, and the system's, come out as rsidx's."""
        if self._is_closed:
            raise RsidxError("the index is closed")
        with explained():
            if self._opened is None:
                self._opened = Database(resolve_url(self.address), create=create)
            database = self._opened
            try:
                yield database
            except DBAPIError as error:
                raise database.explained(error) from error
            except SQLAlchemyError as error:
                raise IndexStoreError(f"the index {database.shown}: {error}") from error

    @contextmanager
    def reading(self) -> "Iterator[Reader]":
        """Give the reader; loops inside of one another share it."""
        from rsidx.store.reader import Reader  # noqa: PLC0415  (a hook does without)

        with self.database() as database:
            if self._reader is None:
                connection = self._reads.enter_context(database.long_read())
                name = self.indexed_name()
                repository_id = queries.indexed_repository(connection, name)
                self._reader = Reader(connection, repository_id)
            self._n_readers += 1
            try:
                yield self._reader
            finally:
                self._n_readers -= 1
                if self._n_readers <= 0:
                    self._end_reads()

    def indexed_name(self) -> str | None:
        """Return what the index calls the repository; None stands for the only one that it has."""
        if self.repository is None:
            return self.name
        with self.database() as database:
            return name_of(database, self.repository)

    def _end_reads(self) -> None:
        self._reader, self._n_readers = None, 0
        self._reads.close()

    def close(self) -> None:
        """Close the database; whoever still reads it cannot go on."""
        self._is_closed = True
        self._end_reads()
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def check(self) -> None:
        """Open the database to see that there is one, and that it has the repository.

        For a repository, an index without it is one that is still to be filled.
        """
        try:
            # Its size says that it is no index; as a database it would be an empty one.
            if self.file is not None and self.file.exists() and not self.file.stat().st_size:
                raise IndexStoreError(f"{self.file} is empty, and no index")
            with self.reading() if self.repository is None else self.database():
                pass
        except BaseException:
            self.close()
            raise

    def indexed_repository(self) -> Repository:
        """Return the repository; raises RepositoryError where only its index was opened."""
        if self._is_closed:
            raise RsidxError("the index is closed")
        if self.repository is None:
            raise RepositoryError(
                f"{self.shown} was opened without its repository; open the repository, with this "
                "as its `db`"
            )
        return self.repository

    def linked_head(self) -> str | None:
        """Return the commit of a linked worktree; the index knows the main one's HEAD."""
        if self.repository is None or self.repository.git_dir == self.repository.common_dir:
            return None
        own = head(self.repository)
        return own.hex() if own is not None else None

    def known(self, reader: "Reader", revision: str) -> str:
        """Return a revision as the index knows it: a ref's name, or else a commit as git has it."""
        from rsidx.exporters.splits.history import ref_named  # noqa: PLC0415  (a hook does without)

        if revision == "HEAD":
            revision = self.linked_head() or revision
        if self.repository is None or ref_named(reader.ref_tips(), revision) is not None:
            return revision
        # What git does not know either may be a commit that the index still has.
        with suppress(RepositoryError):
            return resolve(self.repository, revision)
        return revision
