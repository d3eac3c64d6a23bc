"""Reading blobs: one `git cat-file --batch` for as many as are asked for."""

from collections.abc import Iterator
from contextlib import contextmanager

from rsidx.errors import RepositoryError
from rsidx.indexer.git import GitProcess, Repository

_SKIP_BYTES = 1 << 20


class BlobReader:
    """Reads blobs one after another from a running `cat-file`; started again where it died."""

    def __init__(self, git: GitProcess, max_bytes: int) -> None:
        self._git = git
        self._max_bytes = max_bytes

    def read(self, oid: bytes) -> tuple[int, bytes | None]:
        """Return a blob's size and content: content None if too large, size -1 if missing.

        Raises RepositoryError when git has died.
        """
        try:
            self._git.stdin.write(oid.hex().encode() + b"\n")
            self._git.stdin.flush()
        except (BrokenPipeError, OSError) as error:
            raise RepositoryError("git cat-file ended early") from error
        header = self._git.stdout.readline()
        if not header:
            raise RepositoryError("git cat-file ended early")
        words = header.split()
        if len(words) != 3 or words[1] != b"blob":
            if len(words) == 3:
                self._skip(int(words[2]) + 1)
            return -1, None
        size = int(words[2])
        if size > self._max_bytes:
            self._skip(size + 1)
            return size, None
        content = self._git.stdout.read(size)
        self._git.stdout.read(1)
        return size, content

    def _skip(self, n_bytes: int) -> None:
        while n_bytes > 0:
            data = self._git.stdout.read(min(n_bytes, _SKIP_BYTES))
            if not data:
                raise RepositoryError("git cat-file ended early")
            n_bytes -= len(data)


@contextmanager
def blob_reader(repository: Repository, *, max_bytes: int) -> Iterator[BlobReader]:
    """Start a reader; it ends with the block."""
    with repository.process("cat-file", "--batch") as git:
        yield BlobReader(git, max_bytes)
