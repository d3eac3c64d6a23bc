"""Indexes of the repositories of tests."""

import sqlite3
from contextlib import closing
from typing import NamedTuple

from rsidx.exporters.verify.dataset import Checked, verify
from rsidx.indexer.git.blobs import blob_reader
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.gitview import GitView
from rsidx.indexer.sync import history_scope, sync
from rsidx.store.copies import count_rows
from rsidx.store.database import Database, resolve_url
from tests.repositories import Repo


class Index:
    """An index of a repository, in a file of its own unless told otherwise."""

    def __init__(self, repo, file):
        self.repository = discover(repo.path)
        self.file = file
        self.database = Database(resolve_url(str(file)), create=True)

    def sync(self, *revisions, all_refs=False, since=None, jobs=1, max_bytes=100_000):
        scope = history_scope(self.repository, revisions, all_refs=all_refs, since=since)
        return sync(self.repository, self.database, scope, jobs=jobs, max_bytes=max_bytes)

    def close(self):
        """Close the index; what was written to it has counted its rows."""
        if self.file.exists():
            with closing(sqlite3.connect(self.file)) as connection:
                [[n_rows]] = connection.execute("PRAGMA application_id")
                assert n_rows == count_rows(connection), "a transaction did not count its rows"
        self.database.close()

    def problems(self, out, row=None):
        """Return what does not hold of an export, or of one of its rows, counted from 1."""
        with blob_reader(self.repository, max_bytes=1 << 20) as reader:
            problems = list(verify(out, lambda _: GitView(self.repository, reader), Checked()))
        return [problem.text for problem in problems if row in (None, problem.row)]


class History(NamedTuple):
    """A repository and an index of it, which several tests read."""

    repo: Repo
    index: Index

    def copy(self, folder):
        """Return a copy for one test, which may change it."""
        repo = Repo(folder / self.repo.path.name)
        repo.fill_from(self.repo)
        repo.padding = self.repo.padding
        file = folder / "index.db"
        self.index.database.back_up(file, lambda *_: None)
        return History(repo, Index(repo, file))
