"""What rows are held against: the commits, trees and files that git has."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rsidx.exporters.splits.chronology import believable


class History(Protocol):
    """What git says, by hexadecimal object id."""

    def tree(self, commit: str) -> Mapping[str, str]:
        """Return path → blob of a commit; empty where there is no such commit."""

    def blob(self, oid: str) -> bytes | None:
        """Return a blob's bytes, None where it is missing."""

    def manifest(self, oid: str) -> Mapping[str, Any]:
        """Return the facts of a Cargo.toml, none where it cannot be read."""

    def first_parent(self, commit: str) -> str | None:
        """Return a commit's first parent."""

    @property
    def commits(self) -> dict[str, tuple[tuple[str, ...], int]]:
        """Every commit that a ref reaches with its parents and date, parents before children."""


@dataclass(frozen=True, slots=True)
class Source:
    """The history of a repository, and the tips of what was exported of it."""

    history: History
    tips: tuple[str, ...]


class Sources:
    """The histories that rows are from: of one repository, or of each of a corpus by its name.

    `open_history` gives that of a name, None for the only one; raises ExportError where it has
    none.
    """

    def __init__(
        self, manifest: Mapping[str, Any], open_history: Callable[[str | None], History]
    ) -> None:
        self._repositories = manifest.get("repositories")
        self._tips = tuple(manifest["tips"].values())
        self._open = open_history
        self._sources: dict[str | None, Source] = {}

    def of(self, line: Mapping[str, Any]) -> Source:
        """Return where a line of meta or of what was left out is from."""
        name = line.get("repository")
        if name not in self._sources:
            tips = self._tips
            if self._repositories is not None:
                tips = (self._repositories[name]["tip"],)
            self._sources[name] = Source(self._open(name), tips)
        return self._sources[name]


def range_of(history: History, place: Mapping[str, Any]) -> bytes | None:
    """Return the bytes of a range of a blob; None where the blob has no such range."""
    content = history.blob(place["blob"])
    if content is None or not 0 <= place["start"] <= place["end"] <= len(content):
        return None
    return content[place["start"] : place["end"]]


def dates_of(
    commits: dict[str, tuple[tuple[str, ...], int]], tips: Iterable[str]
) -> dict[str, int]:
    """Return the believable date of each commit that the tips reach."""
    reached = set(tips)
    for oid in reversed(commits):
        if oid in reached:
            reached.update(commits[oid][0])
    return believable((oid, *facts) for oid, facts in commits.items() if oid in reached)
