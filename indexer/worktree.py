"""The code as it is on disk: what differs from a commit, without git's filters."""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from rsidx.errors import RepositoryError
from rsidx.indexer.extract import Extractor
from rsidx.indexer.git.history import is_indexed_path
from rsidx.indexer.git.repository import Repository
from rsidx.store.records import BlobRecord


def changed_files(
    repository: Repository, tree: Mapping[bytes, bytes], *, max_bytes: int
) -> Iterator[tuple[bytes, BlobRecord | None]]:
    """Yield each Rust file and manifest that differs from a tree (path → blob), None if it is gone.

    Files that git ignores are left out; links are not followed. Raises RepositoryError where
    there is no worktree.
    """
    root = repository.worktree
    if root is None:
        raise RepositoryError(f"{repository.git_dir} has no worktree")
    out = repository.run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    present = {path for path in out.split(b"\0") if is_indexed_path(path)}
    for path in sorted(present | tree.keys()):
        content = _content(root, path) if path in present else None
        if content is None:
            if path in tree:
                yield path, None
            continue
        oid = blob_oid(content, repository.object_format)
        if tree.get(path) != oid:
            kept = content if len(content) <= max_bytes else None
            yield path, Extractor().record(oid, len(content), kept)


def file_on_disk(repository: Repository, path: str, *, max_bytes: int) -> BlobRecord:
    """Return a file of the worktree, called `path` as git does.

    Raises RepositoryError where there is none, or another path leads to it.
    """
    root = repository.worktree
    if Path(path).is_absolute() or os.path.normpath(path) != path:
        raise RepositoryError(f"{path}: name the file from the top of the repository, as git does")
    content = _content(root, os.fsencode(path)) if root is not None else None
    if content is None:
        raise RepositoryError(f"there is no file {path} in {root or repository.git_dir}")
    kept = content if len(content) <= max_bytes else None
    oid = blob_oid(content, repository.object_format)
    return Extractor().record(oid, len(content), kept)


def blob_oid(content: bytes, object_format: str) -> bytes:
    """Return the id that git gives a blob."""
    return hashlib.new(object_format, b"blob %d\0" % len(content) + content).digest()


def _content(root: Path, path: bytes) -> bytes | None:
    file = root / path.decode("utf-8", "surrogateescape")
    try:
        if not stat.S_ISREG(file.lstat().st_mode) or not file.resolve().is_relative_to(
            root.resolve()
        ):
            return None
        return file.read_bytes()
    except OSError:
        return None
