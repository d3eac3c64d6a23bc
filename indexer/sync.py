"""Sync: the one way into the index, shared by backfill, the hook and the watcher.

Commits enter in topological order, a batch a transaction: a batch's commits, changes and
blobs' facts land together, so an interrupted sync leaves whole commits and goes on from there.
"""

import logging
from collections.abc import Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import Connection

from rsidx.errors import RepositoryError
from rsidx.indexer import identity
from rsidx.indexer.extract import Extraction, Wanted, extraction
from rsidx.indexer.git import history
from rsidx.indexer.git.history import CommitLine
from rsidx.indexer.git.launcher import git_version
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.ingest import MAX_BATCH_BLOBS, Ingester, Progress, SyncReport
from rsidx.store import clones, queries
from rsidx.store.batches import batches
from rsidx.store.cache import remove_cache
from rsidx.store.database import Database
from rsidx.store.dates import LATEST
from rsidx.store.writer import Writer

MAX_FILE_BYTES = 1_000_000
"""Larger files are recorded, but not parsed, unless another limit is given."""
_SERIAL_COMMITS = 8
"""So many new commits and fewer are parsed in this process: workers take longer to start."""

_REFETCH_SINCE = (2, 36)
_NO_GENERATION = 2 * LATEST
"""No generation is above this; an earlier version stored dates that had no bound."""
_NONE_BEFORE: Mapping[bytes, bytes] = MappingProxyType({})
_log = logging.getLogger("rsidx")


@dataclass(frozen=True, slots=True)
class SyncScope:
    """What a sync ingests: arguments for `git rev-list`.

    `is_update` says that only what came after the recorded tips is wanted.
    """

    revisions: tuple[str, ...]
    is_update: bool = False


def history_scope(
    repository: Repository, revisions: Sequence[str], *, all_refs: bool, since: str | None
) -> SyncScope:
    """Return the scope of a backfill.

    Raises RepositoryError for a revision that git has not and a date that it cannot read.
    """
    wanted = [history.resolve(repository, revision) for revision in revisions]
    if all_refs:
        wanted += sorted(tip.hex() for tip in set(history.read_refs(repository).values()))
    elif not revisions:
        head = history.head(repository)
        wanted += [head.hex()] if head else []
    options = (f"--since-as-filter={history.resolve_date(repository, since)}",) if since else ()
    return SyncScope((*options, *wanted) if wanted else ())


def sync(
    repository: Repository,
    database: Database,
    scope: SyncScope,
    *,
    jobs: int,
    max_bytes: int,
    progress: Progress | None = None,
) -> SyncReport:
    """Take the scope's commits into the index; those already there are left alone.

    Raises RepositoryError when git fails, IndexStoreError when the index cannot be written.
    """
    with database.writing() as connection:
        run = _Sync(repository, database, connection, max_bytes, progress)
        return run.run(scope, jobs)


def update(
    repository: Repository,
    database: Database,
    *,
    jobs: int,
    max_bytes: int,
    progress: Progress | None = None,
) -> SyncReport:
    """Take in what the branches and worktrees have that the index has not.

    What is new is what the tips recorded last do not reach. An index without any takes the
    newest commit alone: the history before it is backfill's. `progress` is also called while
    another process writes, with none to do; what it raises ends the update.
    """
    waiting = (lambda: progress(0, 0)) if progress is not None else None
    with database.writing(waiting=waiting) as connection:
        run = _Sync(repository, database, connection, max_bytes, progress)
        refs = history.read_refs(repository)
        wanted = {tip for name, tip in refs.items() if name.startswith(b"refs/heads/")}
        wanted.update(history.worktree_heads(repository))
        wanted.update(tip for name, tip in refs.items() if name == b"HEAD")
        tips = set(queries.ref_tips(connection, run.repository_id).values())
        if not wanted:
            return SyncReport()
        revisions = [tip.hex() for tip in sorted(wanted)]
        if tips:
            revisions += ["--not", *(tip.hex() for tip in sorted(tips))]
        else:
            newest = history.head(repository) or min(wanted)
            revisions = ["--max-count=1", newest.hex()]
        return run.run(SyncScope(tuple(revisions), is_update=True), jobs, refs)


def fetch_trees(repository: Repository, database: Database, scope: SyncScope) -> None:
    """Fetch the trees that a clone without trees lacks of a scope's commits.

    Raises RepositoryError where the remote refuses, and where git is too old to fetch them.
    """
    if not repository.lacks_trees or not scope.revisions:
        return
    with database.writing() as connection:
        run = _Sync(repository, database, connection, 0, None)
        nodes = queries.commit_nodes(connection, run.repository_id)
        settled = {node.oid for node in nodes if node.state == "ok"}
        connection.commit()
    lines = history.list_commits(repository, scope.revisions)
    unsettled = [line for line in lines if line.oid not in settled]
    if not unsettled:
        return
    if git_version() < _REFETCH_SINCE:
        raise RepositoryError(
            "this clone lacks trees, which git fetches from version 2.36 on: upgrade git, or clone "
            "with --filter=blob:none"
        )
    repository.fetch(history.root_trees(repository, unsettled), with_parts=True)


def fetch_promised(repository: Repository, database: Database, *, jobs: int, max_bytes: int) -> int:
    """Fetch the blobs that a partial clone was promised and read them; return how many.

    Raises RepositoryError where this is no partial clone, or its remote refuses.
    """
    with database.writing() as connection:
        run = _Sync(repository, database, connection, max_bytes, None)
        promised = run.writer.absent_blobs()
        if promised:
            repository.fetch(promised)
        n_read = run.read_unread(jobs)
        connection.commit()
    return n_read


