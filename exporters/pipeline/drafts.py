"""Drafts: edits with their message and context, before their code is laid out."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.context.builder import ContextBuilder
from rsidx.exporters.edits.earlier import EarlierEdit, EarlierEdits, definitions_first
from rsidx.exporters.edits.pairing import Edit, Side
from rsidx.exporters.edits.place import edit_at_hole
from rsidx.exporters.edits.side_texts import SideTexts
from rsidx.exporters.edits.snapshot import Snapshot
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.redaction import without_people
from rsidx.exporters.filters.licenses import Licenses
from rsidx.exporters.pipeline.examples import ExampleBuilder
from rsidx.exporters.pipeline.selection import EditSelector
from rsidx.exporters.resolver.files import modules_of
from rsidx.exporters.resolver.references import CodeLocation, Resolver
from rsidx.store.reader import Reader
from rsidx.store.records import ChunkRow, CommitRow, Import, Reference


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft, and what the references of its code led to, by kind and outcome."""

    draft: Draft
    references: Counter[str]


class Drafter:
    """Gives edits their message and context: those of a commit, or one that is still to be made.

    It stands at one tree at a time: before a commit (or after it, if the configuration says so),
    or where `stand_at` put it.
    """

    def __init__(
        self,
        reader: Reader,
        texts: SideTexts,
        licenses: Licenses,
        selector: EditSelector,
        builder: ExampleBuilder,
        config: ExportConfig,
    ) -> None:
        self._reader = reader
        self._config = config
        self._licenses = licenses
        self._selector = selector
        self._builder = builder
        self._snapshot = Snapshot(reader)
        self.resolver = Resolver(reader)
        self._context = ContextBuilder(reader, self.resolver, frozenset(config.context_with))
        self._repository = reader.repository_name()
        self._standing: CommitRow | None = None
        self._earlier = EarlierEdits(reader, self._edits_before, texts.text, config.max_chars // 2)

    @property
    def files(self) -> dict[int, int]:
        """The snapshot that it stands at: path → blob."""
        return self._snapshot.files

    def of_commit(
        self, commit: CommitRow, edits: Sequence[Edit]
    ) -> tuple[list[Drafted], Counter[str]]:
        """Return the drafts of a commit's edits, and what was left out.

        Edits that others use come first if earlier edits of the commit are shown. Counts
        `context_license`.
        """
        uses: dict[Edit, frozenset[Edit]] = {}
        if "commit" in self._config.earlier:
            uses = self._uses(commit, edits)
            edits = definitions_first(edits, uses)
        at_commit = self._config.context_at == "commit"
        if at_commit:
            self._snapshot.move_to(commit)
        else:
            self._snapshot.move_before(commit)
        self._move_resolver()
        message = _clean(self._reader.message(commit.id))
        parent = self._reader.commit(commit.parents[0]) if commit.parents else None
        numbers = {edit: number for number, edit in enumerate(edits)} if uses else {}
        drafts = []
        dropped: Counter[str] = Counter()
        for number, edit in enumerate(edits):
            # Finding the last draft's earlier edits may have moved it.
            self._licenses.stand_at(commit)
            known = self._known(edit)
            own = edit.new if at_commit else known.old
            drafted, left_out = self._draft(edit, known, own, message)
            dropped += left_out
            earlier: list[EarlierEdit] = []
            if "commit" in self._config.earlier:
                used = [numbers[one] for one in uses.get(edit, ())]
                earlier += self._earlier.of_commit(commit, edits, number, used)
            drafts.append(self._behind(drafted, earlier, parent))
        return drafts, dropped

    def stand_at(self, commit: CommitRow, overlay: Mapping[int, int | None]) -> None:
        """Go to a commit's tree with some files replaced (path → blob), or gone (None)."""
        self._standing = commit
        self._licenses.stand_on(commit, overlay)
        self._snapshot.move_to(commit)
        self._snapshot.overlay(overlay)
        self._move_resolver()

    def of_place(self, edit: Edit, message: str, known: Edit | None = None) -> Draft:
        """Return the draft of an edit that is still to be made.

        `known` is what of it may decide its context, the edit itself if it is not given.
        """
        known = known if known is not None else edit
        drafted, _ = self._draft(edit, known, known.old, _clean(message))
        return self._behind(drafted, [], self._standing).draft

    def at_hole(self, path_id: int, file: bytes, offset: int) -> Edit:
        """Return what is known of an edit before a hole in a file is filled."""
        return edit_at_hole(self._reader, path_id, self.files.get(path_id), file, offset)

    def _known(self, edit: Edit) -> Edit:
        """Return what of an edit may decide its context: of a hole, its place in the old file."""
        if self._config.context_from != "old" or self._config.context_at != "parent":
            return edit
        file = self._builder.file_without_hole(edit)
        if file is None or edit.new is None:
            return edit
        return self.at_hole(edit.new.path_id, *file)

    def _move_resolver(self) -> None:
        self.resolver.move(self._snapshot.files, self._snapshot.pop_changed_paths())

    def _edits_before(self, commit: CommitRow) -> tuple[Edit, ...]:
        """Return a commit's edits, to be shown before those of a later one."""
        edits, _ = self._selector.edits(commit)
        return tuple(edit for edit in edits if not edit.is_no_op)

    def _behind(
        self, drafted: Drafted, earlier: list[EarlierEdit], newest: CommitRow | None
    ) -> Drafted:
        """Return a draft with the earlier edits that it may be shown with."""
        side = drafted.draft.edit.old
        if "history" in self._config.earlier and side is not None:
            earlier = [*earlier, *self._earlier.of_history(newest, side.path_id)]
        if not earlier:
            return drafted
        return replace(drafted, draft=replace(drafted.draft, earlier=tuple(earlier)))

    def _draft(
        self, edit: Edit, known: Edit, own: Side | None, message: str
    ) -> tuple[Drafted, Counter[str]]:
        shown = edit.new or edit.old
        assert shown is not None
        path_id = (own or shown).path_id
        found, references = self._context.candidates(self.mentions(known, path_id), own=own)
        is_before = self._config.context_at != "commit"
        excerpts = [
            excerpt for excerpt in found if self._licenses.allow(excerpt.path_id, before=is_before)
        ]
        draft = Draft(
            repository=self._repository,
            path=self._path(shown.path_id),
            old_path=self._path(edit.old.path_id) if edit.old else "",
            module=self._module(edit, shown),
            message=message,
            edit=edit,
            excerpts=tuple(excerpts),
            excerpt_paths=tuple(self._path(excerpt.path_id) for excerpt in excerpts),
        )
        dropped = Counter(context_license=len(found) - len(excerpts))
        return Drafted(draft, references), dropped

    def _uses(self, commit: CommitRow, edits: Sequence[Edit]) -> dict[Edit, frozenset[Edit]]:
        """Return which of a commit's edits each of them refers to, as the commit left the code."""
        self._snapshot.move_to(commit)
        self._move_resolver()
        homes = {
            (edit.new.path_id, edit.new.position + number): edit
            for edit in edits
            if edit.new is not None
            for number in range(len(edit.new.chunks))
        }
        uses = {}
        for edit in edits:
            found: set[Edit | None] = set()
            for site, references in self._mentions_of(edit.new) if edit.new else ():
                definitions, _ = self.resolver.resolve(site, references)
                found.update(
                    homes.get((one.definition.path_id, one.definition.index)) for one in definitions
                )
            uses[edit] = frozenset(used for used in found if used is not None and used != edit)
        return uses

    def _mentions_of(self, side: Side) -> Iterator[tuple[CodeLocation, list[Reference]]]:
        """Yield what code mentions where it stands, by container."""
        for container, inside in _by_container(side.chunks).items():
            yield (
                CodeLocation(side.path_id, container, self._imports(inside)),
                self._references(inside),
            )

    def mentions(self, edit: Edit, path_id: int) -> list[tuple[CodeLocation, list[Reference]]]:
        """Return what an edit mentions, what it imports included, by where that is read.

        The code is read in the file `path_id`, with what the new version of the file imports
        in addition. The order is fixed.
        """
        sides = (edit.old,) if self._config.context_from == "old" else (edit.old, edit.new)
        chunks = {chunk.id: chunk for side in sides if side for chunk in side.chunks}
        if edit.kind == "file" and edit.old and edit.new:
            # What the commit left as it was is not what the edit is about.
            both = {c.id for c in edit.old.chunks} & {c.id for c in edit.new.chunks}
            chunks = {key: chunk for key, chunk in chunks.items() if key not in both}
        by_container = _by_container(chunks.values()) or {edit.container: []}
        return [
            (
                CodeLocation(
                    path_id,
                    container,
                    (*self._imports(inside), *self._new_imports(edit, path_id, container)),
                ),
                self._references(inside),
            )
            for container, inside in by_container.items()
        ]

    def _imports(self, chunks: list[ChunkRow]) -> tuple[Import, ...]:
        """Return what the bodies of functions import."""
        inside = [chunk for chunk in chunks if chunk.kind != "imports"]
        return tuple(
            dict.fromkeys(item for chunk in inside for item in self._reader.imports(chunk.id))
        )

    def _new_imports(self, edit: Edit, path_id: int, container: str) -> Iterator[Import]:
        """Yield what the edited code's module imports after the edit and not before."""
        if edit.new is None or self._config.context_from == "old":
            return
        modules, inline = self.resolver.modules, modules_of(container)
        after = modules.version(edit.new.path_id, edit.new.blob_id).scopes.get(inline)
        file = modules.file(path_id)
        before = file.scopes.get(inline) if file is not None else None
        known = set(before.every_import()) if before is not None else set()
        for item in after.every_import() if after is not None else ():
            if item not in known:
                yield item

    def _references(self, chunks: list[ChunkRow]) -> list[Reference]:
        found = {reference for chunk in chunks for reference in self._reader.references(chunk.id)}
        for chunk in chunks:
            if chunk.kind == "imports":
                found.update(
                    Reference("import", item.path)
                    for item in self._reader.imports(chunk.id)
                    if not item.path.endswith("*")
                )
        return sorted(found, key=lambda reference: (reference.kind, reference.path))

    def _path(self, path_id: int) -> str:
        return self._reader.path(path_id).decode("utf-8", "replace")

    def _module(self, edit: Edit, side: Side) -> str:
        home = self.resolver.modules.expected_module(side.path_id)
        names = home.names if home is not None else ()
        return "::".join((*names, *modules_of(edit.container)))


def _clean(message: str) -> str:
    """Return a message without people's names, and without the carriage returns of browsers."""
    return without_people(message).replace("\r\n", "\n")


def _by_container(chunks: Iterable[ChunkRow]) -> dict[str, list[ChunkRow]]:
    found: dict[str, list[ChunkRow]] = {}
    for chunk in chunks:
        found.setdefault(chunk.container, []).append(chunk)
    return found
