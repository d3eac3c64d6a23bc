"""The repositories of a corpus on this machine: where they are listed, or cloned from there."""

from collections.abc import Sequence
from pathlib import Path

from rsidx.corpus.repositories import Listed
from rsidx.corpus.workspace import Workspace
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.git.remote import clone
from rsidx.indexer.git.repository import Repository


def repository_of(listed: Listed, work: Workspace, options: Sequence[str] = ()) -> Repository:
    """Return a repository; one that is listed by its URL is cloned if it is not there.

    `options` are git's for the clone. Raises RepositoryError.
    """
    if not listed.is_url:
        return discover(Path(listed.address), is_named=True)
    folder = work.local(f"clones/{listed.slug}.git")
    if not folder.exists():
        clone(listed.address, folder, options)
    return discover(folder, is_named=True)
