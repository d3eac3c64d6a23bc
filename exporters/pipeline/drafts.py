"""Drafts: edits with their message and context, before their code becomes examples."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.context.builder import ContextBuilder
from rsidx.exporters.context.folder import Folder
from rsidx.exporters.context.likely import Likely
from rsidx.exporters.context.made import EARLIER_RULE, Made
from rsidx.exporters.context.mentions import Mentions
from rsidx.exporters.context.named import Named
from rsidx.exporters.context.near import Near
from rsidx.exporters.edits.earlier import EarlierEdits
from rsidx.exporters.edits.edit import Edit, Place, Surroundings
from rsidx.exporters.edits.line_ends import line_ends_of
from rsidx.exporters.edits.order import in_order
from rsidx.exporters.edits.place import place_of_hole
from rsidx.exporters.edits.progress import NONE, Progress
from rsidx.exporters.edits.side_texts import SideTexts
from rsidx.exporters.edits.snapshot import Snapshot
from rsidx.exporters.edits.so_far import SoFar
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.examples.given import Given, given_of
from rsidx.exporters.examples.kind import LEVELS
from rsidx.exporters.examples.redaction import without_people
from rsidx.exporters.filters.licenses import Licenses
from rsidx.exporters.kinds import KINDS
from rsidx.exporters.pipeline.examples import ExampleBuilder
from rsidx.exporters.pipeline.needs import NO_NEEDS, NamesMade, Needs, NeedsFinder
from rsidx.exporters.pipeline.selection import EditSelector, Selection
from rsidx.exporters.resolver.files import modules_of
from rsidx.exporters.resolver.references import Resolver
from rsidx.store.reader import Reader
from rsidx.store.records import ChangeRow, ChunkRow, CommitRow


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft, counts of the references of its code, by kind and outcome, and what it needed."""

    draft: Draft
    references: Counter[str]
    needs: Needs = NO_NEEDS


