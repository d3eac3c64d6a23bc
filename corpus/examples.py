"""Making the rows of each repository, as an export makes them, before they are compared."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from datatrove.data import Document

from rsidx.corpus.facts import read_facts
from rsidx.corpus.indexes import index_of
from rsidx.corpus.repositories import Listed
from rsidx.corpus.results import write_results
from rsidx.corpus.step import Documents, Step
from rsidx.corpus.workspace import Workspace
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.pipeline.commit import Tools, writing_tools
from rsidx.exporters.pipeline.phases import Phases
from rsidx.exporters.pipeline.result import patches_of
from rsidx.exporters.pipeline.session import session
from rsidx.store.cache import open_cache

_NO_LIMIT = 1 << 62


class Examples(Step):
    """Makes the results of the commits that a repository gives to the corpus.

    Yields a document for each edit: its text is the MinHash of the lines that it changes.
    """

    name = "examples"

    def __init__(
        self, work: Workspace, run: Workspace, out: Workspace, export: ExportConfig
    ) -> None:
        super().__init__()
        self.work = work
        self.run_folder = run
        self.out = out
        self.export = export

    def documents(self, data: Documents, rank: int, world_size: int) -> Iterator[Document]:  # noqa: ARG002
        """Yield the edits of the repositories that come in."""
        tools = writing_tools(self.export)
        for document in data:
            yield from self._edits(document.metadata["listed"], tools)

    def _edits(self, listed: Listed, tools: Tools) -> Iterator[Document]:
        oids: list[str] = self.out.read_json(f"plan/{listed.slug}.json")
        config = replace(self.export, revisions=(read_facts(self.run_folder, listed.slug).tip,))
        with (
            index_of(self.work, listed.kept_as, writes=False) as database,
            session(database, config, tools) as opened,
            open_cache(database.cache_file, opened.builds, max_bytes=_NO_LIMIT) as cache_file,
        ):
            history = opened.selection().history
            commits = [history.commits[bytes.fromhex(oid)] for oid in oids]
            cache = opened.results(history, commits, cache_file, Phases(), jobs=1)
            for oid, result in write_results(self.out, listed.slug, oids, cache):
                self.count(Counter(commits=1))
                yield from _documents(listed.name, oid, result)


def _documents(repository: str, oid: str, result: bytes) -> Iterator[Document]:
    for number, patch in enumerate(patches_of(result)):
        where = {"repository": repository, "commit": oid, "edit": number}
        values = b"".join(value.to_bytes(4, "little") for value in patch.minhash.digest())
        yield Document(values.hex(), f"{oid}/{number}", metadata=where)
