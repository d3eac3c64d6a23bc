"""Taking repositories in: one after another into an index of its own, whatever befalls others."""

import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from datatrove.data import Document
from loguru import logger

from rsidx.corpus.clones import repository_of
from rsidx.corpus.facts import facts_of, write_facts
from rsidx.corpus.indexes import index_of
from rsidx.corpus.outcome import Outcome, write_outcome
from rsidx.corpus.repositories import Listed
from rsidx.corpus.step import Documents, Step
from rsidx.corpus.workspace import Workspace
from rsidx.errors import RsidxError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.pipeline.commit import Tools, writing_tools
from rsidx.exporters.pipeline.session import session
from rsidx.indexer.clone import origin_of
from rsidx.indexer.git.history import resolve
from rsidx.indexer.refresh import is_needed, refresh
from rsidx.indexer.sync import MAX_FILE_BYTES, history_scope, sync
from rsidx.passwords import masked


class Repositories(Step):
    """Reads a list of repositories: a document each, with its place as its text."""

    name = "repositories"

    def __init__(self, listed: Sequence[Listed]) -> None:
        super().__init__()
        self.listed = listed

    def documents(self, data: Documents, rank: int, world_size: int) -> Iterator[Document]:
        """Yield the repositories of a task."""
        yield from data
        for one in self.listed[rank::world_size]:
            self.stat_update("repositories")
            yield Document(one.place, one.name, metadata={"listed": one})


class Ingest(Step):
    """Brings the index of each repository up to date; one that fails goes no further."""

    name = "ingest"

    def __init__(
        self,
        work: Workspace,
        run: Workspace,
        export: ExportConfig,
        clones_at_once: int = 1,
    ) -> None:
        super().__init__()
        self.work = work
        self.run_folder = run
        self.export = export
        self.clones_at_once = clones_at_once

    def documents(self, data: Documents, rank: int, world_size: int) -> Iterator[Document]:  # noqa: ARG002
        """Yield the repositories that are taken in."""
        tools = writing_tools(self.export)
        for document in data:
            listed: Listed = document.metadata["listed"]
            try:
                tip, counts = self._take_in(listed, tools)
            except Exception as error:
                # Whatever it is, it must not end what takes in the others.
                # Of the frames no variables, whatever the sink: addresses may hold passwords.
                frames = "".join(traceback.format_exception(error))
                logger.warning("{} is left out: {}", listed.name, masked(frames))
                reason = masked(_reason(error))
                write_outcome(self.run_folder, listed.slug, Outcome(listed.name, failure=reason))
                self.stat_update("failed")
            else:
                write_outcome(self.run_folder, listed.slug, Outcome(listed.name, tip=tip))
                self.count(counts)
                yield document

    def _take_in(self, listed: Listed, tools: Tools) -> tuple[str, Counter[str]]:
        repository = repository_of(listed, self.work, self.clones_at_once)
        tip = resolve(repository, listed.revision or "HEAD")
        with index_of(self.work, listed.kept_as, writes=True) as database:
            scope = history_scope(repository, (tip,), all_refs=False, since=None)
            report = sync(repository, database, scope, jobs=1, max_bytes=MAX_FILE_BYTES)
            if is_needed(repository, database):
                refresh(repository, database, jobs=1, max_bytes=MAX_FILE_BYTES)
            with session(database, replace(self.export, revisions=(tip,)), tools) as opened:
                facts = facts_of(opened, listed.name, origin_of(repository), tip)
        write_facts(self.run_folder, listed.slug, facts)
        return tip, Counter(commits=report.n_commits, file_versions=report.n_blobs)


def _reason(error: Exception) -> str:
    """Return why a repository could not be taken in, on one line."""
    text = " ".join(str(error).split())
    is_known = isinstance(error, RsidxError | OSError)
    return text if is_known else f"{type(error).__name__}: {text}"
