"""The results of a repository's commits in one file, and where in it each is."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import IO, NamedTuple

from rsidx.corpus.workspace import Workspace
from rsidx.exporters.dedup.duplicates import ResultSource
from rsidx.exporters.pipeline.result import patches_of

_FILES_OPEN = 256


class Entry(NamedTuple):
    """Where a commit's result is: byte offset and size; and how many edits it has."""

    start: int
    size: int
    n_edits: int


def write_results(
    out: Workspace, slug: str, oids: Iterable[str], source: ResultSource
) -> Iterator[tuple[str, bytes]]:
    """Keep the results of commits in their order, and yield each."""
    entries: list[tuple[str, Entry]] = []
    start = 0
    with out.folder.open(f"results/{slug}.bin", "wb") as file:
        for oid in oids:
            data = source.get(bytes.fromhex(oid))
            file.write(data)
            entries.append((oid, Entry(start, len(data), sum(1 for _ in patches_of(data)))))
            start += len(data)
            yield oid, data
    out.write_json(f"results/{slug}.json", entries)


class Results:
    """Reads the results of repositories, by number."""

    def __init__(self, out: Workspace, slugs: Sequence[str]) -> None:
        self._out = out
        self._slugs = slugs
        # Commits come in the order of time, and so from all repositories by turns.
        self.entries = cache(self._entries)
        self._files: dict[int, IO[bytes]] = {}

    def _entries(self, repository: int) -> dict[str, Entry]:
        listed = self._out.read_json(f"results/{self._slugs[repository]}.json")
        return {oid: Entry(*entry) for oid, entry in listed}

    def read(self, repository: int, oid: bytes) -> bytes:
        """Return the packed result of a repository's commit."""
        entry = self.entries(repository)[oid.hex()]
        file = self._file(repository)
        file.seek(entry.start)
        return file.read(entry.size)

    def _file(self, repository: int) -> IO[bytes]:
        file = self._files.pop(repository, None)
        if file is None:
            if len(self._files) >= _FILES_OPEN:
                # The one that was used longest ago.
                self._files.pop(next(iter(self._files))).close()
            file = self._out.folder.open(f"results/{self._slugs[repository]}.bin", "rb")
        self._files[repository] = file
        return file

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()
        self._files.clear()