class Drafter:
    """Gives edits their message and context: the edits of a commit, or one still to be made.

    It has one tree at a time: that of a commit's first parent, or the one that `move_to` went to.
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
        self._texts = texts
        self._config = config
        self._looks_at_answer = config.context_from == "answer"
        self._licenses = licenses
        self._selector = selector
        self._builder = builder
        self._shows_file = KINDS[config.kind].is_edit and config.level == LEVELS[0]
        self._shows_commit = "commit" in config.earlier
        self._snapshot = Snapshot(reader)
        self.resolver = Resolver(reader)
        self.mentions = Mentions(reader, self.resolver.modules)
        self._needs = NeedsFinder(self.resolver, self.mentions)
        self._folder = Folder(self.resolver, self.mentions)
        self._named = Named(self.resolver)
        self._near = Near(reader, self.resolver, self.mentions)
        self._made = Made(reader, self.resolver.modules)
        self._context = ContextBuilder(reader, self.resolver, frozenset(config.context_with))
        self._repository = reader.repository_name()
        self._commit: CommitRow | None = None
        self._earlier = EarlierEdits(reader, self._edits_before, texts.text, config.max_chars // 2)

    @property
    def files(self) -> dict[int, int]:
        """The current tree: path → blob."""
        return self._snapshot.files

    def of_commit(
        self, commit: CommitRow, selection: Selection
    ) -> tuple[list[Drafted], Counter[str]]:
        """Return the drafts of a commit's edits that have rows, and what was left out.

        They are in the order in which they are made. Counts `context_license`.
        """
        self._snapshot.move_before(commit)
        self._move_resolver()
        changes = self._reader.changes(commit.id)
        edits: Sequence[Edit] = selection.edits
        without_rows: frozenset[Edit] = frozenset()
        uses: dict[int, set[int]] = {}
        if self._shows_file:
            without_rows = frozenset(selection.others)
            edits = (*edits, *selection.others)
            uses = self._uses(edits, changes)
            edits = self._ordered(edits, uses)
        message = without_people(self._reader.message(commit.id))
        parent = self._reader.commit(commit.parents[0]) if commit.parents else None
        renames = _renames(changes)
        progress = Progress(self._reader, changes, edits) if self._shows_file else None
        names = NamesMade(self._reader, edits) if self._shows_file else None
        drafts = []
        dropped: Counter[str] = Counter()
        for number, edit in enumerate(edits):
            if edit in without_rows:
                continue
            # The search for the earlier edits of the draft before may have moved it.
            self._licenses.move_to(commit)
            n_made = number if self._shows_commit else NONE
            around = progress.around(number, n_made=n_made) if progress is not None else None
            made = SoFar()
            if progress is not None and self._shows_commit:
                made = self._so_far(progress.so_far(n_made=number), uses)
            drafted, left_out = self._draft(edit, self._place(edit), message, around, made)
            dropped += left_out
            if edit.old and edit.new and (edit.old.path_id, edit.new.path_id) in renames:
                drafted = replace(drafted, draft=replace(drafted.draft, is_rename=True))
            line_ends = self._line_ends(commit, edit)
            given = self._given(commit, edit)
            draft = replace(drafted.draft, line_ends=line_ends, given=given, commit=commit.oid)
            drafted = replace(drafted, draft=draft)
            if names is not None:
                drafted = replace(drafted, needs=self._needs.of(edit, names))
            drafts.append(self._with_earlier(drafted, parent))
        return drafts, dropped

    def in_order(self, edits: Sequence[Edit], changes: Sequence[ChangeRow]) -> tuple[Edit, ...]:
        """Return edits of the current tree in the order in which they are made."""
        return self._ordered(edits, self._uses(edits, changes))

    def move_to(
        self,
        commit: CommitRow,
        overlay: Mapping[int, int | None],
        edited: Mapping[int, int | None] | None = None,
    ) -> None:
        """Go to a commit's tree with some files replaced (path → blob) or gone (None).

        `edited` are files that edits have replaced since: names mean what they did before these.
        """
        self._commit = commit
        self._licenses.move_to_overlay(commit, overlay, {**overlay, **(edited or {})})
        self._snapshot.move_to(commit)
        self._snapshot.overlay(overlay)
        self._move_resolver()

    def of_prompt(
        self,
        edit: Edit,
        message: str,
        around: Surroundings | None = None,
        made: SoFar | None = None,
        changes: Sequence[ChangeRow] = (),
    ) -> Draft:
        """Return the draft of an edit that is still to be made.

        `around` is the file around its place, as what is `made` of `changes` so far left it.
        """
        if not self._shows_file:
            around = None
        if made is None or not self._shows_file or not self._shows_commit:
            made = SoFar()
        made = self._so_far(made, self._uses(made.edits, changes))
        drafted, _ = self._draft(edit, edit.place, without_people(message), around, made)
        return self._with_earlier(drafted, self._commit).draft

    def at_hole(self, path_id: int, file: bytes, offset: int) -> Place:
        """Return the place of the edit that filling a hole in a file will be."""
        return place_of_hole(self._reader, path_id, self.files.get(path_id), file, offset)

    def _place(self, edit: Edit) -> Place:
        """Return the place that an edit is asked for at; that of a hole is the hole's."""
        file = self._builder.file_without_hole(edit)
        return edit.place if file is None else self.at_hole(edit.path_id, *file)

    def _move_resolver(self) -> None:
        self.resolver.move(self._snapshot.files, self._snapshot.pop_changed_paths())
        self._near.forget()
        self._folder.forget()
        self._named.forget()

    def _likely(self, place: Place, message: str, around: Surroundings | None) -> Iterator[Likely]:
        """Yield what an edit at a place is likely to need."""
        yield from self._named.of(place, self._builder.message(message)[0])
        if around is not None:
            yield from self._near.of(place, around)
        yield from self._folder.of(place)

    def _edits_before(self, commit: CommitRow) -> tuple[Edit, ...]:
        """Return a commit's edits that a later edit may show; none of them is a no-op."""
        return tuple(edit for edit in self._selector.of(commit).edits if not edit.is_no_op)

    def _given(self, commit: CommitRow, edit: Edit) -> Given | None:
        """Return what a row says of an addition."""
        if not self._shows_file or edit.new is None:
            return None
        where = f"{self._config.seed}\0{commit.oid.hex()}\0{self._path(edit.path_id)}"
        where += f"\0{edit.new.start}"
        return given_of(self._reader, edit, self._config.given, where)

    def _is_test(self, edit: Edit) -> bool:
        return edit.place.is_test or self.resolver.modules.is_test(edit.place.old_path_id)

    def _uses(self, edits: Sequence[Edit], changes: Sequence[ChangeRow]) -> dict[int, set[int]]:
        """Return which of the files of edits each imports something from."""
        if not self._shows_file:
            return {}
        paths = {edit.path_id for edit in edits}
        old_names = {one.path_id: one.old_path_id or one.path_id for one in changes}
        return self._files_used({path: old for path, old in old_names.items() if path in paths})

    def _ordered(self, edits: Sequence[Edit], uses: Mapping[int, set[int]]) -> tuple[Edit, ...]:
        return in_order(edits, self._reader.path, self._is_test, uses)

    def _so_far(self, made: SoFar, uses: Mapping[int, set[int]]) -> SoFar:
        """Return what was made in the order in which it is made."""
        return replace(made, edits=self._ordered(made.edits, uses))

    def _files_used(self, files: Mapping[int, int]) -> dict[int, set[int]]:
        """Return which of some files each imports something from, by their new names.

        `files` maps those to the names that the tree has.
        """
        if len(files) < 2:
            return {}
        new_names = {old: new for new, old in files.items()}
        found: dict[int, set[int]] = {}
        for new, old in files.items():
            file = self.resolver.modules.file(old)
            chunks = [c for c in file.chunks if c.kind == "imports"] if file is not None else []
            for site, references in self.mentions.of_chunks(old, chunks):
                definitions, _ = self.resolver.resolve(site, references)
                used = {one.definition.path_id for one in definitions} & new_names.keys()
                found.setdefault(new, set()).update(new_names[path] for path in used)
        return found

    def _with_earlier(self, drafted: Drafted, newest: CommitRow | None) -> Drafted:
        """Return a draft with the earlier edits of its file, up to the commit `newest`."""
        side = drafted.draft.edit.old
        if "history" not in self._config.earlier or side is None:
            return drafted
        earlier = self._earlier.of_history(newest, side.path_id)
        return replace(drafted, draft=replace(drafted.draft, earlier=tuple(earlier)))

    def _draft(
        self,
        edit: Edit,
        place: Place,
        message: str,
        around: Surroundings | None,
        made: SoFar,
    ) -> tuple[Drafted, Counter[str]]:
        is_in_tests = self.resolver.modules.is_test(place.old_path_id)
        place = replace(place, is_test=place.is_test or is_in_tests)
        around = self._allowed(around, place)
        mentions = self.mentions.of_place(place, edit if self._looks_at_answer else None)
        found = self._context.candidates(
            mentions,
            own=place.old,
            insertion=place.insertion,
            has_outline=not self._shows_file,
            likely=self._likely(place, message, around) if self._shows_file else (),
            changed=made.gone,
        )
        shown = self._made.excerpts(made, place.path_id, found.changed)
        candidates = [*shown, *found.excerpts]
        excerpts = [
            excerpt
            for excerpt in candidates
            if self._licenses.allow(excerpt.path_id, before=excerpt.rule != EARLIER_RULE)
        ]
        draft = Draft(
            repository=self._repository,
            path=self._path(place.path_id),
            old_path=self._path(edit.old.path_id) if edit.old else "",
            module=self._module(place),
            message=message,
            place=place,
            edit=replace(edit, is_test=edit.is_test or is_in_tests),
            excerpts=tuple(excerpts),
            excerpt_paths=tuple(self._path(excerpt.path_id) for excerpt in excerpts),
            surroundings=around,
            replaced=tuple((one.old, one.new) for one in made.edits if one.old and one.new),
        )
        dropped = Counter(context_license=len(candidates) - len(excerpts))
        return Drafted(draft, found.references), dropped

    def _allowed(self, around: Surroundings | None, place: Place) -> Surroundings | None:
        """Return the file around a place without what stood there under a licence not allowed."""
        if around is None or self._licenses.allow(place.old_path_id, before=True):
            return around
        blob_id = self.files.get(place.old_path_id)
        before, behind = (
            tuple(side for side in sides if side.blob_id != blob_id)
            for sides in (around.before, around.behind)
        )
        return Surroundings(before, behind)

    def _line_ends(self, commit: CommitRow, edit: Edit) -> str | None:
        """Return the line ends that an edit's new code is to have, None for its own.

        They are those of its old code, of an addition those of the old file.
        """
        if self._config.line_ends != "old" or edit.new is None:
            return None
        if edit.old is not None:
            return line_ends_of(self._texts.text(edit.old))
        before = {
            change.path_id: change.old_blob_id for change in self._reader.changes(commit.id)
        }.get(edit.new.path_id)
        chunks = self._reader.chunks(before) if before is not None else ()
        # Its first lines decide.
        first = next((text for text in map(self._text_of, chunks) if b"\n" in text), b"")
        return line_ends_of(first[: first.find(b"\n") + 1])

    def _text_of(self, chunk: ChunkRow) -> bytes:
        return self._reader.text(chunk.id)

    def _path(self, path_id: int) -> str:
        return self._reader.path(path_id).decode("utf-8", "replace")

    def _module(self, place: Place) -> str:
        home = self.resolver.modules.expected_module(place.path_id)
        names = home.names if home is not None else ()
        return "::".join((*names, *modules_of(place.container)))


def _renames(changes: Sequence[ChangeRow]) -> set[tuple[int, int]]:
    """Return the old and the new path of each file that has a new name, and none at its old one."""
    there = {change.path_id for change in changes if change.new_blob_id is not None}
    return {
        (change.old_path_id, change.path_id)
        for change in changes
        if change.old_path_id is not None and change.old_path_id not in there
    }
