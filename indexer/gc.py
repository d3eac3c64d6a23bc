"""Deleting unreachable commits from the index."""

from rsidx.indexer import identity
from rsidx.indexer.git import history
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.sync import update
from rsidx.store import clones
from rsidx.store.database import Database
from rsidx.store.unreachable import Pruned, prune


def collect(
    repository: Repository, database: Database, *, max_bytes: int, dry_run: bool = False
) -> Pruned:
    """Drop the commits that no ref and no worktree of the repository reaches, and their facts.

    What is new comes in first: the tips of now are what the next update starts from. With
    `dry_run` nothing is changed, and what would be dropped is returned. Raises IndexStoreError
    when the index cannot be written, or an export reads it.
    """
    if not dry_run:
        update(repository, database, jobs=1, max_bytes=max_bytes)
    with database.writing() as connection, database.exclusive():
        repository_id = identity.find(database, connection, repository)
        if repository_id is None:
            return Pruned(0, 0, 0)
        refs = history.read_refs(repository)
        tips = {*refs.values(), *history.worktree_heads(repository)}
        revisions = [tip.hex() for tip in sorted(tips)]
        lines = history.list_commits(repository, revisions) if revisions else []
        pruned = prune(connection, repository_id, {line.oid for line in lines}, refs)
        if dry_run:
            connection.rollback()
            return pruned
        clones.set_root(connection, repository_id, history.find_root(repository))
        connection.commit()
    database.vacuum()
    return pruned
