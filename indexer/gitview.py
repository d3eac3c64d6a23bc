"""What git says of commits, trees and blobs, for checks that must not trust the index."""

from collections.abc import Mapping
from functools import cached_property, lru_cache

from rsidx.indexer import history
from rsidx.indexer.git import Repository
from rsidx.indexer.objects import BlobReader

_TREES_KEPT = 64
_BLOBS_KEPT = 512


class GitView:
    """Answers from git alone, by hexadecimal object id; remembers what was asked last."""

    def __init__(self, repository: Repository, reader: BlobReader) -> None:
        self._repository = repository
        self._reader = reader
        self.tree = lru_cache(_TREES_KEPT)(self._tree)
        self.blob = lru_cache(_BLOBS_KEPT)(self._blob)

    @cached_property
    def _commits(self) -> dict[str, tuple[str | None, int]]:
        """Map every commit of every ref to its first parent and its corrected date."""
        dates = {}
        out = self._repository.run("log", "--all", "--no-decorate", "-z", "--format=%H %ct", "HEAD")
        for line in out.split(b"\0"):
            if line:
                oid, date = line.decode().split()
                dates[oid] = int(date)
        found: dict[str, tuple[str | None, int]] = {}
        for commit in history.list_commits(self._repository, ("--all", "HEAD")):
            oid, parents = commit.oid.hex(), [parent.hex() for parent in commit.parents]
            above = max((found[p][1] for p in parents if p in found), default=0)
            found[oid] = (parents[0] if parents else None, max(dates[oid], above + 1))
        return found

    def first_parent(self, commit: str) -> str | None:
        """Return a commit's first parent; None for a root and for an unknown commit."""
        return self._commits.get(commit, (None, 0))[0]

    def generation(self, commit: str) -> int:
        """Return a commit's corrected date; raises KeyError for a commit that no ref reaches."""
        return self._commits[commit][1]

    def _tree(self, commit: str) -> Mapping[str, str]:
        listed = history.list_tree(self._repository, bytes.fromhex(commit))
        return {path.decode("utf-8", "replace"): oid.hex() for path, oid in listed}

    def _blob(self, oid: str) -> bytes | None:
        return self._reader.read(bytes.fromhex(oid))[1]
