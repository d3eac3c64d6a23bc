"""What is indexed, how far it is behind the repository, and whether the index is sound."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rsidx.errors import IndexStoreError
from rsidx.indexer import identity
from rsidx.indexer.git import history
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.hook_api import index_file
from rsidx.indexer.refresh import refreshing_since
from rsidx.indexer.rust.model import EXTRACTOR_VERSION
from rsidx.store import queries, server
from rsidx.store.clones import read_repositories
from rsidx.store.database import Database, resolve_url
from rsidx.store.dates import moment
from rsidx.store.queries import Counts
from rsidx.store.stale import count_stale_blobs


@dataclass(frozen=True, slots=True)
class Status:
    """The index's content, and the refs whose commits it lacks (name → commits missing).

    `repository` is what the index calls this one, and `counts` are of all its `repositories`.
    `behind_since` is the time of the oldest commit that it lacks, in seconds. `n_stale_blobs` have
    the facts of another version of rsidx; a process reads them again since `refreshing_since`.
    """

    repository: str
    repositories: tuple[str, ...]
    database: str
    database_bytes: int
    counts: Counts
    behind: dict[str, int]
    n_missing_commits: int
    behind_since: int | None
    newest_commit_time: int | None
    n_stale_blobs: int
    refreshing_since: int | None

    @property
    def newest_commit(self) -> datetime | None:
        """When the newest indexed commit was made."""
        return _moment(self.newest_commit_time)

    @property
    def oldest_missing(self) -> datetime | None:
        """When the oldest commit that the index lacks was made."""
        return _moment(self.behind_since or None)

    @property
    def refresh_began(self) -> datetime | None:
        """When the process that reads file versions again began."""
        return _moment(self.refreshing_since)


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else moment(seconds)


def status(repository: Repository, database: Database) -> Status:
    """Compare the index with the repository's branches and HEAD."""
    refs = history.read_refs(repository)
    own = history.head(repository)
    if own is not None:
        refs[b"HEAD"] = own
    tips = {
        name: tip
        for name, tip in sorted(refs.items())
        if name == b"HEAD" or name.startswith(b"refs/heads/")
    }
    with database.reading() as connection:
        repository_id = identity.find(database, connection, repository)
        names = {row.id: row.name for row in read_repositories(connection)}
        nodes = list(queries.commit_nodes(connection, repository_id)) if repository_id else []
        indexed = {node.oid for node in nodes}
        missing: set[bytes] = set()
        behind = {}
        oldest = []
        for name, tip in tips.items():
            lines = history.list_commits(repository, (tip.hex(),))
            lacking = [line.oid for line in lines if line.oid not in indexed]
            missing.update(lacking)
            if lacking:
                oldest.append(lacking[0])
                behind[name.decode("utf-8", "replace")] = len(lacking)
        n_stale = count_stale_blobs(connection, EXTRACTOR_VERSION)
        since = refreshing_since(database.file)
        return Status(
            repository=names.get(repository_id or 0, repository.name),
            repositories=tuple(names.values()),
            database=database.shown,
            database_bytes=database.n_bytes(),
            counts=queries.counts(connection),
            behind=behind,
            n_missing_commits=len(missing),
            behind_since=history.committer_time(repository, oldest) if oldest else None,
            newest_commit_time=max((node.committer_time for node in nodes), default=None),
            n_stale_blobs=n_stale,
            refreshing_since=int(since) if n_stale and since is not None else None,
        )


def index_problem(db: str) -> str | None:
    """Return what is wrong with an index, None if nothing is; looks at every page of a file."""
    file = index_file(db)
    try:
        database = Database(resolve_url(db), create=False)
    except IndexStoreError as error:
        return str(error)
    try:
        damage = database.damage()
    finally:
        database.close()
    if damage is not None:
        return f"{damage}; remove it and run `rsidx backfill`"
    return _readable_by_others(file) if file is not None else None


def soundness(db: str) -> str:
    """Return what is known of an index without a problem."""
    if index_file(db) is not None:
        return "sound, and nobody else can read it"
    database = Database(resolve_url(db), create=False)
    try:
        with database.reading() as connection:
            owner, others = server.owner(connection), server.readers(connection)
    finally:
        database.close()
    named = f"its owner {owner} and the server's superusers"
    if not others:
        return f"on a server, where nobody but {named} may read it"
    return f"on a server, where besides {named} may read it: {', '.join(others)}"


def _readable_by_others(file: Path) -> str | None:
    for path in sorted(file.parent.glob(f"{file.name}*")):
        if path.stat().st_mode & 0o077:
            return f"{path} can be read by others; `chmod 600` it"
    return None
