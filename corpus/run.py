"""A run: what decides its bytes names its folder, so that it can be gone on with."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

from rsidx.corpus.clones import folder_of
from rsidx.corpus.configuration import CorpusConfig
from rsidx.corpus.outcome import Outcome, read_outcome
from rsidx.corpus.repositories import Listed, identities, read_list, read_repositories
from rsidx.corpus.workspace import Workspace
from rsidx.errors import CorpusError, RepositoryError
from rsidx.exporters.pipeline.cache_key import code_digest, export_key
from rsidx.exporters.pipeline.commit import writing_tools
from rsidx.indexer.clone import origin_of
from rsidx.indexer.git.discovery import discover
from rsidx.indexer.git.history import resolve


class Stage(Enum):
    """The stages of a run, in their order."""

    INGEST = "ingest"
    PLAN = "plan"
    EXAMPLES = "examples"
    PAIRS = "pairs"
    DECIDE = "decide"
    WRITE = "write"

    @property
    def logs(self) -> str:
        """The folder of a stage's logs."""
        return f"logs/{self.value}"


_ELSEWHERE = frozenset(
    {"_", "repositories", "out", "work", "opt_out", "remove", "executor", "workers", "slurm"}
    | {"clone_filter", "clone_depth", "clones_at_once"}
)
"""Options that say where something is, and what does the work: they decide no byte. What clones are
made with is said of each repository."""


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
        return read_repositories(Path(self.config.repositories), self.config.clone_options)

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
        """The folder of what is made of this list with these options.

        Raises TokenizerError where there is no tokenizer.
        """
        names = (one.name for one in fields(self.config) if one.name not in _ELSEWHERE)
        decides = {name: getattr(self.config, name) for name in names}
        encoder, dialect, _ = writing_tools(self.config.export)
        code = code_digest(tuple(sorted(Path(__file__).parent.glob("*.[pt]*"))))
        key = code + export_key(self.config.export, encoder, dialect)
        listed = [(one.identity, one.revision, one.options) for one in self.listed]
        return self.work.within(f"runs/{_digest(key, decides, listed)}")

    def is_current(self, listed: Listed, outcome: Outcome | None) -> bool:
        """Return whether a repository was taken in at the commit that it has now.

        Of one that is cloned on other machines, beside an object store, that is not known here.
        """
        if outcome is None or outcome.failure is not None:
            return False
        tip = self._tip(listed)
        is_elsewhere = tip is None and listed.is_url and not self.work.folder.is_local()
        return is_elsewhere or tip == outcome.tip

    def _tip(self, listed: Listed) -> str | None:
        """Return the commit that a repository is at on this machine; None for none."""
        with suppress(RepositoryError):
            repository = discover(folder_of(listed, self.work), is_named=True)
            return resolve(repository, listed.revision or "HEAD")
        return None

    def taken_in(self) -> dict[Listed, str]:
        """Return the repositories that were taken in, and the commit that each was at then.

        Raises CorpusError for none.
        """
        outcomes = self.outcomes()
        found = {
            one: outcome.tip
            for one in self.listed
            if (outcome := outcomes[one.name]) is not None and outcome.tip is not None
        }
        if not found:
            failures = [one.failure for one in outcomes.values() if one is not None]
            raise CorpusError(
                f"no repository could be taken in: {failures[0] if failures else '?'}"
            )
        return found

    def outcomes(self) -> dict[str, Outcome | None]:
        """Return what became of each repository, None where nothing did yet."""
        return {one.name: read_outcome(self.folder, one.slug) for one in self.listed}

    def out(self, taken_in: Mapping[Listed, str]) -> Workspace:
        """Return the folder of what is made of the repositories that were taken in."""
        made_of = [(one.identity, tip) for one, tip in taken_in.items()]
        return self.folder.within(_digest(b"", made_of))


def _digest(key: bytes, *parts: Any) -> str:
    return hashlib.blake2b(key + repr(parts).encode(), digest_size=8).hexdigest()


def _origin(listed: Listed) -> str | None:
    """Return what tells where a clone is from; None for no clone of something else."""
    if listed.is_url:
        return None
    with suppress(RepositoryError):
        origin = origin_of(discover(Path(listed.address), is_named=True))
        return origin.casefold() if origin is not None else None
    return None
