"""The edits that an export asks for: its rows, put together again."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import Any

from rsidx.errors import ExportError
from rsidx.exporters.dataset.format import read_manifest
from rsidx.exporters.dataset.reader import read_metas, readable

_ID_BYTES = 12
KINDS = ("edit", "fim")
"""The kinds of export that can be judged: their rows have code that takes a place in a file."""


@dataclass(frozen=True, slots=True)
class CodeRange:
    """Where code stands: bytes of a blob, by its hexadecimal id."""

    blob: str
    start: int
    end: int

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> "CodeRange | None":
        """Return the range that a meta line gives; None for None."""
        return cls(given["blob"], given["start"], given["end"]) if given is not None else None


@dataclass(frozen=True, slots=True)
class EditRow:
    """A row of an edit: what it asks for, and its number in the split, from 0."""

    id: str
    number: int
    old: CodeRange | None
    new: CodeRange | None
    part: tuple[int, int]


@dataclass(frozen=True, slots=True)
class JudgedEdit:
    """An edit of a commit, with the rows that ask for it in the order of its parts.

    `id` is a digest of commit, path and the whole edit's range: the same in every export that has
    the edit. `needs` counts the names that the new code needs, by whether the prompts show them;
    `is_whole` tells whether the rows are all of it; `old` and `new` are the sides of the whole
    edit.
    """

    id: str
    commit: str
    time: str
    path: str
    symbol: str
    kind: str
    change: str
    is_test: bool
    is_hole: bool
    given_name: str
    needs: Mapping[str, int]
    is_whole: bool
    old: CodeRange | None
    new: CodeRange | None
    rows: tuple[EditRow, ...]

    @property
    def n_parts(self) -> int:
        """How many parts the edit is asked for in; a hole is asked for on its own."""
        return 1 if self.is_hole else self.rows[0].part[1]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the rows."""
        return tuple(row.id for row in self.rows)


@dataclass(frozen=True, slots=True)
class EditSet:
    """The edits of a split of an export, in the order of the rows.

    `export` identifies the export: a digest of its files.
    """

    export: str
    split: str
    kind: str
    end_token: str
    edits: tuple[JudgedEdit, ...]


def read_edits(out: Path, split: str) -> EditSet:
    """Read the edits of a split.

    Raises ExportError where `out` is no export, or one of a kind that cannot be judged.
    """
    manifest = read_manifest(out)
    with readable(out):
        kind = str(manifest["config"]["kind"])
        if kind not in KINDS:
            raise ExportError(
                f"{out} has rows of kind {kind}; only {' and '.join(KINDS)} can be judged"
            )
        edits = tuple(_edits(read_metas(out, split), kind))
        end_token = str(manifest["tokenizer"]["end_token"])
        return EditSet(identity_of(manifest), split, kind, end_token, edits)


def identity_of(manifest: Mapping[str, Any]) -> str:
    """Return a digest of an export's files; of the manifest, which has times, only without them."""
    what = manifest.get("files") or manifest
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _edits(metas: Iterable[dict[str, Any]], kind: str) -> Iterator[JudgedEdit]:
    groups: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for number, meta in enumerate(metas):
        groups.setdefault(edit_id(meta, kind), []).append((number, meta))
    for name, group in groups.items():
        group.sort(key=lambda one: one[1]["part"])
        first = group[0][1]
        needs: dict[str, int] = {}
        for _, meta in group:
            for label, names in meta.get("needs", {}).items():
                needs[label] = needs.get(label, 0) + len(names)
        yield JudgedEdit(
            id=name,
            commit=first["commit"],
            time=first["time"],
            path=first["path"],
            symbol=first["symbol"],
            kind=first["kind"],
            change=first["change"],
            is_test=first["is_test"],
            is_hole=kind == "fim",
            given_name=first.get("given", {}).get("name", ""),
            needs=needs,
            is_whole=are_whole([meta for _, meta in group], kind),
            old=CodeRange.of(sides_of(first)["old"]),
            new=CodeRange.of(sides_of(first)["new"]),
            rows=tuple(starmap(_row, group)),
        )


def _row(number: int, meta: Mapping[str, Any]) -> EditRow:
    old, new = (CodeRange.of(meta[side]) for side in ("old", "new"))
    part, n_parts = meta["part"]
    return EditRow(meta["id"], number, old, new, (part, n_parts))


def are_whole(metas: Sequence[Mapping[str, Any]], kind: str) -> bool:
    """Tell whether the rows of an edit, in the order of its parts, ask for all of it.

    New code without an old side has no gap between its parts.
    """
    if kind != "edit":
        return True
    first, sides = metas[0], sides_of(metas[0])
    if len(metas) != first["part"][1]:
        return False
    if len(metas) == 1 or sides["old"] is not None or sides["new"] is None:
        return True
    starts = [sides["new"]["start"], *(meta["new"]["end"] for meta in metas)]
    ends = [*(meta["new"]["start"] for meta in metas), sides["new"]["end"]]
    return starts == ends


def edit_id(meta: Mapping[str, Any], kind: str) -> str:
    """Return the id of the edit that a row belongs to.

    A hole is asked for on its own, so its own range counts as well.
    """
    sides = sides_of(meta)
    parts = [meta["commit"], meta["path"], _spelled(sides["old"]), _spelled(sides["new"])]
    if kind == "fim":
        parts.append(_spelled(meta["new"]))
    text = "\0".join(parts).encode("utf-8", "replace")
    return hashlib.blake2b(text, digest_size=_ID_BYTES).hexdigest()


def sides_of(meta: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the two sides of the whole edit that a row is of, as meta lines have them."""
    return meta.get("edit") or {"old": meta["old"], "new": meta["new"]}


def _spelled(place: Mapping[str, Any] | None) -> str:
    return f"{place['blob']}:{place['start']}-{place['end']}" if place is not None else ""
