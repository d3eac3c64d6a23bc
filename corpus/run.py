"""A run: what decides its bytes names its folder, so that it can be gone on with."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from rsidx.corpus.configuration import CorpusConfig
from rsidx.corpus.outcome import Outcome, read_outcome
from rsidx.corpus.repositories import Listed, identities, read_list, read_repositories
from rsidx.corpus.workspace import Workspace
from rsidx.errors import CorpusError, RepositoryError
from rsidx.exporters.pipeline.cache_key import code_digest, code_files
from rsidx.indexer.clone import origin_of
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.git.history import resolve

STAGES = ("ingest", "plan", "examples", "pairs", "decide", "write")
_ELSEWHERE = frozenset(
    {"_", "repositories", "out", "work", "opt_out", "remove", "executor", "workers", "slurm"}
    | {"clone_filter", "clone_depth", "clones_at_once"}
)
"""Options that say where something is, and what does the work: they decide no byte."""


@dataclass(frozen=True)
class Run:
    """A corpus that is to be made; what decides its bytes names its folder."""

    config: CorpusConfig

    @cached_property
    def work(self) -> Workspace:
        """The folder of indexes, clones and runs."""
        return Workspace(self.config.work)

    @cached_property
    def listed(self) -> list[Listed]:
        """The repositories that are to be taken in; raises CorpusError for none."""
        found = [one for one in self._every if one not in self.unwanted]
        if not found:
            raise CorpusError(f"{self.config.repositories} names no repository but what opted out")
        return found

    @cached_property
    def unwanted(self) -> frozenset[Listed]:
        """What is never taken in: as the lists have it, and clones of that."""
        named = self._named()
        places = identities(named)
        clones = {one for one in self._every if places & {one.identity, _origin(one)}}
        return frozenset(named) | clones

    @property
    def n_opted_out(self) -> int:
        """How many of the list are never taken in."""
        return len(self._every) - len(self.listed)

    @cached_property
    def _every(self) -> list[Listed]:
        return read_repositories(Path(self.config.repositories))

    def _named(self) -> list[Listed]:
        lists = (self.config.opt_out, self.config.remove)
        return [
            one
            for path in lists
            if path is not None
            for one in read_list(Path(path))
            if one.revision is None
        ]

    @cached_property
    def folder(self) -> Workspace:
        """The folder of what is made of this list with these options."""
        tips = [(one.identity, one.revision, _tip(one)) for one in self.listed]
        return self.work.within(f"runs/{self._digest(tips)}")

    def _digest(self, *parts: Any) -> str:
        names = (one.name for one in fields(self.config) if one.name not in _ELSEWHERE)
        decides = {name: getattr(self.config, name) for name in names}
        code = (*code_files(), *sorted(Path(__file__).parent.glob("*.[pt]*")))
        digest = hashlib.blake2b(code_digest(code), digest_size=8)
        digest.update(repr((decides, parts)).encode())
        return digest.hexdigest()

    def taken_in(self) -> list[Listed]:
        """Return the repositories that were taken in; raises CorpusError for none."""
        outcomes = self.outcomes()
        found = [
            one
            for one in self.listed
            if (outcome := outcomes[one.name]) is not None and outcome.failure is None
        ]
        if not found:
            failures = [one.failure for one in outcomes.values() if one is not None]
            raise CorpusError(
                f"no repository could be taken in: {failures[0] if failures else '?'}"
            )
        return found

    def outcomes(self) -> dict[str, Outcome | None]:
        """Return what became of each repository, None where nothing did yet."""
        return {one.name: read_outcome(self.folder, one.slug) for one in self.listed}

    def out(self, taken_in: Sequence[Listed]) -> Workspace:
        """Return the folder of what is made of the repositories that were taken in."""
        return self.folder.within(self._digest([one.identity for one in taken_in]))


def _origin(listed: Listed) -> str | None:
    """Return what tells where a clone is from; None for no clone of something else."""
    if listed.is_url:
        return None
    with suppress(RepositoryError):
        origin = origin_of(discover(Path(listed.address), is_named=True))
        return origin.casefold() if origin is not None else None
    return None


def _tip(listed: Listed) -> str | None:
    """Return the commit that a repository of this machine is at; None where that is not known."""
    if listed.is_url:
        return None
    with suppress(RepositoryError):
        return resolve(discover(Path(listed.address), is_named=True), listed.revision or "HEAD")
    return None
