"""An open index that stands at a commit, ready to be asked about places."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from rsidx.errors import PlacementError, RsidxError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.edits.containers import Version
from rsidx.exporters.edits.edit import Side
from rsidx.exporters.edits.edited import EditedFile
from rsidx.exporters.edits.so_far import Standing
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.given import Given
from rsidx.exporters.pipeline.drafts import Drafter
from rsidx.exporters.pipeline.examples import ExampleBuilder
from rsidx.exporters.pipeline.steps import Steps
from rsidx.exporters.questions.site import Site, Sites, new_file
from rsidx.exporters.questions.target import Overlay, Target
from rsidx.exporters.resolver.files import Definition
from rsidx.store import queries
from rsidx.store.database import Database
from rsidx.store.reader import Reader
from rsidx.store.records import BlobRecord, ChangeRow, FileEdit, is_qualified_by


@dataclass(frozen=True, slots=True)
class IndexAt:
    """An open index at a commit, ready to be asked about places."""

    reader: Reader
    drafter: Drafter
    builder: ExampleBuilder
    changes: Mapping[int, ChangeRow]
    """The files that edits changed since, by path."""

    def draft(self, site: Site, message: str, given: Given | None = None) -> Draft:
        """Return the draft of an edit that is still to be made.

        `given` is what is said of new code; raises RsidxError for it where code is changed.
        """
        if given is not None and site.edit.change != "add":
            raise RsidxError(f"a {given.kind} is given for new code alone")
        changes = sorted(self.changes.values(), key=lambda one: self.reader.path(one.path_id))
        standing = Standing(self.reader)
        files = [standing.file(one.path_id, *self._versions(one)) for one in changes]
        made = standing.edits(files)
        draft = self.drafter.of_prompt(site.edit, message, site.around, made, changes)
        old = site.edit.old
        is_renamed = old is not None and old.path_id != site.edit.path_id
        return self.builder.redacted(replace(draft, is_rename=is_renamed, given=given))

    def _versions(self, change: ChangeRow) -> tuple[Version, tuple[Side, ...]]:
        """Return a changed file before all edits, and the chunks that it has now."""
        old = self._version(change.old_path_id or change.path_id, change.old_blob_id)
        new = self._version(change.path_id, change.new_blob_id)
        return old, tuple(new.sides(range(len(new.chunks))))

    def sites(self, target: Target) -> list[Site]:
        """Return each place that a target may be; raises RsidxError for none."""
        shown = target.commit.hex()[:12]
        path_id = self.reader.path_ids().get(target.path.encode("utf-8", "surrogateescape"))
        file = self._file(path_id) if path_id is not None else None
        if path_id is None or file is None:
            raise PlacementError(
                "no_place",
                f"there is no {target.path} at {shown} among the files that are indexed: *.rs, "
                "Cargo.toml and .gitattributes",
            )
        sites = list(Sites(self.reader, path_id, file).of(target))
        if not sites:
            raise PlacementError(
                "no_place",
                f"{target.path} has no definition of {target.symbol or 'anything'} at {shown}",
            )
        return sites

    def has(self, path: str) -> bool:
        """Tell whether there is a file with anything in it."""
        path_id = self.reader.path_ids().get(path.encode("utf-8", "surrogateescape"))
        file = self._file(path_id) if path_id is not None else None
        return file is not None and bool(file.version.chunks)

    def new_file(self, path: str) -> Site:
        """Return the place of a file that is still to be made."""
        return new_file(
            self.reader, self.reader.path_ids()[path.encode("utf-8", "surrogateescape")]
        )

    def _file(self, path_id: int) -> EditedFile | None:
        """Return a file as the edits left it; None where there is none."""
        change = self.changes.get(path_id)
        if change is None:
            blob_id = self.drafter.files.get(path_id)
            if blob_id is None or any(c.old_path_id == path_id for c in self.changes.values()):
                return None
            version = self._version(path_id, blob_id)
            return EditedFile(version, version)
        if change.new_blob_id is None:
            return None
        old = self._version(change.old_path_id or path_id, change.old_blob_id)
        return EditedFile(old, self._version(path_id, change.new_blob_id))

    def _version(self, path_id: int, blob_id: int | None) -> Version:
        chunks = self.reader.chunks(blob_id) if blob_id is not None else ()
        return Version(path_id, blob_id, chunks)

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
    database: Database, name: str, config: ExportConfig, target: Target
) -> Iterator[IndexAt]:
    """Open a repository's part of an index at the commit of a target."""
    with reading(database, name) as reader:
        if target.path:
            # One that is new, too.
            reader.add_path(target.path.encode("utf-8", "surrogateescape"))
        yield standing_at(reader, config, target.commit, target.overlay, target.edited)


@contextmanager
def reading(database: Database, name: str) -> Iterator[Reader]:
    """Open a repository's part of an index."""
    with database.reading() as connection:
        yield Reader(connection, queries.indexed_repository(connection, name))


def standing_at(
    reader: Reader,
    config: ExportConfig,
    oid: bytes,
    files: Overlay,
    edited: Sequence[FileEdit] = (),
) -> IndexAt:
    """Go to a commit with some files replaced; raises RsidxError where it is not indexed.

    In `edited` files edits are made already.
    """
    commit = reader.commit(oid)
    if commit is None:
        raise RsidxError(f"commit {oid.hex()} is not indexed; run `rsidx backfill` for it")
    overlay = dict(_added(reader, path, record) for path, record in files)
    versions = [_added(reader, one.path, one.record) for one in edited]
    steps = Steps.of(reader, config)
    steps.drafter.move_to(commit, overlay, dict(versions))
    paths = reader.path_ids()
    changes: dict[int, ChangeRow] = {}
    for one, (path_id, blob_id) in zip(edited, versions, strict=True):
        old_path_id = paths.get(one.old_path) if one.old_path is not None else None
        old_blob_id = steps.drafter.files.get(old_path_id or path_id)
        changes[path_id] = ChangeRow("", path_id, old_path_id, old_blob_id, blob_id)
    return IndexAt(reader, steps.drafter, steps.builder, changes)


def _added(reader: Reader, path: bytes, record: BlobRecord | None) -> tuple[int, int | None]:
    """Lay a version of a file over the index; None for one that is gone. Return its ids."""
    if record is None:
        return reader.add_path(path), None
    return reader.add(path, record)
