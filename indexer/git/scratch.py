"""A tree that is in no commit: an index and an object store of their own, beside a repository's."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rsidx.errors import RepositoryError
from rsidx.indexer.git.history import raw_changes
from rsidx.indexer.git.repository import DIFF_FLAGS, Repository
from rsidx.store.records import ChangeRecord

_ALTERNATES = "GIT_ALTERNATE_OBJECT_DIRECTORIES"


class ScratchTree:
    """The tree of a commit, to be changed; the repository does not notice."""

    def __init__(self, repository: Repository, commit: bytes) -> None:
        self.repository = repository
        self._commit = commit
        repository.run("read-tree", commit.hex())

    def apply(self, patch: bytes) -> None:
        """Apply a unified diff; raises RepositoryError where it does not fit."""
        flags = ("-c", "apply.ignoreWhitespace=false")
        try:
            self.repository.run(
                *flags, "apply", "--cached", "--whitespace=nowarn", "-", stdin=patch
            )
        except RepositoryError as error:
            reason = str(error).removeprefix("git -c failed: ")
            raise RepositoryError(
                f"the edits do not apply to {self._commit.hex()[:12]}: {reason}"
            ) from error

    def put(self, files: Iterable[tuple[bytes, bytes | None]], root: Path) -> None:
        """Put files below a folder into the tree, each with its blob's id; take those of None out.

        Their content is stored as it is.
        """
        entries, paths = [], []
        zero = b"0" * len(self._commit.hex())
        for path, oid in files:
            if b"\n" in path:
                continue  # Git could not be told of it.
            if oid is None:
                entries.append(b"0 %s\t%s\0" % (zero, path))
            else:
                entries.append(b"100644 %s\t%s\0" % (oid.hex().encode(), path))
                paths.append(os.fsencode(root) + b"/" + path)
        names = b"".join(path + b"\n" for path in paths)
        self.repository.run(
            "hash-object", "-w", "--no-filters", "-t", "blob", "--stdin-paths", stdin=names
        )
        self.repository.run("update-index", "-z", "--index-info", stdin=b"".join(entries))

    def changes(self) -> list[ChangeRecord]:
        """Return how the tree differs from its commit, renames as a commit's."""
        raw = ("--cached", "--raw", "-z", "--no-abbrev", "--ignore-submodules=all")
        out = self.repository.run(
            "diff-index", *raw, *DIFF_FLAGS, "--find-renames=50%", self._commit.hex()
        )
        return raw_changes(out)

    def blob(self, oid: bytes) -> bytes:
        """Return a blob's content."""
        return self.repository.run("cat-file", "blob", oid.hex())


@contextmanager
def scratch_tree(repository: Repository, commit: bytes) -> Iterator[ScratchTree]:
    """Make the tree of a commit; what is written to it goes with the block."""
    out = repository.run("rev-parse", "--path-format=absolute", "--git-path", "objects")
    stores = [os.fsdecode(out.removesuffix(b"\n"))]
    if os.environ.get(_ALTERNATES):
        stores.append(os.environ[_ALTERNATES])
    with tempfile.TemporaryDirectory(prefix="rsidx-") as folder:
        objects = Path(folder) / "objects"
        objects.mkdir()
        variables = {
            "GIT_INDEX_FILE": f"{folder}/index",
            "GIT_OBJECT_DIRECTORY": str(objects),
            _ALTERNATES: os.pathsep.join(stores),
        }
        yield ScratchTree(replace(repository, variables=tuple(variables.items())), commit)
