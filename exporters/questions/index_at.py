"""An open index that stands at a commit, ready to be asked about places."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rsidx.errors import RsidxError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.edits.edit import Side, edit_of
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.pipeline.drafts import Drafter
from rsidx.exporters.pipeline.examples import ExampleBuilder
from rsidx.exporters.pipeline.steps import Steps
from rsidx.exporters.questions.target import Overlay, Target, side_at, sides_of
from rsidx.exporters.resolver.files import Definition
from rsidx.store import queries
from rsidx.store.database import Database
from rsidx.store.reader import Reader
from rsidx.store.records import is_qualified_by


@dataclass(frozen=True, slots=True)
class IndexAt:
    """An open index at a commit, ready to be asked about places."""

    reader: Reader
    drafter: Drafter
    builder: ExampleBuilder

    def draft(self, side: Side, message: str) -> Draft:
        """Return the draft of an edit of some code that is still to be made."""
        edit = edit_of(self.reader, side)
        return self.builder.redacted(self.drafter.of_prompt(edit, message))

    def sides(self, target: Target) -> Iterator[Side]:
        """Yield each place of the target; raises RsidxError for none."""
        shown = target.commit.hex()[:12]
        path_id = self.reader.path_ids().get(target.path.encode("utf-8", "surrogateescape"))
        blob_id = self.drafter.files.get(path_id) if path_id is not None else None
        if path_id is None or blob_id is None:
            raise RsidxError(
                f"there is no {target.path} at {shown} among the files that are indexed: *.rs, "
                "Cargo.toml and .gitattributes"
            )
        if target.line is not None:
            yield side_at(self.reader, path_id, blob_id, target)
            return
        sides = list(sides_of(self.reader, path_id, blob_id, target.symbol))
        if not sides:
            raise RsidxError(
                f"{target.path} has no definition of {target.symbol or 'anything'} at {shown}"
            )
        yield from sides

    def definitions(self, symbol: str) -> Iterator[Definition]:
        """Yield what a name, or a qualified one, is defined as in the tree; impls left out."""
        qualifier, _, last = symbol.rpartition("::")
        modules = self.drafter.resolver.modules
        for path_id in sorted(modules.rust_files(), key=self.reader.path):
            file = modules.file(path_id)
            for index, chunk in enumerate(file.chunks if file is not None else ()):
                for one in self.reader.symbols(chunk.id):
                    named = one.name == last and one.kind not in ("impl", "field")
                    if file is not None and named and is_qualified_by(one.container, qualifier):
                        start = file.starts[index]
                        yield Definition(path_id, file.blob_id, index, start, chunk, one)


@contextmanager
def opened(
    database: Database, name: str, config: ExportConfig, oid: bytes, files: Overlay
) -> Iterator[IndexAt]:
    """Open a repository's part of an index at a commit, with some files replaced."""
    with reading(database, name) as reader:
        yield standing_at(reader, config, oid, files)


@contextmanager
def reading(database: Database, name: str) -> Iterator[Reader]:
    """Open a repository's part of an index."""
    with database.reading() as connection:
        yield Reader(connection, queries.indexed_repository(connection, name))


def standing_at(reader: Reader, config: ExportConfig, oid: bytes, files: Overlay) -> IndexAt:
    """Go to a commit with some files replaced; raises RsidxError where it is not indexed."""
    commit = reader.commit(oid)
    if commit is None:
        raise RsidxError(f"commit {oid.hex()} is not indexed; run `rsidx backfill` for it")
    paths = reader.path_ids()
    overlay: dict[int, int | None] = {}
    for path, record in files:
        if record is not None:
            path_id, blob_id = reader.add(path, record)
            overlay[path_id] = blob_id
        elif path in paths:
            overlay[paths[path]] = None
    steps = Steps.of(reader, config)
    steps.drafter.move_to(commit, overlay)
    return IndexAt(reader, steps.drafter, steps.builder)
