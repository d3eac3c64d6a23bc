"""Crates and trees that a commit brings along from elsewhere, though no folder's name says so.

A manifest that the commit adds is compared with those that were there before: who wrote the
package, where its repository is, and its licence. Each alone may differ in a crate of one's own,
so two must; `docs/rows.md` has what was measured. The commit's message may say it, too. Later
changes of such a crate are edits like any other.
"""

import json
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rsidx.exporters.edits.snapshot import Snapshot
from rsidx.exporters.filters.hygiene import is_vendored
from rsidx.store.reader import Reader
from rsidx.store.records import ChangeRow, CommitRow

_MANIFEST = b"Cargo.toml"
_INHERITED = "workspace"
_SEPARATOR = re.compile(r"[\s/()]++|\bOR\b|\bAND\b")
# What git subtree writes: the commit has the tree of another repository.
_SUBTREE = re.compile(r"Squashed '[^'\n]{1,200}' (?:content|changes) from ")
_TOLD = re.compile(
    r"(?:[\w(),/ .-]{1,40}: )?(?:"
    r"(?:re-?)?vendor(?:s|ed|ing)?\s"
    r"|(?:inline|copy|import|add)(?:s|d|ed|ing)? (?:the |a |an |our )?"
    r"(?:(?:fork|copy|sources?) (?:of|from)|vendored)\s"
    r"|(?:inline|import|bring|pull)(?:s|d|ed|ing)? [^\n]{1,80}"
    r" (?:into (?:the |our )?(?:source )?(?:tree|repo|repository)|in-tree)\b)",
    re.IGNORECASE,
)


def tells_of_foreign_code(message: str) -> bool:
    """Tell whether a message's subject says that code comes from elsewhere."""
    subject = message.split("\n", 1)[0]
    return _TOLD.match(subject) is not None or _SUBTREE.match(subject) is not None


@dataclass(frozen=True, slots=True)
class Origin:
    """Who wrote packages, where their repositories are, and their licences, where it is said."""

    authors: frozenset[str]
    homes: frozenset[str]
    licenses: frozenset[frozenset[str]]

    @classmethod
    def of(cls, manifests: Iterable[Mapping[str, Any]]) -> "Origin":
        """Return what manifests say by their facts, of their packages and workspaces."""
        authors: set[str] = set()
        homes: set[str] = set()
        licenses: set[frozenset[str]] = set()
        for facts in manifests:
            for table in (facts.get("package", {}), facts.get("workspace", {})):
                given = table.get("authors", [])
                authors.update([given] if isinstance(given, str) else given)
                if "home" in table:
                    homes.add(table["home"])
                if isinstance(table.get("license"), str):
                    licenses.add(_names_of(table["license"]))
            if facts.get("workspace", {}).get("is_root"):
                # It inherits from itself.
                authors.discard(_INHERITED)
                homes.discard(_INHERITED)
        return cls(frozenset(authors), frozenset(homes), frozenset(licenses))

    def is_foreign_to(self, own: "Origin", *, is_told: bool) -> bool:
        """Tell whether packages are somebody else's than some that were there before."""
        if self.authors & own.authors or _INHERITED in self.authors:
            return False
        differ = [
            bool(ours and theirs and not ours & theirs)
            for ours, theirs in (
                (own.authors, self.authors),
                (own.homes, self.homes),
                (own.licenses, self.licenses),
            )
        ]
        if self.homes & own.homes or _INHERITED in self.homes:
            return is_told and any(differ)
        return is_told or sum(differ) > 1


class AddedCrates:
    """Knows the foreign code that a commit adds; `move_to` goes to another commit.

    It goes to a commit's tree only where there may be some.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._snapshot = Snapshot(reader)
        self._foreign: frozenset[int] = frozenset()

    def move_to(self, commit: CommitRow, message: str) -> None:
        """Go to a commit with this message."""
        self._foreign = self._foreign_paths(commit, message)

    def has(self, path_id: int) -> bool:
        """Tell whether the commit adds a file with the code of somebody else."""
        return path_id in self._foreign

    def _foreign_paths(self, commit: CommitRow, message: str) -> frozenset[int]:
        changes = self._reader.changes(commit.id)
        added = {self._reader.path(c.path_id): c.path_id for c in changes if c.kind == "A"}
        if _SUBTREE.match(message):
            return frozenset(added.values())
        # One at the root is the repository's own.
        manifests = [path for path in added if path.endswith(b"/" + _MANIFEST)]
        is_told = tells_of_foreign_code(message)
        if not manifests and not is_told:
            return frozenset()
        self._snapshot.move_before(commit)
        own = Origin.of(map(self._facts, self._own_manifests(changes)))
        blobs = {change.path_id: change.new_blob_id for change in changes}
        crates = {
            posixpath.dirname(path): self._facts(blobs[added[path]]) for path in sorted(manifests)
        }
        folders = [
            folder
            for folder in crates
            if _origin_of(folder, crates).is_foreign_to(own, is_told=is_told)
        ]
        if is_told:
            folders += [
                folder
                for folder in self._new_folders(added)
                if not any(_is_below(c, [folder]) or _is_below(folder, [c]) for c in crates)
            ]
        return frozenset(path_id for path, path_id in added.items() if _is_below(path, folders))

    def _own_manifests(self, changes: Sequence[ChangeRow]) -> list[int]:
        """Return the manifests of a commit's first parent, and what the commit made of them."""
        before = [
            blob_id for path_id, blob_id in self._snapshot.files.items() if self._is_own(path_id)
        ]
        after = [
            change.new_blob_id
            for change in changes
            if change.new_blob_id is not None and change.kind != "A"
            if self._is_own(change.path_id)
        ]
        return sorted({*before, *after})

    def _is_own(self, path_id: int) -> bool:
        path = self._reader.path(path_id)
        return posixpath.basename(path) == _MANIFEST and not is_vendored(path)

    def _new_folders(self, added: Iterable[bytes]) -> set[bytes]:
        """Return the folders of added files, the outermost that were not there before."""
        there = {b""}
        for path_id in self._snapshot.files:
            there.update(_folders_of(self._reader.path(path_id)))
        found = set()
        for path in added:
            new = [folder for folder in _folders_of(path) if folder not in there]
            if new:
                found.add(min(new, key=len))
        return found

    def _facts(self, blob_id: int | None) -> Mapping[str, Any]:
        facts: Mapping[str, Any] = {}
        if blob_id is not None:
            facts = json.loads(self._reader.manifest(blob_id) or "{}")
        return facts


def _origin_of(folder: bytes, crates: Mapping[bytes, Mapping[str, Any]]) -> Origin:
    """Return the origin of a crate, of a workspace without a package that of all below it."""
    facts = crates[folder]
    if facts.get("package") or not facts.get("workspace", {}).get("is_root"):
        return Origin.of([facts])
    return Origin.of(crates[below] for below in crates if _is_below(below, [folder]))


def _folders_of(path: bytes) -> list[bytes]:
    folders = []
    while path := posixpath.dirname(path):
        folders.append(path)
    return folders


def _is_below(path: bytes, folders: Sequence[bytes]) -> bool:
    """Tell whether a path is that of a folder, or in one."""
    return any((path + b"/").startswith(folder + b"/") for folder in folders)


def _names_of(license_line: str) -> frozenset[str]:
    """Return the licences of an expression, in whatever order and spelling they come."""
    return frozenset(_SEPARATOR.split(license_line.upper())) - {""}
