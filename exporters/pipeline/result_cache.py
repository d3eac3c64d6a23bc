"""Commit results as the cache keeps them, by commit."""

from collections.abc import Iterable, Sequence

from rsidx.exporters.pipeline.cache_key import CommitKeys
from rsidx.store.cache import Cache
from rsidx.store.records import CommitRow


class ResultCache:
    """Packed results of commits, each under the commit's key."""

    def __init__(self, cache: Cache, keys: CommitKeys) -> None:
        self._cache = cache
        self._keys = keys

    def missing(self, commits: Sequence[CommitRow]) -> list[CommitRow]:
        """Return the commits that have no result, in their order."""
        keys = {commit.oid: self._keys[commit.oid] for commit in commits}
        missing = set(self._cache.missing(keys.values()))
        return [commit for commit in commits if keys[commit.oid] in missing]

    def put(self, results: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep packed results, by the ids of commits that have none."""
        self._cache.put((self._keys[oid], result) for oid, result in results)

    def get(self, oid: bytes) -> bytes:
        """Return the packed result of a commit; raises KeyError where there is none."""
        return self._cache.get(self._keys[oid])
