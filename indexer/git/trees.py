"""The trees of commits, read object by object: a folder that many commits share is read once."""

import stat
from functools import lru_cache

from rsidx.indexer.git.blobs import BlobReader
from rsidx.indexer.git.history import is_indexed_path

_FOLDERS_KEPT = 4096
_OCTAL = b"01234567"

Entries = tuple[tuple[bytes, bytes], ...]


class TreeReader:
    """Lists the files of commits, as `git ls-tree -r` does, without a process for each."""

    def __init__(self, reader: BlobReader) -> None:
        self._reader = reader
        self._folder = lru_cache(_FOLDERS_KEPT)(self._read)

    def files(self, commit: bytes) -> Entries:
        """Return (path, blob) of each file kept in a commit's tree, in git's order.

        What is in a folder that cannot be read is not there.
        """
        found, waiting = [], [(b"", commit)]
        while waiting:
            before, oid = waiting.pop()
            files, folders = self._folder(oid)
            found += [(before + name, blob) for name, blob in files]
            waiting += [(before + name + b"/", tree) for name, tree in folders]
        return tuple(sorted(found))

    def _read(self, oid: bytes) -> tuple[Entries, Entries]:
        """Return the files and the folders in the tree of a commit, or in a tree."""
        content = self._reader.read_tree(oid) or b""
        files, folders = [], []
        at = 0
        while at < len(content):
            end = content.find(b"\0", at)
            mode, _, name = content[at:end].partition(b" ")
            at = end + 1 + len(oid)
            if end < 0 or not mode or mode.strip(_OCTAL):
                return (), ()  # Not made by git.
            if stat.S_ISDIR(int(mode, 8)):
                folders.append((name, content[end + 1 : at]))
            elif stat.S_ISREG(int(mode, 8)) and is_indexed_path(name):
                files.append((name, content[end + 1 : at]))
        return tuple(files), tuple(folders)
