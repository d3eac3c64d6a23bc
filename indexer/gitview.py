"""What git says of commits, trees and blobs, for checks that must not trust the index."""

import json
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

from rsidx.indexer import cargo
from rsidx.indexer.git import history
from rsidx.indexer.git.blobs import BlobReader
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.git.trees import TreeReader
from rsidx.store import dates

_TREES_KEPT = 64
_BLOBS_KEPT = 512
_MANIFESTS_KEPT = 4096


class GitView:
    """Answers from git alone, by hexadecimal object id; remembers what was asked last."""

    def __init__(self, repository: Repository, reader: BlobReader) -> None:
        self._repository = repository
        self._reader = reader
        self._trees = TreeReader(reader)
        self.tree = lru_cache(_TREES_KEPT)(self._tree)
        self.blob = lru_cache(_BLOBS_KEPT)(self._blob)
        self.manifest = lru_cache(_MANIFESTS_KEPT)(self._manifest)
        self.syntax_errors = lru_cache(_MANIFESTS_KEPT)(self._syntax_errors)

    @cached_property
    def commits(self) -> dict[str, tuple[tuple[str, ...], int]]:
        """Every commit of every ref with its parents and its date, parents before children."""
        every = ("--exclude=refs/replace/*", "--all", "HEAD")
        out = self._repository.run("log", "--no-decorate", "-z", "--format=%H %ct", *every)
        lines = (line.partition(b" ") for line in out.split(b"\0"))
        time = {oid.decode(): dates.parsed(date) for oid, _, date in lines}
        return {
            commit.oid.hex(): (
                tuple(parent.hex() for parent in commit.parents),
                time[commit.oid.hex()],
            )
            for commit in history.list_commits(self._repository, every)
        }

    def first_parent(self, commit: str) -> str | None:
        """Return a commit's first parent; None for a root and for an unknown commit."""
        parents, _ = self.commits.get(commit, ((), 0))
        return parents[0] if parents else None

    def message(self, commit: str) -> str:
        """Return the whole message of a commit; empty where there is no such commit."""
        if commit not in self.commits:
            return ""
        out = self._repository.run("log", "-1", "--no-decorate", "--format=%B", commit, "--")
        return out.decode("utf-8", "replace")

    def _syntax_errors(self, oid: str) -> tuple[tuple[tuple[int, int], ...], int] | None:
        """Return where a Rust file cannot be parsed, and its size; None where it is missing."""
        from rsidx.indexer.rust.parser import parse  # noqa: PLC0415  (loads the grammar)

        content = self._blob(oid)
        return (parse(content).errors, len(content)) if content is not None else None

    def _tree(self, commit: str) -> Mapping[str, str]:
        listed = self._trees.files(bytes.fromhex(commit))
        return {path.decode("utf-8", "replace"): oid.hex() for path, oid in listed}

    def _manifest(self, oid: str) -> Mapping[str, Any]:
        """Return the facts of a Cargo.toml, none where it cannot be read."""
        content = self._blob(oid)
        facts = cargo.read(content) if content is not None else None
        return json.loads(facts) if facts is not None else {}

    def _blob(self, oid: str) -> bytes | None:
        return self._reader.read(bytes.fromhex(oid))[1]
