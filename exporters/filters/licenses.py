"""The licence that code is under: what its crate named at the commit, as an SPDX expression."""

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from license_expression import ExpressionError, Licensing, get_spdx_licensing

from rsidx.errors import ExportError
from rsidx.exporters.edits.edit import Edit, Side
from rsidx.exporters.edits.snapshot import Snapshot
from rsidx.exporters.filters.filter import Filter
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow

NO_LICENSE = "NOASSERTION"
"""SPDX's identifier for an unknown licence, where null cannot stand."""
_MANIFEST = b"Cargo.toml"
_MAX_CHARS = 500
"""No real expression is longer; a longer one counts as unknown."""
_LICENSING = Licensing()
_KEPT = 1 << 14
Facts = Mapping[str, Any]

LICENSES = (
    Filter(
        "license",
        "edit",
        "edits under a licence that `--license` does not name, if it is given",
        lambda view: not view.is_licensed(),
        always=True,
    ),
)


def license_of(path: bytes, facts_of: Callable[[bytes], Facts | None]) -> str | None:
    """Return the licence of the nearest package above a file, None where none is known.

    `facts_of` returns the facts of the Cargo.toml in a folder: None if there is none, and an empty
    mapping if it cannot be parsed, which makes the licence unknown, too.
    """
    for folder in _above(path):
        facts = facts_of(folder)
        if facts is None:
            continue
        if not facts:
            return None
        if facts.get("package"):
            given = facts["package"].get("license")
            is_inherited = isinstance(given, dict) and given.get("workspace") is True
            return _inherited(folder, facts_of) if is_inherited else _spelled(given)
    return None


def _above(path: bytes) -> Iterator[bytes]:
    """Yield the folders that a file is in, the innermost first; the root is empty."""
    while path:
        path = path.rpartition(b"/")[0]
        yield path


def _inherited(folder: bytes, facts_of: Callable[[bytes], Facts | None]) -> str | None:
    for above in (folder, *_above(folder)):
        facts = facts_of(above) or {}
        workspace = facts.get("workspace", {})
        if workspace.get("is_root"):
            return _spelled(workspace.get("license"))
    return None


def _spelled(given: Any) -> str | None:
    """Return an expression; the older form `MIT/Apache-2.0` is read as `MIT OR Apache-2.0`."""
    if not isinstance(given, str) or not given.strip() or len(given) > _MAX_CHARS:
        return None
    return " OR ".join(" ".join(part.split()) for part in given.split("/"))


class Licenses:
    """The licences of files at one commit and right before it.

    `allowed` are those that an export accepts; if it is empty, it accepts all.
    """

    def __init__(self, reader: Reader, allowed: tuple[str, ...] = ()) -> None:
        self._reader = reader
        self._allowed = allowed
        self._snapshot = Snapshot(reader)
        self._manifests = {
            path.rpartition(b"/")[0]: path_id
            for path, path_id in reader.path_ids().items()
            if path.rpartition(b"/")[2] == _MANIFEST
        }
        # What differs from the snapshot before the commit and after it: path → blob.
        self._overlays: tuple[Mapping[int, int | None], ...] = ({}, {})
        self._commit: CommitRow | None = None
        self._read = lru_cache(_KEPT)(self._facts)

    def move_to(self, commit: CommitRow) -> None:
        """Go to a commit."""
        if self._commit == commit:
            return
        self._commit = commit
        self._snapshot.move_before(commit)
        changes = self._reader.changes(commit.id)
        changed: dict[int, int | None] = {}
        for change in changes:
            if change.old_blob_id is not None:
                changed[change.old_path_id or change.path_id] = None
        for change in changes:
            if change.new_blob_id is not None:
                changed[change.path_id] = change.new_blob_id
        self._overlays = ({}, changed)

    def move_to_overlay(
        self,
        commit: CommitRow,
        before: Mapping[int, int | None],
        after: Mapping[int, int | None],
    ) -> None:
        """Go to edits of the tree of a commit: its files are replaced (path → blob) or gone (None).

        `before` are those that differ before the edits, `after` those that differ after them.
        """
        self._commit = None
        self._snapshot.move_to(commit)
        self._overlays = (before, after)

    def of_edit(self, edit: Edit) -> str | None:
        """Return the licence of an edit's new side, of a deletion's old side."""
        side = edit.new or edit.old
        assert side is not None
        return self.of(side.path_id, before=edit.new is None)

    def allow_edit(self, edit: Edit) -> bool:
        """Tell whether both sides of an edit may be exported."""
        return not self._allowed or (
            self._allow_side(edit.old, before=True) and self._allow_side(edit.new, before=False)
        )

    def _allow_side(self, side: Side | None, *, before: bool) -> bool:
        return side is None or self.allow(side.path_id, before=before)

    def allow(self, path_id: int, *, before: bool) -> bool:
        """Tell whether a file may be exported as it is at the commit, or right before it."""
        return not self._allowed or covers(self._allowed, self.of(path_id, before=before))

    def of(self, path_id: int, *, before: bool) -> str | None:
        """Return the licence of a file at the commit, or right before it."""
        overlay = self._overlays[0 if before else 1]

        def facts(folder: bytes) -> Facts | None:
            manifest = self._manifests.get(folder)
            if manifest is None:
                return None
            blob_id = (
                overlay[manifest] if manifest in overlay else self._snapshot.files.get(manifest)
            )
            return self._read(blob_id) if blob_id is not None else None

        return license_of(self._reader.path(path_id), facts)

    def _facts(self, blob_id: int) -> Facts:
        facts: Facts = json.loads(self._reader.manifest(blob_id) or "{}")
        # The facts of a .gitattributes are not those of a manifest.
        return facts if "package" in facts else {}


@lru_cache(_KEPT)
def covers(allowed: tuple[str, ...], expression: str | None) -> bool:
    """Tell whether code under an expression can be used under some of these licences alone."""
    if expression is None:
        return False
    try:
        parsed = _LICENSING.parse(expression)
    except (ExpressionError, RecursionError):
        return False
    return _is_met(parsed, frozenset(name.casefold() for name in allowed))


def _is_met(node: Any, allowed: frozenset[str]) -> bool:
    if isinstance(node, _LICENSING.OR):
        return any(_is_met(part, allowed) for part in node.args)
    if isinstance(node, _LICENSING.AND):
        return all(_is_met(part, allowed) for part in node.args)
    return node.render().casefold() in allowed


@cache
def _known_names() -> dict[str, str]:
    """Return the names in SPDX's list by their lower case, deprecated ones such as GPL-3.0, too.

    A manifest may still have one of these.
    """
    symbols = get_spdx_licensing().known_symbols
    names = (name for key, symbol in symbols.items() for name in (key, *symbol.aliases))
    return {name.casefold(): name for name in names}


def check(allowed: tuple[str, ...]) -> None:
    """Raise ExportError for a name that is not in SPDX's list."""
    if not allowed:
        return
    known = _known_names()
    for name in allowed:
        for part in name.split(" WITH "):
            if part.casefold() in known or part.startswith("LicenseRef-"):
                continue
            near = difflib.get_close_matches(part.casefold(), known, 1, 0.3)
            hint = f"; did you mean {known[near[0]]}?" if near else ""
            raise ExportError(f"--license: {part!r} is not an SPDX licence identifier{hint}")
