"""From commits to examples: edits, their parts, their context."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rsidx.exporters.context.builder import ContextBuilder
from rsidx.exporters.edits.earlier import EarlierEdit, EarlierEdits, definitions_first
from rsidx.exporters.edits.no_op import no_op_edits
from rsidx.exporters.edits.pairing import Edit, Side, commit_edits, edit_of, file_edits, same_tokens
from rsidx.exporters.edits.snapshot import Snapshot
from rsidx.exporters.edits.splitting import Part, UnsplittableError, split
from rsidx.exporters.examples.example import Example
from rsidx.exporters.examples.redaction import (
    Redactor,
    is_only_secrets,
    whole_placeholders,
    without_people,
)
from rsidx.exporters.filters.gitattributes import Attributes
from rsidx.exporters.filters.hygiene import (
    broken_rules,
    is_generated,
    is_uninformative,
    is_vendored,
)
from rsidx.exporters.filters.licenses import Licenses
from rsidx.exporters.resolver.files import modules_of
from rsidx.exporters.resolver.references import CodeLocation, Resolver
from rsidx.store.reader import Reader
from rsidx.store.records import ChangeRow, ChunkRow, CommitRow, Import, Reference

_MAX_MESSAGE_CHARS = 1000


@dataclass(frozen=True, slots=True)
class Options:
    """What examples are built from; sizes in characters of source."""

    keep: frozenset[str]
    max_chars: int
    max_files: int
    min_message: int
    context_at: str
    context_from: str
    extras: frozenset[str] = frozenset()
    level: str = "item"
    no_edit: float = 0.0
    earlier: frozenset[str] = frozenset()
    seed: int = 0
    licenses: tuple[str, ...] = ()


class ExampleBuilder:
    """Builds the examples of one commit after another.

    `dropped` counts what was left out, by reason; `resolver` stands at the snapshot of the
    commit that was built last.
    """

    def __init__(self, reader: Reader, options: Options) -> None:
        self._reader = reader
        self._options = options
        self._snapshot = Snapshot(reader)
        self.resolver = Resolver(reader)
        self._context = ContextBuilder(reader, self.resolver, options.extras)
        self._repository = reader.repository_name()
        self._attributes = Attributes(reader)
        self._licenses = Licenses(reader, options.licenses)
        self._redactor = Redactor(reader.blob_text) if "secrets" not in options.keep else None
        self._standing: CommitRow | None = None
        self._earlier = EarlierEdits(reader, self._edits_before, self.text, options.max_chars // 2)
        self.dropped: Counter[str] = Counter()

    @property
    def files(self) -> dict[int, int]:
        """The snapshot that the resolver stands at: path → blob."""
        return self._snapshot.files

    def edits(self, commit: CommitRow) -> tuple[Edit, ...]:
        """Return the edits of a commit that pass the filters."""
        self._attributes.stand_at(commit)
        self._licenses.stand_at(commit)
        changes = self._reader.changes(commit.id)
        n_files = sum(self._is_rust(change) for change in changes)
        if n_files > self._options.max_files and "bulk" not in self._options.keep:
            self.dropped["commits_bulk"] += 1
            return ()
        message = without_people(self._reader.message(commit.id))
        if "messages" not in self._options.keep and is_uninformative(
            message, self._options.min_message
        ):
            self.dropped["commits_messages"] += 1
            return ()
        if self._options.level == "file":
            found = file_edits(self._reader, changes)
        else:
            found = commit_edits(self._reader, changes, max_bytes=self._options.max_chars)
        self.dropped.update({f"edits_{reason}": n for reason, n in found.dropped.items()})
        edits = [edit for edit in found.edits if self._passes(edit)]
        return (*edits, *self._unchanged(commit, changes, len(edits)))

    def _edits_before(self, commit: CommitRow) -> tuple[Edit, ...]:
        """Return a commit's edits, to be shown before those of a later one; counts nothing."""
        counted, self.dropped = self.dropped, Counter()
        try:
            return tuple(edit for edit in self.edits(commit) if not edit.is_no_op)
        finally:
            self.dropped = counted

    def _unchanged(
        self, commit: CommitRow, changes: Sequence[ChangeRow], n_edits: int
    ) -> Iterator[Edit]:
        """Yield no-op edits, as many as make up the share that is asked for."""
        share = self._options.no_edit
        where = f"{self._options.seed}\0{commit.oid.hex()}"
        n_expected = n_edits * share / (1 - share)
        for edit in no_op_edits(self._reader, changes, n_expected, where):
            reason = self._unfit(edit, self.text(edit.new))
            if reason is None:
                yield edit
            else:
                self.dropped[f"edits_{reason}"] += 1

    def _is_rust(self, change: ChangeRow) -> bool:
        return self._reader.path(change.path_id).endswith(b".rs")

    def _passes(self, edit: Edit) -> bool:
        keep = self._options.keep
        old, new = self.text(edit.old), self.text(edit.new)
        reason = self._unfit(edit, new or old)
        if reason is not None:
            self.dropped[f"edits_{reason}"] += 1
            return False
        if edit.new is None and "deletions" not in keep:
            self.dropped["edits_deletions"] += 1
            return False
        if edit.change == "modify" and same_tokens(old, new) and "formatting" not in keep:
            self.dropped["edits_formatting"] += 1
            return False
        if not old.strip() and not new.strip():
            self.dropped["edits_blank"] += 1
            return False
        return True

    def _unfit(self, edit: Edit, text: bytes) -> str | None:
        """Return the rule that leaves an edit out, None if it keeps all of them.

        `license`: one of its sides is under no allowed licence.
        """
        keep = self._options.keep
        side = edit.new or edit.old
        assert side is not None
        if not self._licenses.allow_edit(edit):
            return "license"
        path = self._reader.path(side.path_id)
        has = self._attributes.has
        if "vendored" not in keep and (is_vendored(path) or has("linguist-vendored", path)):
            return "vendored"
        if "generated" not in keep and (
            is_generated(path, self._head(side.blob_id)) or has("linguist-generated", path)
        ):
            return "generated"
        return next((rule for rule in broken_rules(text) if rule not in keep), None)

    def _head(self, blob_id: int) -> bytes:
        chunks = self._reader.chunks(blob_id)
        return self._reader.text(chunks[0].id) if chunks else b""

    def text(self, side: Side | None) -> bytes:
        """Return a side's text; empty where there is none."""
        if side is None:
            return b""
        return b"".join(self._reader.text(chunk.id) for chunk in side.chunks)

    def examples(self, commit: CommitRow, edits: Sequence[Edit]) -> Iterator[Example]:
        """Yield an example for each edit, with context at the chosen moment, still whole.

        `parts` divides it and gives it its texts.
        """
        uses: dict[Edit, frozenset[Edit]] = {}
        if "commit" in self._options.earlier:
            uses = self._uses(commit, edits)
            edits = definitions_first(edits, uses)
        at_commit = self._options.context_at == "commit"
        if at_commit:
            self._snapshot.move_to(commit)
        else:
            self._snapshot.move_before(commit)
        self.resolver.move(self._snapshot.files, self._snapshot.pop_changed_paths())
        message = self._message(commit)
        parent = self._reader.commit(commit.parents[0]) if commit.parents else None
        numbers = {edit: number for number, edit in enumerate(edits)} if uses else {}
        for number, edit in enumerate(edits):
            # Finding the last example's earlier edits may have moved it.
            self._licenses.stand_at(commit)
            own = edit.new if at_commit else edit.old
            example = self._example(edit, own, message)
            earlier: list[EarlierEdit] = []
            if "commit" in self._options.earlier:
                used = [numbers[one] for one in uses.get(edit, ())]
                earlier += self._earlier.of_commit(commit, edits, number, used)
            yield self._redacted(self._behind(example, earlier, parent))

    def _redacted(self, whole: Example) -> Example:
        """Return an example without secrets, its message cut."""
        if self._redactor is not None:
            whole = self._redactor.whole(whole)
        return replace(whole, message=_cut(whole.message))

    def _behind(
        self, example: Example, earlier: list[EarlierEdit], newest: CommitRow | None
    ) -> Example:
        """Return an example with the earlier edits that it may be shown with."""
        side = example.edit.old
        if "history" in self._options.earlier and side is not None:
            earlier = [*earlier, *self._earlier.of_history(newest, side.path_id)]
        return replace(example, earlier=tuple(earlier)) if earlier else example

    def _uses(self, commit: CommitRow, edits: Sequence[Edit]) -> dict[Edit, frozenset[Edit]]:
        """Return which of a commit's edits each of them refers to, as the commit left the code."""
        self._snapshot.move_to(commit)
        self.resolver.move(self._snapshot.files, self._snapshot.pop_changed_paths())
        counted = self.resolver.outcomes.copy()
        homes = {
            (edit.new.path_id, edit.new.position + number): edit
            for edit in edits
            if edit.new is not None
            for number in range(len(edit.new.chunks))
        }
        uses = {}
        for edit in edits:
            found = set()
            for site, references in self._mentions_of(edit.new) if edit.new else ():
                for resolved in self.resolver.resolve(site, references):
                    one = resolved.definition
                    found.add(homes.get((one.path_id, one.index)))
            uses[edit] = frozenset(used for used in found if used is not None and used != edit)
        self.resolver.outcomes.clear()
        self.resolver.outcomes.update(counted)
        return uses

    def _mentions_of(self, side: Side) -> Iterator[tuple[CodeLocation, list[Reference]]]:
        """Yield what code mentions where it stands, by container."""
        for container, inside in _by_container(side.chunks).items():
            yield (
                CodeLocation(side.path_id, container, self._imports(inside)),
                self._references(inside),
            )

    def stand_at(self, commit: CommitRow, overlay: Mapping[int, int | None]) -> None:
        """Go to a commit's tree with some files replaced (path → blob), or gone (None)."""
        self._standing = commit
        self._licenses.stand_on(commit, overlay)
        self._snapshot.move_to(commit)
        self._snapshot.overlay(overlay)
        self.resolver.move(self._snapshot.files, self._snapshot.pop_changed_paths())

    def example_at(self, side: Side, message: str) -> Example:
        """Return the example of an edit that is still to be made where the builder stands."""
        example = self._example(edit_of(self._reader, side), side, message.replace("\r\n", "\n"))
        return self._redacted(self._behind(example, [], self._standing))

    def _example(self, edit: Edit, own: Side | None, message: str) -> Example:
        shown = edit.new or edit.old
        assert shown is not None
        place = own or shown
        mentions = self.mentions(edit, place.path_id)
        found = self._context.candidates(mentions, own=own)
        excerpts = [
            excerpt
            for excerpt in found
            if self._licenses.allow(excerpt.path_id, before=self._options.context_at != "commit")
        ]
        self.dropped["context_license"] += len(found) - len(excerpts)
        return Example(
            repository=self._repository,
            path=self._path(shown.path_id),
            old_path=self._path(edit.old.path_id) if edit.old else "",
            module=self._module(edit, shown),
            message=message,
            edit=edit,
            part=Part(0, 0, 0, 0, 0),
            part_number=0,
            n_parts=0,
            old="",
            lead="",
            new="",
            excerpts=tuple(excerpts),
            excerpt_paths=tuple(self._path(excerpt.path_id) for excerpt in excerpts),
        )

    def parts(self, example: Example, max_chars: int, dropped: Counter[str]) -> list[Example]:
        """Return an example for each part of its edit, each side at most so long.

        Counted in `dropped`: `examples_unsplittable` and `parts_deletions`.
        """
        edit = example.edit
        old, new = self.text(edit.old), self.text(edit.new)
        is_short = max(len(old), len(new)) <= max_chars
        breaks = ([], []) if is_short else (self.breaks(edit.old), self.breaks(edit.new))
        try:
            parts = split(old, new, *breaks, max_chars=max_chars)
        except UnsplittableError:
            dropped["examples_unsplittable"] += 1
            return []
        kept = [part for part in parts if part.new_end > part.new_start or edit.new is None]
        dropped["parts_deletions"] += len(parts) - len(kept)
        examples = [
            replace(
                example.naming(
                    old[part.old_start : part.old_end] + b" " + new[part.lead_start : part.new_end]
                )
                if len(kept) > 1
                else example,
                part=part,
                part_number=number,
                n_parts=len(kept),
                old=old[part.old_start : part.old_end].decode("utf-8"),
                lead=new[part.lead_start : part.new_start].decode("utf-8"),
                new=new[part.new_start : part.new_end].decode("utf-8"),
            )
            for number, part in enumerate(kept)
        ]
        return self.without_secrets(examples, dropped)

    def without_secrets(self, parts: list[Example], dropped: Counter[str]) -> list[Example]:
        """Return the parts of an example with the secrets in their own texts replaced.

        Counted in `dropped`: `parts_only_secrets`, those with nothing left to learn.
        """
        if self._redactor is None:
            return parts
        redacted = [self._redactor.part(part) for part in parts]
        kept = [part for part in redacted if not is_only_secrets(part)]
        dropped["parts_only_secrets"] += len(parts) - len(kept)
        return kept

    def cuts_secret(self, blob_id: int, bounds: Sequence[int]) -> bool:
        """Tell whether one of some offsets in a blob is inside of a secret that is replaced."""
        return self._redactor is not None and self._redactor.cuts(blob_id, bounds)

    def license_of(self, commit: CommitRow, edit: Edit) -> str | None:
        """Return the licence of a commit's edit, None if it is unknown."""
        self._licenses.stand_at(commit)
        return self._licenses.of_edit(edit)

    def breaks(self, side: Side | None) -> list[tuple[int, int]]:
        """Return where a side may be cut: (byte offset, depth)."""
        breaks: list[tuple[int, int]] = []
        start = 0
        for chunk in side.chunks if side else ():
            breaks.append((start, 0))
            breaks += [(start + offset, depth) for offset, depth in self._reader.breaks(chunk.id)]
            start += chunk.n_bytes
        return breaks

    def mentions(self, edit: Edit, path_id: int) -> list[tuple[CodeLocation, list[Reference]]]:
        """Return what an edit mentions, what it imports included, by where that is read.

        The code is read in the file `path_id`, with what the new version of the file imports
        in addition. The order is fixed.
        """
        sides = (edit.old,) if self._options.context_from == "old" else (edit.old, edit.new)
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
        if edit.new is None or self._options.context_from == "old":
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

    def _message(self, commit: CommitRow) -> str:
        """Return a commit's whole message without the carriage returns that browsers add."""
        message = without_people(self._reader.message(commit.id)).replace("\r\n", "\n")
        self.dropped["messages_cut"] += len(message) > _MAX_MESSAGE_CHARS
        return message


def _cut(message: str) -> str:
    if len(message) <= _MAX_MESSAGE_CHARS:
        return message
    cut = whole_placeholders(message[:_MAX_MESSAGE_CHARS])
    return cut.rsplit("\n", 1)[0].rstrip() or cut


def _by_container(chunks: Iterable[ChunkRow]) -> dict[str, list[ChunkRow]]:
    found: dict[str, list[ChunkRow]] = {}
    for chunk in chunks:
        found.setdefault(chunk.container, []).append(chunk)
    return found