def record_tips(repository: Repository, database: Database) -> None:
    """Record where the refs point as the start for `update`, unless there is a record.

    So all commits from now on are ingested, however many come before the first update.
    """
    with database.writing() as connection:
        run = _Sync(repository, database, connection, 0, None)
        if not queries.ref_tips(connection, run.repository_id):
            run.writer.write_refs(history.read_refs(repository))
        connection.commit()


class _Sync:
    """One sync under the writers' lock."""

    def __init__(
        self,
        repository: Repository,
        database: Database,
        connection: Connection,
        max_bytes: int,
        progress: Progress | None,
    ) -> None:
        self.repository = repository
        self.database = database
        self.connection = connection
        self.max_bytes = max_bytes
        self.repository_id = identity.register(database, connection, repository)
        self.writer = Writer(connection, self.repository_id)
        self._intake = Ingester(repository, connection, self.writer, progress)

    def run(
        self, scope: SyncScope, jobs: int, refs: Mapping[bytes, bytes] | None = None
    ) -> SyncReport:
        """Take in a scope; `refs` are the refs if they were read for it."""
        if queries.newest_generation(self.connection, self.repository_id) > _NO_GENERATION:
            self._repair_generations()
        if not scope.is_update:
            self.read_unread(jobs)
        lines = history.list_commits(self.repository, scope.revisions) if scope.revisions else []
        known = queries.generations(
            self.connection, self.repository_id, (line.oid for line in lines)
        )
        new = [line for line in lines if line.oid not in known]
        had_commits = bool(known)
        again = self._commits_to_read_again(scope)
        if not scope.is_update:
            again += self._grafted(lines, {line.oid for line in (*new, *again)})
        outside = {parent for line in (*new, *again) for parent in line.parents} - known.keys()
        known.update(queries.generations(self.connection, self.repository_id, outside))
        if new or again:
            jobs = 1 if len(new) + len(again) <= _SERIAL_COMMITS else jobs
            with self._extraction(jobs) as extractor:
                # Their parents come before them.
                self._intake.ingest([*new, *again], known, extractor)
            if again or (not scope.is_update and had_commits):
                self._repair_generations()
            repaired = queries.bases_with_parent(self.connection, self.repository_id)
            self.writer.forget_base(repaired)
        self._record_refs(refs if refs is not None else history.read_refs(self.repository))
        self.connection.commit()
        report = self._intake.report
        _log.info("sync: %d commits, %d file versions", report.n_commits, report.n_blobs)
        return report

    def read_unread(self, jobs: int) -> int:
        """Read again what git did not have, or what was too large; return how much was read."""
        unread = self.writer.unread_blobs(self.max_bytes)
        if unread:
            self._read_again(unread, jobs)
        n_left = len(self.writer.unread_blobs(self.max_bytes))
        self._intake.report.n_read_again = len(unread) - n_left
        return self._intake.report.n_read_again

    def _read_again(self, oids: Sequence[bytes], jobs: int) -> None:
        with self._extraction(jobs) as extractor:
            for part in batches(oids, MAX_BATCH_BLOBS):
                pending = extractor.submit([Wanted(oid) for oid in part])
                self.writer.rewrite_blobs(pending.records())
                self.connection.commit()

    def _extraction(self, jobs: int) -> AbstractContextManager[Extraction]:
        mark = self.database.parsing_file
        return extraction(self.repository, jobs=jobs, max_bytes=self.max_bytes, mark=mark)

    def _commits_to_read_again(self, scope: SyncScope) -> list[CommitLine]:
        """Return the commits that were cut off before a shallow clone was deepened.

        In a backfill also those that could not be compared.
        """
        unsettled = queries.unsettled_commits(self.connection, self.repository_id)
        if not unsettled:
            return []
        cut = history.shallow_boundary(self.repository)
        wanted = [
            oid
            for oid, state in sorted(unsettled.items())
            if (oid not in cut if state == "boundary" else not scope.is_update)
        ]
        return history.list_these(self.repository, wanted)

    def _grafted(self, lines: Sequence[CommitLine], settled: Set[bytes]) -> list[CommitLine]:
        """Return the commits that an earlier version read under a graft, of those not `settled`.

        The graft may have made a root of one; what was made of their changes leaves the cache.
        """
        nodes = queries.commit_nodes(self.connection, self.repository_id)
        parents = {node.oid: node.parents for node in nodes}
        left_alone = settled | history.shallow_boundary(self.repository)
        found = [
            line
            for line in lines
            if line.oid not in left_alone and parents[line.oid] != line.parents
        ]
        if found:
            root = history.find_root(self.repository)
            clones.set_root(self.connection, self.repository_id, root)
            if self.database.cache_file is not None:
                remove_cache(self.database.cache_file)
        return found

    def _repair_generations(self) -> None:
        """Compute all generations anew: older history may have come in below newer."""
        generation: dict[bytes, int] = {}
        nodes = {
            node.oid: node for node in queries.commit_nodes(self.connection, self.repository_id)
        }
        changed: dict[int, int] = {}
        stack = list(nodes.values())
        while stack:
            node = stack[-1]
            if node.oid in generation:
                stack.pop()
                continue
            waiting = [nodes[p] for p in node.parents if p in nodes and p not in generation]
            if waiting:
                stack += waiting
                continue
            above = max((generation.get(parent, 0) for parent in node.parents), default=0)
            generation[node.oid] = max(min(node.committer_time, LATEST), above + 1)
            if generation[node.oid] != node.generation:
                changed[node.id] = generation[node.oid]
            stack.pop()
        queries.set_generations(self.connection, changed)

    def _record_refs(self, refs: Mapping[bytes, bytes]) -> None:
        """Record the refs whose tips are indexed now."""
        indexed = queries.generations(self.connection, self.repository_id, refs.values())
        self.writer.write_refs({name: tip for name, tip in refs.items() if tip in indexed})
