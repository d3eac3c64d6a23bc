"""Meta lines: where a row is from, what it shows, and what its tokens are for."""

import hashlib
from array import array
from collections.abc import Sequence
from typing import Any

import orjson

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.context.around import Block
from rsidx.exporters.context.excerpts import Brace
from rsidx.exporters.context.made import EARLIER_RULE
from rsidx.exporters.edits.earlier import EarlierEdit
from rsidx.exporters.edits.edit import Side
from rsidx.exporters.examples.draft import Draft
from rsidx.exporters.filters.licenses import Licenses
from rsidx.exporters.pipeline.address import Addresses
from rsidx.exporters.pipeline.needs import Needs, labels_of
from rsidx.exporters.pipeline.result import TokenizedRow
from rsidx.exporters.rendering.renderer import Row
from rsidx.store.dates import spelled
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow

_ID_BYTES = 12


class Meta:
    """Makes the meta lines of rows."""

    def __init__(self, reader: Reader, config: ExportConfig, licenses: Licenses) -> None:
        self._reader = reader
        self._config = config
        self._licenses = licenses
        self._addresses = Addresses(reader)

    def of(self, commit: CommitRow, row: Row, needs: Needs) -> dict[str, Any]:
        """Return the meta line of a row of a commit's edit."""
        example = row.example
        draft, part = example.draft, example.part
        edit = draft.edit
        has_old = example.code.has_old
        self._licenses.move_to(commit)
        old = self._range(edit.old, part.old_start, part.old_end) if has_old else None
        new = self._range(edit.new, part.new_start, part.new_end)
        level = "file" if edit.kind == "file" else "item"
        kind = self._config.kind if self._config.kind != "edit" else level
        places = (draft.old_path, old), (draft.path, new)
        meta: dict[str, Any] = {
            "id": row_id(kind, commit.oid.hex(), *places, variant=example.code.variant),
            "commit": commit.oid.hex(),
            "parent": commit.parents[0].hex() if commit.parents else None,
            "time": spelled(commit.committer_time),
            "path": draft.path,
            "old_path": draft.old_path or None,
            "symbol": edit.name,
            "container": edit.container,
            "kind": edit.kind,
            "change": "none" if edit.is_no_op else edit.change,
            "is_test": edit.is_test,
            "license": self._licenses.of_edit(edit),
            "part": [example.part_number + 1, example.n_parts],
            "old": old,
            "new": new,
            "context": [
                self._excerpt(draft, index, n_tokens)
                for index, n_tokens in zip(row.chosen.excerpts, row.excerpt_tokens, strict=True)
            ],
            "n_excerpts_left_out": row.n_left_out,
            "n_tokens": row.n_tokens,
            "roles": row.roles,
            "is_redacted": example.is_redacted,
        }
        if draft.given is not None:
            meta["given"] = {draft.given.kind: draft.given.text}
        if self._config.kind == "edit":
            meta["place"] = self._addresses.of(example)
        if draft.surroundings is not None:
            meta["surroundings"] = self._surroundings(row)
            meta["needs"] = labels_of(row, needs)
        if draft.old_path not in ("", draft.path):
            meta["is_rename"] = draft.is_rename
        if example.line_ends is not None:
            meta["line_ends"] = example.line_ends
        meta |= example.code.facts
        if not has_old or example.is_part:
            sides = {"old": edit.old, "new": edit.new}
            meta["edit"] = {
                name: self._range(side, 0, side.n_bytes) if side is not None else None
                for name, side in sides.items()
            }
        if "history" in self._config.earlier:
            meta["earlier"] = [self._earlier(draft.earlier[index]) for index in row.chosen.edits]
        if self._config.text:
            meta["text"] = {"message": draft.message, **example.code.texts}
        return meta

    def _excerpt(self, draft: Draft, index: int, n_tokens: int) -> dict[str, Any]:
        excerpt = draft.excerpts[index]
        meta = {
            "path": draft.excerpt_paths[index],
            "blob": self._reader.blob(excerpt.blob_id).oid.hex(),
            "ranges": excerpt.ranges,
            "section": excerpt.section,
            "symbol": excerpt.symbol,
            "rule": excerpt.rule,
            "form": excerpt.form,
            "n_tokens": n_tokens,
        }
        if excerpt.note:
            meta["note"] = excerpt.note
        if excerpt.gaps:
            meta["gaps"] = excerpt.gaps
        if excerpt.frames:
            meta["frames"] = [
                {"head": self._brace(frame.head), "foot": self._brace(frame.foot)}
                for frame in excerpt.frames
            ]
        return meta

    def _brace(self, brace: Brace) -> dict[str, Any]:
        oid = self._reader.blob(brace.blob_id).oid.hex()
        return {"blob": oid, "start": brace.start, "end": brace.end}

    def _surroundings(self, row: Row) -> dict[str, list[dict[str, Any]]]:
        """Return the ranges that are shown of the file around the place, in their order."""
        around = row.chosen.of(row.example.around)
        return {"before": self._ranges(around.before[::-1]), "behind": self._ranges(around.behind)}

    def _ranges(self, blocks: Sequence[Block]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for block in blocks:
            oid = self._reader.blob(block.blob_id).oid.hex()
            if found and (found[-1]["blob"], found[-1]["end"]) == (oid, block.start):
                found[-1]["end"] = block.end
            else:
                found.append({"blob": oid, "start": block.start, "end": block.end})
        return found

    def _earlier(self, one: EarlierEdit) -> dict[str, Any]:
        return {
            "commit": one.commit.hex(),
            "path": one.path,
            "old_path": one.old_path,
            "old": self._range(one.old, 0, one.old.n_bytes) if one.old is not None else None,
            "new": self._range(one.new, 0, one.new.n_bytes) if one.new is not None else None,
        }

    def _range(self, side: Side | None, start: int, end: int) -> dict[str, Any] | None:
        if side is None:
            return None
        blob = self._reader.blob(side.blob_id).oid.hex()
        return {"blob": blob, "start": side.start + start, "end": side.start + end}


_Place = tuple[str, dict[str, Any] | None]


def row_id(kind: str, commit: str, old: _Place, new: _Place, *, variant: str = "") -> str:
    """Return the id of a row: a digest of what kind of row a commit gives, and of what place.

    `kind` is `item` or `file` for an edit, else that of the export; `old` and `new` are the paths
    and the ranges of the old code that is shown and of the new code; a `variant` tells rows of the
    same place apart. Every export that has a row of a kind there gives it the same id, whatever
    else it is asked for.
    """
    places = "\0".join((commit, old[0], str(old[1]), new[0], str(new[1])))
    # Version 0.1.0 said so of all rows.
    whole = places if kind == "item" else f"{places}\0{kind}"
    whole += f"\0{variant}" if variant else ""
    return hashlib.blake2b(whole.encode("utf-8", "replace"), digest_size=_ID_BYTES).hexdigest()


def tokenized_row(row: Row, meta: dict[str, Any], tiny: str | None) -> TokenizedRow:
    """Return a row as the cache keeps it; `tiny` is what alone its edit changes, if little."""
    brief = {key: meta[key] for key in ("id", "change", "kind", "is_test", "n_tokens")}
    brief["license"] = meta["license"]
    brief["sections"] = [excerpt["section"] for excerpt in meta["context"]]
    brief |= {"year": meta["time"][:4], "path": meta["path"]}
    rules = [excerpt["rule"] for excerpt in meta["context"]]
    brief["n_earlier"] = len(row.chosen.edits) + rules.count(EARLIER_RULE)
    brief["needs"] = {label: len(names) for label, names in meta.get("needs", {}).items()}
    brief["tiny"] = tiny
    brief["has_old_line_ends"] = "line_ends" in meta
    brief["is_blocks"] = "is_blocks" in meta
    brief["verdict"] = meta.get("answer", {}).get("verdict")
    brief["is_message_cut"] = row.example.draft.is_message_cut
    brief["rules"] = rules
    return TokenizedRow(array("I", row.input_ids), row.learned, brief, orjson.dumps(meta))
