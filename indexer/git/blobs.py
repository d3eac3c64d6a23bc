"""Reading blobs and trees: one `git cat-file --batch` for as many as are asked for."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rsidx.errors import RepositoryError
from rsidx.indexer.git.launcher import GitProcess
from rsidx.indexer.git.repository import Repository

_SKIP_BYTES = 1 << 20


class BlobReader:
    """Reads objects one after another from a `cat-file`, started again where one ended.

    On an object that a partial clone was promised, and may not fetch, some versions of git end.
    """

    def __init__(self, repository: Repository, max_bytes: int) -> None:
        self._repository = repository
        self._max_bytes = max_bytes
        self._running = ExitStack()
        self._git: GitProcess | None = None

    def read(self, oid: bytes) -> tuple[int, bytes | None]:
        """Return a blob's size and content: content None if too large, size -1 if missing."""
        return self._read(oid.hex(), b"blob", self._max_bytes)

    def read_tree(self, oid: bytes) -> bytes | None:
        """Return the tree of a commit, or a tree, as git stores it; None where it is missing."""
        return self._read(f"{oid.hex()}^{{tree}}", b"tree", sys.maxsize)[1]

    def close(self) -> None:
        """End the process."""
        self._git = None
        self._running.close()

    def _read(self, name: str, kind: bytes, max_bytes: int) -> tuple[int, bytes | None]:
        for _ in range(2):
            try:
                return self._ask(name, kind, max_bytes)
            except RepositoryError:
                self.close()
        return -1, None

    def _ask(self, name: str, kind: bytes, max_bytes: int) -> tuple[int, bytes | None]:
        if self._git is None:
            process = self._repository.process("cat-file", "--batch")
            self._git = self._running.enter_context(process)
        try:
            self._git.stdin.write(name.encode() + b"\n")
            self._git.stdin.flush()
        except OSError as error:
            raise RepositoryError("git cat-file ended early") from error
        words = self._git.stdout.readline().split()
        if not words:
            raise RepositoryError("git cat-file ended early")
        if len(words) != 3:
            return -1, None
        size = int(words[2])
        if words[1] != kind or size > max_bytes:
            self._skip(self._git, size + 1)
            return (size if words[1] == kind else -1), None
        content = self._git.stdout.read(size + 1)
        if len(content) != size + 1:
            raise RepositoryError("git cat-file ended early")
        return size, content[:-1]

    @staticmethod
    def _skip(git: GitProcess, n_bytes: int) -> None:
        while n_bytes > 0:
            data = git.stdout.read(min(n_bytes, _SKIP_BYTES))
            if not data:
                raise RepositoryError("git cat-file ended early")
            n_bytes -= len(data)


@contextmanager
def blob_reader(repository: Repository, *, max_bytes: int) -> Iterator[BlobReader]:
    """Make a reader; its process ends with the block."""
    reader = BlobReader(repository, max_bytes)
    try:
        yield reader
    finally:
        reader.close()
