"""Files whose edits are not committed yet: what a patch makes of a commit's, or those on disk."""

from collections.abc import Mapping

from rsidx.indexer.extract import Extractor
from rsidx.indexer.git.history import is_indexed_path
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.git.scratch import scratch_tree
from rsidx.indexer.worktree import changed_files
from rsidx.store.records import BlobRecord, FileEdit


def patched_files(
    repository: Repository, commit: bytes, patch: bytes, *, max_bytes: int
) -> tuple[FileEdit, ...]:
    """Return the files that a unified diff makes of a commit's; nothing of it is written.

    Raises RepositoryError for a patch that does not apply.
    """
    if not patch.strip():
        return ()
    with scratch_tree(repository, commit) as tree:
        tree.apply(patch)
        edits = []
        for change in tree.changes():
            record = None
            if change.new_blob is not None:
                content = tree.blob(change.new_blob)
                kept = content if len(content) <= max_bytes else None
                record = Extractor().record(change.new_blob, len(content), kept)
            edits.append(FileEdit(change.path, change.old_path, record))
    return tuple(edits)


def files_edited_on_disk(
    repository: Repository, commit: bytes, tree: Mapping[bytes, bytes], *, max_bytes: int
) -> tuple[FileEdit, ...]:
    """Return the files of the worktree that differ from a commit's, whose tree is given."""
    records: dict[bytes, BlobRecord | None] = dict(
        changed_files(repository, tree, max_bytes=max_bytes)
    )
    old_paths: dict[bytes, bytes] = {}
    gone = {path for path, record in records.items() if record is None}
    new = records.keys() - tree.keys()
    if gone and new and repository.worktree is not None:
        moved = [(path, record.oid if record else None) for path, record in records.items()]
        with scratch_tree(repository, commit) as scratch:
            scratch.put(moved, repository.worktree)
            for change in scratch.changes():
                if change.old_path is not None and is_indexed_path(change.old_path):
                    old_paths[change.path] = change.old_path
    renamed = set(old_paths.values())
    return tuple(
        FileEdit(path, old_paths.get(path), record)
        for path, record in records.items()
        if record is not None or path not in renamed
    )
