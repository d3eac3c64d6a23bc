"""The edits of a commit that pass the filters."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import orjson

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.edits.edit import Edit, Side
from rsidx.exporters.edits.left_out import LeftOut
from rsidx.exporters.edits.no_op import no_op_edits
from rsidx.exporters.edits.pairing import CommitEdits, commit_edits, file_edits
from rsidx.exporters.edits.side_texts import SideTexts
from rsidx.exporters.edits.tiny import tiny_kind
from rsidx.exporters.examples.message import tidy
from rsidx.exporters.examples.redaction import without_people
from rsidx.exporters.filters.added_crates import AddedCrates
from rsidx.exporters.filters.filter import CommitView, EditView
from rsidx.exporters.filters.gitattributes import Attributes
from rsidx.exporters.filters.licenses import Licenses
from rsidx.exporters.filters.limit import OVER_LIMIT, within_limit
from rsidx.exporters.filters.registry import Filters
from rsidx.exporters.kinds import KINDS
from rsidx.store.reader import Reader
from rsidx.store.records import ChangeRow, CommitRow, Import

_EDITS_KEPT = 1000
_MANIFEST = b"Cargo.toml"
_NOT_COMPARED = "items_not_compared"


@dataclass(frozen=True, slots=True)
class Selection:
    """A commit's edits that pass the filters, behind them no-op edits, and what is left out.

    `others` are the edits that have no rows. They are made, too, each in its turn: the file that a
    row shows is one that there was.
    """

    edits: tuple[Edit, ...] = ()
    others: tuple[Edit, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class EditSelector:
    """Finds a commit's edits, and leaves out what the filters reject."""

    def __init__(
        self, reader: Reader, texts: SideTexts, licenses: Licenses, config: ExportConfig
    ) -> None:
        self._reader = reader
        self._texts = texts
        self._licenses = licenses
        self._config = config
        self._level = KINDS[config.kind].level or config.level
        self._attributes = Attributes(reader)
        # The filters ask, and so does who writes the row.
        self.tiny = lru_cache(_EDITS_KEPT)(self._tiny)
        self._crates = AddedCrates(reader)
        self._of_commits = Filters("commit", config.keep)
        self._of_edits = Filters("edit", config.keep, config.leave_out)

    def of(self, commit: CommitRow) -> Selection:
        """Return a commit's edits; of a commit that is left out there are none."""
        self._attributes.move_to(commit)
        self._licenses.move_to(commit)
        changes = self._reader.changes(commit.id)
        view = CommitView(
            tidy(
                without_people(self._reader.message(commit.id)),
                keeps_numbers=self._config.message_numbers,
            ),
            sum(self._is_rust(change) for change in changes),
            frozenset(self._packages(changes)),
            self._config.max_files,
            self._config.min_message,
        )
        reason = self._of_commits.reason(view)
        if reason is not None:
            return Selection(left_out=(LeftOut(f"commits_{reason}"),))
        if self._level == "file":
            changed = file_edits(self._reader, changes)
        else:
            changed = self.changed(changes)
        left_out = [replace(one, reason=f"edits_{one.reason}") for one in changed.left_out]
        # They have rows, as additions; what they came from may not have been compared with them.
        left_out += [LeftOut(_NOT_COMPARED)] * changed.n_not_compared
        self._crates.move_to(commit, view.message)
        edits = self._within_limit(commit, self._accepted(changed.edits, left_out), left_out)
        others = dict.fromkeys(changed.edits)
        for edit in edits:
            del others[edit]
        no_ops = self._accepted(self._no_ops(commit, changes, len(edits)), left_out)
        return Selection((*edits, *no_ops), tuple(others), tuple(left_out))

    def changed(self, changes: Sequence[ChangeRow]) -> CommitEdits:
        """Return the edits of items that changes are, before any filter."""
        most = self._config.max_chars
        if KINDS[self._config.kind].divides:
            return commit_edits(self._reader, changes, new_file_bytes=most)
        return commit_edits(self._reader, changes, max_bytes=most)

    def _within_limit(
        self, commit: CommitRow, edits: Sequence[Edit], left_out: list[LeftOut]
    ) -> list[Edit]:
        """Return the edits within a commit's limit, and add the others to `left_out`."""
        limit, where = self._config.max_edits_per_commit, commit.oid.hex()
        edits, beyond = within_limit(edits, limit, where, self._reader.path)
        reason = f"edits_{OVER_LIMIT.name}"
        left_out += [LeftOut(reason, edit.path_id, edit.name) for edit in beyond]
        return edits

    def _no_ops(
        self, commit: CommitRow, changes: Sequence[ChangeRow], n_edits: int
    ) -> Sequence[Edit]:
        """Return as many no-op edits as `no_edit` asks for, as a share of all edits."""
        share = self._config.no_edit
        where = f"{self._config.seed}\0{commit.oid.hex()}"
        return no_op_edits(self._reader, changes, n_edits * share / (1 - share), where)

    def _is_rust(self, change: ChangeRow) -> bool:
        return self._reader.path(change.path_id).endswith(b".rs")

    def _packages(self, changes: Sequence[ChangeRow]) -> Iterator[str]:
        """Yield the names of the packages whose manifests change."""
        for change in changes:
            path = self._reader.path(change.path_id)
            if change.new_blob_id is None or path.rpartition(b"/")[2] != _MANIFEST:
                continue
            facts = orjson.loads(self._reader.manifest(change.new_blob_id) or "{}")
            name = facts.get("package", {}).get("name")
            if isinstance(name, str):
                yield name.casefold()

    def _accepted(self, edits: Sequence[Edit], left_out: list[LeftOut]) -> list[Edit]:
        """Return the edits that no filter rejects, and add the others to `left_out`."""
        accepted = []
        for edit in edits:
            reason = self._of_edits.reason(self._view(edit))
            if reason is None:
                accepted.append(edit)
            else:
                left_out.append(LeftOut(f"edits_{reason}", edit.path_id, edit.name))
        return accepted

    def _view(self, edit: Edit) -> EditView:
        side = edit.new or edit.old
        assert side is not None
        path = self._reader.path(side.path_id)
        old, new = self._texts.text(edit.old), self._texts.text(edit.new)
        return EditView(
            edit=edit,
            path=path,
            old_path=self._reader.path(edit.old.path_id) if edit.old is not None else b"",
            old=old,
            new=new,
            head=partial(self._head, side.blob_id),
            has_attribute=partial(self._attributes.has, path=path),
            is_foreign=lambda: edit.new is not None and self._crates.has(edit.new.path_id),
            is_licensed=partial(self._licenses.allow_edit, edit),
            tiny=partial(self.tiny, edit),
            has_same_imports=partial(self._has_same_imports, edit),
            errors=partial(self._reader.syntax_errors, side.blob_id),
            n_bytes=lambda: self._reader.blob(side.blob_id).n_bytes,
        )

    def _tiny(self, edit: Edit) -> str | None:
        """Return what alone an edit changes if that is next to nothing, else None."""
        if edit.old is None or edit.new is None or edit.is_no_op:
            return None
        return tiny_kind(self._texts.text(edit.old), self._texts.text(edit.new))

    def _has_same_imports(self, edit: Edit) -> bool:
        """Tell whether an edit is of imports, and leaves them the same but for their order."""
        if edit.kind != "imports" or edit.old is None or edit.new is None or edit.is_no_op:
            return False
        before, after = (self._imports(side) for side in (edit.old, edit.new))
        return bool(before) and before == after

    def _imports(self, side: Side) -> Counter[tuple[bool, Import]]:
        """Return the imports of a side, each with whether it is an `extern crate`."""
        return Counter(
            (b"extern crate" in text, item)
            for chunk in side.chunks
            for text in (self._reader.text(chunk.id),)
            for item in self._reader.imports(chunk.id)
        )

    def _head(self, blob_id: int) -> bytes:
        chunks = self._reader.chunks(blob_id)
        return self._reader.text(chunks[0].id) if chunks else b""
