"""The versions of the files that a commit changed, and what is in them, by where it is."""

from collections.abc import Iterable
from functools import lru_cache

from rsidx.exporters.edits.containers import Container, Version
from rsidx.exporters.edits.edit import Side
from rsidx.exporters.edits.similarity import Profile
from rsidx.store.reader import Reader

_PROFILES_KEPT = 8192
"""Those of all that a large commit changes would take more memory than an export has."""


class Versions:
    """Reads sides of versions; a header stands for its container."""

    def __init__(self, reader: Reader, versions: Iterable[Version]) -> None:
        self._reader = reader
        self._by_blob = {version.blob_id: version for version in versions}
        self.around = lru_cache(maxsize=None)(self._around)
        self.profile = lru_cache(_PROFILES_KEPT)(self._profile)

    def of(self, side: Side) -> Version:
        """Return the version that a side is in."""
        return self._by_blob[side.blob_id]

    def opened(self, side: Side) -> Container | None:
        """Return the container that a header opens."""
        return self.of(side).container_at.get(side.position)

    def _around(self, side: Side) -> Side | None:
        """Return the header of the innermost container that a side is in."""
        version = self.of(side)
        found = version.around(side.position)
        return version.side(found.start, found.start + 1) if found is not None else None

    def text(self, side: Side) -> bytes:
        """Return the text of a side of one chunk."""
        return self._reader.text(side.chunks[0].id)

    def _profile(self, side: Side) -> Profile:
        """Return what a side is compared by, a header with all that its container holds."""
        opened = self.opened(side)
        chunks = self.of(side).chunks[opened.start : opened.end] if opened else side.chunks
        text = b"".join(self._reader.text(chunk.id) for chunk in chunks)
        symbols = self._reader.symbols(side.chunks[0].id)
        return Profile.of(text, [symbol.name for symbol in symbols[:1]])
