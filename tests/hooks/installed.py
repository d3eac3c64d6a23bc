"""The hooks of a repository of a test, and waiting for what they start."""

import pytest

from rsidx.hooks import install as hooks
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.git.launcher import git_version
from rsidx.store import queries
from rsidx.store.database import Database, resolve_url

in_files = pytest.mark.skipif(
    git_version() >= hooks.CONFIG_HOOKS_SINCE, reason="this git has hooks in its settings"
)


def indexed(repo):
    """The commits in the repository's own index."""
    file = discover(repo.path).common_dir / "rsidx" / "index.db"
    if not file.exists():
        return set()
    try:
        database = Database(resolve_url(str(file)), create=False)
    except Exception:
        return set()
    with database.reading() as connection:
        repository_id = queries.repository_id(connection, None)
        found = queries.commit_nodes(connection, repository_id) if repository_id else ()
        oids = {node.oid.hex() for node in found}
    database.close()
    return oids


def install(repo):
    repository = discover(repo.path)
    return hooks.install(repository, str(repository.common_dir / "rsidx" / "index.db"))


def programs(repo):
    """The files that have the block: the hooks of git's folder, and the program for managers."""
    folder = discover(repo.path).common_dir
    files = [folder / "rsidx" / "hook", *(folder / "hooks" / name for name in hooks.HOOKS)]
    return [path for path in files if path.exists()]


def wait_for_workers(repo):
    """Make the hooks end after what they started: once git is back, nothing is under way."""
    for path in programs(repo):
        path.write_text(path.read_text() + "wait\n")


def settle(repo, wait, *oids):
    wait(lambda: set(oids) <= indexed(repo))
