"""The index of a repository, for programs.

A hook loads this module, too, and has no time for what exporters need: a method that needs them
imports them for itself.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rsidx.api.access import Access
from rsidx.api.faults import explained, path_of
from rsidx.errors import ExportError
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.git.history import resolve
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.hook_api import update_all
from rsidx.indexer.ingest import Progress, SyncReport
from rsidx.indexer.refresh import is_needed, n_stale_blobs, refresh
from rsidx.indexer.sync import (
    MAX_FILE_BYTES,
    fetch_promised,
    fetch_trees,
    history_scope,
    sync,
)

if TYPE_CHECKING:
    from rsidx.api.commits import Commit
    from rsidx.api.data_set import DataSet, Verification
    from rsidx.api.examples import Example
    from rsidx.api.hooks import Hooks
    from rsidx.api.snapshot import Snapshot
    from rsidx.api.worktree import Applied, Code
    from rsidx.exporters.config import ExportConfig
    from rsidx.exporters.tokenizer import TokenizerReport
    from rsidx.indexer.status import Status
    from rsidx.log import LastError
    from rsidx.store.erasure import Removed
    from rsidx.store.unreachable import Pruned

_log = logging.getLogger("rsidx")
# A program that sets up no logging is not to find our lines on its stderr.
_log.addHandler(logging.NullHandler())


class Index:
    """An index, as `rsidx.open` gives it.

    Close it, or use it in a `with` block. It belongs to one thread. While something reads it in a
    loop, others may add to it; what deletes from it raises IndexInUseError.
    """

    MAX_FILE_BYTES = MAX_FILE_BYTES
    """Larger files are recorded, but not parsed, unless another limit is given."""

    def __init__(
        self, address: str, *, repository: Repository | None = None, name: str | None = None
    ) -> None:
        self._access = Access(address, repository, name)

    @classmethod
    def of_repository(cls, folder: str | os.PathLike[str], *, is_named: bool = True) -> Self:
        """Return the index of the repository that a folder is in, without opening it.

        Where git's variables name another repository, as they do in a hook, that one is meant
        unless the folder `is_named`.
        """
        with explained():
            repository = discover(path_of(folder), is_named=is_named)
        return cls(str(repository.common_dir / "rsidx" / "index.db"), repository=repository)

    def placed(self, db: str | None = None, *, name: str | None = None) -> "Index":
        """Return the repository's index as it is in another file or database, `db`."""
        own = self._access
        address = db if db is not None else own.address
        return Index(address, repository=own.repository, name=name or own.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Index of {self._access.name or 'a repository'} in {self.address}>"

    def check(self) -> None:
        """Open the index at once; raises IndexStoreError where there is none."""
        self._access.check()

    def close(self) -> None:
        """Close the index; whoever still reads it cannot go on."""
        self._access.close()

    @property
    def address(self) -> str:
        """The index's file, or the address of its database without the password."""
        return self._access.shown

    @property
    def file(self) -> Path | None:
        """The index's file; None where it is on a server."""
        return self._access.file

    @property
    def name(self) -> str:
        """The repository's name in the index; in one that has it not, what it would be called.

        That is the last part of origin's address, or its folder's name.
        """
        repository, file = self._access.repository, self.file
        if repository is not None and file is not None and not file.exists():
            return repository.chosen_name or repository.name
        name = self._access.indexed_name()
        if name is None:
            with self._access.reading() as reader:
                return reader.repository_name()
        return name

    @property
    def worktree(self) -> Path | None:
        """The worktree that the index was opened in; None for a bare repository, and for none."""
        repository = self._access.repository
        return repository.worktree if repository is not None else None

    @property
    def git_folder(self) -> Path:
        """The repository's own folder, which its worktrees share."""
        return self._access.indexed_repository().common_dir

    @property
    def is_partial(self) -> bool:
        """Whether the repository is a partial clone, which may lack objects."""
        return self._access.indexed_repository().is_partial

    # Writing

    def update(self, *, progress: Progress | None = None) -> SyncReport:
        """Bring the index up to date, as the hook does after a commit.

        An index that is still to be made takes the newest commit: what came before is for
        `backfill`. `progress` is called with the commits done and to do.
        """
        repository = self._access.indexed_repository()
        with self._access.database(create=True) as database:
            return update_all(
                repository, database, max_bytes=self.MAX_FILE_BYTES, progress=progress
            )

    def backfill(
        self,
        revisions: str | Sequence[str] = ("HEAD",),
        *,
        progress: Progress | None = None,
        all_refs: bool = False,
        since: str | None = None,
        fetch: bool = False,
        refresh: bool = True,
        jobs: int | None = None,
        max_bytes: int = MAX_FILE_BYTES,
    ) -> SyncReport:
        """Read the history of revisions into the index; what is there is left alone.

        It can be interrupted, and called again. With `all_refs` every ref is read, with `since`
        only what is newer than a date, as git reads dates. `fetch` fetches what a partial clone
        lacks. Then file versions that another version of rsidx had read are read again, unless
        `refresh` is false. `jobs` is the number of processes, one for each processor by default.
        """
        repository = self._access.indexed_repository()
        named = (revisions,) if isinstance(revisions, str) else tuple(revisions)
        n_jobs = _n_jobs(jobs)
        with self._access.database(create=True) as database:
            # Of a repository without a commit HEAD is nothing, which is no mistake.
            scope = history_scope(
                repository, () if named == ("HEAD",) else named, all_refs=all_refs, since=since
            )
            if fetch:
                fetch_trees(repository, database, scope)
            report = sync(
                repository, database, scope, jobs=n_jobs, max_bytes=max_bytes, progress=progress
            )
            if fetch:
                fetched = fetch_promised(repository, database, jobs=n_jobs, max_bytes=max_bytes)
                report.n_read_again += fetched
        if refresh:
            report.n_refreshed = self.refresh(progress=progress, jobs=jobs, max_bytes=max_bytes)
        return report

    def needs_refresh(self) -> bool:
        """Tell whether another version of rsidx read something that is in the index."""
        with self._access.database() as database:
            return is_needed(self._access.indexed_repository(), database)

    def refresh(
        self,
        *,
        progress: Progress | None = None,
        jobs: int | None = None,
        max_bytes: int = MAX_FILE_BYTES,
    ) -> int:
        """Read again what another version of rsidx read; return how many file versions."""
        repository = self._access.indexed_repository()
        with self._access.database() as database:
            if not is_needed(repository, database):
                return 0
            n_jobs = _n_jobs(jobs)
            return refresh(
                repository, database, jobs=n_jobs, max_bytes=max_bytes, progress=progress
            )

    def backup(self, file: str | os.PathLike[str], *, progress: Progress | None = None) -> None:
        """Write a complete copy of the index to a file, even while something writes to the index.

        An earlier copy in the file is replaced; any other file is refused.
        """
        with self._access.database() as database:
            database.back_up(path_of(file), progress or _ignore)

    def gc(self, *, dry_run: bool = False) -> "Pruned":
        """Delete the commits that no ref reaches any more; return how much that was."""
        from rsidx.indexer.gc import collect

        repository = self._access.indexed_repository()
        with self._access.database() as database:
            return collect(repository, database, max_bytes=self.MAX_FILE_BYTES, dry_run=dry_run)

    def forget(self, targets: Sequence[str], *, dry_run: bool = False) -> "Removed":
        """Delete the text of paths, file versions and commits for good; return how much that was.

        No update reads it again. Data sets that were exported before still have it, and so has git.
        """
        from rsidx.indexer.forget import forget

        repository = self._access.indexed_repository()
        with self._access.database() as database:
            return forget(repository, database, targets, dry_run=dry_run)

    def remember(self, targets: Sequence[str], *, dry_run: bool = False) -> int:
        """Let the next backfill read again what was forgotten; return how many file versions."""
        from rsidx.indexer.forget import remember

        repository = self._access.indexed_repository()
        with self._access.database() as database:
            return remember(repository, database, targets, dry_run=dry_run)

    def forgotten(self) -> list[tuple[str, str]]:
        """Return kind (`path`, `blob` or `commit`) and name of what is forgotten."""
        from rsidx.indexer.forget import forgotten

        with self._access.database() as database:
            return forgotten(database)

    # Looking

    def status(self) -> "Status":
        """Compare the index with the branches and HEAD."""
        from rsidx.indexer.status import status

        repository = self._access.indexed_repository()
        with self._access.database() as database:
            return status(repository, database)

    def n_bytes(self) -> int:
        """Return the size of the index: of its file, or on a server of its tables with indexes."""
        with self._access.database() as database:
            return database.n_bytes()

    def last_error(self) -> "LastError | None":
        """Return the newest error in the log beside the index, which hooks write to."""
        from rsidx.log import last_error, log_file

        return last_error(log_file(self.file)) if self.file is not None else None

    def commits(self, revision: str = "HEAD") -> "Iterator[Commit]":
        """Yield the commits that a ref, or a commit, reaches, in the order of history.

        Raises ExportError for a revision that the index does not know.
        """
        from rsidx.api.commits import Commit
        from rsidx.exporters.splits.history import history_of

        with self._access.reading() as reader:
            wanted = self._access.known(reader, revision)
            history = history_of(reader, reader.ref_tips(), (wanted,))
            for oid, row in history.commits.items():
                if oid in history.reached:
                    yield Commit(row, self._access.reading)

    def commit(self, revision: str = "HEAD") -> "Commit":
        """Return the commit that a revision names; raises RsidxError where it is not indexed."""
        from rsidx.api.commits import commit_of
        from rsidx.exporters.splits.history import history_of

        with self._access.reading() as reader:
            if self._access.repository is not None:
                oid = bytes.fromhex(resolve(self._access.repository, revision))
            else:
                oid = history_of(reader, reader.ref_tips(), (revision,)).tips[revision]
            return commit_of(reader, oid, self._access.reading)

    def at(self, revision: str = "HEAD") -> "Snapshot":
        """Return the code as it is at a commit, or with `worktree` as it is on disk."""
        from rsidx.api.snapshot import Snapshot

        repository = self._access.indexed_repository()
        with explained():
            return Snapshot(self._access.database, repository, revision)

    def apply(
        self,
        path: str,
        symbol: str,
        code: "Code",
        *,
        line: int | None = None,
        after: str | int | None = None,
        in_: str | int | None = None,
        write: bool = False,
        delete: bool = False,
    ) -> "Applied":
        """Put new code in the place of a symbol of a file on disk; return what that changes.

        Instead of a symbol, which is empty then, `line` stands for the item that it is in, and
        `after` and `in_` for where code is added, as in `Snapshot.prompt`; without any of them the
        file is new. Of a model's answer, end tokens and a fence around it are left out.

        The diff is of the code as it is on disk, not redacted. The file is changed only if it is to
        `write`; `undo` takes that back. Raises PlacementError for code that does not parse, that
        does not define the symbol, or that takes other items away; with `delete` the symbol may go.
        """
        from rsidx.api.worktree import FilesOnDisk, Spot

        spot = Spot(path, symbol, line, after, in_)
        with explained():
            files = FilesOnDisk(self._access.indexed_repository())
            return files.apply(spot, code, write=write, delete=delete)

    def undo(self, path: str, *, write: bool = False) -> "Applied":
        """Take back what `apply` wrote to a file last; return what that changes.

        The file is changed only if it is to `write`. Raises PlacementError where something else
        changed the file since: the last 20 writes of a worktree are known.
        """
        from rsidx.api.worktree import FilesOnDisk

        with explained():
            return FilesOnDisk(self._access.indexed_repository()).undo(path, write=write)

    @property
    def hooks(self) -> "Hooks":
        """The git hooks that keep the index up to date."""
        from rsidx.api.hooks import Hooks

        return Hooks(self._access.indexed_repository(), self._access.address)

    # Exporting

    def examples(self, revision: str, config: "ExportConfig") -> "Iterator[Example]":
        """Yield the examples of a revision's history, as `export` makes them, in their order.

        They come before duplicates, related edits and splits are decided: `export` leaves some of
        them out, and orders those of train by `config.order`. `config.revisions` does not count.
        """
        from rsidx.api.examples import examples_of

        with self._access.reading() as reader:
            wanted = self._access.known(reader, revision)
        with self._access.database() as database:
            yield from examples_of(database, replace(self._named(config), revisions=(wanted,)))

    def export(
        self,
        out: str | os.PathLike[str],
        config: "ExportConfig",
        *,
        replace_edited: bool = False,
        jobs: int | None = None,
        progress: Progress | None = None,
    ) -> "DataSet":
        """Write a data set to a folder and return it: the files that `rsidx export` writes.

        The folder must be new or empty, or an earlier export with nothing else in it; it is
        replaced when the export is complete. One whose files were changed since is refused unless
        it is to `replace_edited`. `jobs` is the number of processes, one for each processor by
        default; `progress` is called with the commits done and to do.
        """
        from rsidx.api.data_set import DataSet
        from rsidx.exporters.dataset.destination import Destination
        from rsidx.exporters.export import export

        folder = path_of(out)
        with explained():
            destination = Destination(folder, replace_edited=replace_edited)
            with self._access.database() as database:
                config = self._asked(config)
                n_stale = n_stale_blobs(database)
                if n_stale:
                    _log.warning(
                        "another version of rsidx read %s of the index; `rsidx backfill` reads "
                        "them again",
                        f"{n_stale:,} file version{'' if n_stale == 1 else 's'}",
                    )
                export(database, destination, config, jobs=_n_jobs(jobs), progress=progress)
        return DataSet(folder)

    def preview(
        self,
        out: str | os.PathLike[str],
        config: "ExportConfig",
        *,
        replace_edited: bool = False,
        jobs: int | None = None,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Return what `export` would replace, and what its manifest would count.

        Nothing is written but to temporary files, so the export makes its rows anew.
        """
        from rsidx.exporters.dataset.destination import Destination
        from rsidx.exporters.export import preview

        with explained():
            destination = Destination(path_of(out), replace_edited=replace_edited)
            with self._access.database() as database:
                return preview(
                    database,
                    destination,
                    self._asked(config),
                    jobs=_n_jobs(jobs),
                    progress=progress,
                )

    def verify(self, data: "DataSet", *, max_problems: int | None = None) -> "Verification":
        """Check a data set against this index's repository, see `DataSet.verify`."""
        from rsidx.api.data_set import verification

        with explained():
            return verification(data.folder, self._access.indexed_repository(), max_problems)

    def train_tokenizer(self, out: str | os.PathLike[str], *, size: int = 16_384) -> int:
        """Train a byte-level BPE on the index and write it to a new folder; return its size."""
        from rsidx.exporters.tokenizer import train

        with self._access.database() as database:
            encoder = train(
                database,
                path_of(out),
                name=self._access.indexed_name(),
                vocabulary_size=size,
            )
        return encoder.n_tokens

    def measure_tokenizer(self, source: str | os.PathLike[str]) -> "TokenizerReport":
        """Return how a tokenizer fits Rust, and how many characters of the index a token has."""
        from rsidx.exporters.tokenizer import measure

        with self._access.database() as database:
            return measure(os.fspath(source), database, name=self._access.indexed_name())

    # Inside

    def _asked(self, config: "ExportConfig") -> "ExportConfig":
        """Return the configuration of an export: what it leaves open is this index's."""
        linked = self._access.linked_head()
        config = self._named(config)
        if config.revisions or linked is None:
            return config
        return replace(config, revisions=(linked,))

    def _named(self, config: "ExportConfig") -> "ExportConfig":
        name = self._access.indexed_name()
        if config.name not in (None, name):
            raise ExportError(f"this index was opened for {self.name}, not for {config.name}")
        return replace(config, name=name)


def _n_jobs(jobs: int | None) -> int:
    return jobs if jobs is not None else os.cpu_count() or 1


def _ignore(_done: int, _total: int) -> None:
    pass
