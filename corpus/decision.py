"""Which edits stay, compared over all repositories, and which rows go into which shard."""

import tempfile
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from rsidx.corpus.balance import OVER_SHARE, Balance, KeptEdit, Sampler
from rsidx.corpus.candidates import AgreeingEdits, agreeing
from rsidx.corpus.configuration import CorpusConfig
from rsidx.corpus.plan import CorpusPlan, read_plan
from rsidx.corpus.repositories import Listed
from rsidx.corpus.results import Results
from rsidx.corpus.step import TaskStep
from rsidx.corpus.workspace import Workspace
from rsidx.exporters.dataset.dropped import DroppedLines, of_rows
from rsidx.exporters.dataset.order import newest, sort_key
from rsidx.exporters.dedup.duplicates import Deduplicator
from rsidx.exporters.dedup.leakage import CherryPickLinks
from rsidx.exporters.pipeline.result import Dropped, EditResult, unpack
from rsidx.exporters.pipeline.statistics import Statistics
from rsidx.exporters.splits.split import SPLITS, Plan
from rsidx.store.spill import SpillSorter

DROPPED, DUPLICATES = "decision/dropped.jsonl", "decision/duplicates.jsonl"
SUMMARY = "decision/summary.json"


class PlacedRow(NamedTuple):
    """A row that stays: which commit, edit and row of a result, and when it was committed."""

    repository: int
    commit: str
    date: int
    edit: int
    row: int


class Decide(TaskStep):
    """Leaves out duplicates and what leaks, and shares the rows out to shards; one task."""

    name = "decide"

    def __init__(
        self,
        out: Workspace,
        listed: Sequence[Listed],
        config: CorpusConfig,
        signed: Sequence[Sequence[int]],
    ) -> None:
        """`signed` are the numbers of the repositories of each task that wrote signatures."""
        super().__init__()
        self.out = out
        self.listed = listed
        self.config = config
        self.signed = signed

    def task(self, rank: int, world_size: int) -> Counter[str]:  # noqa: ARG002
        """Write what stays and what does not."""
        plan = read_plan(self.out)
        with (
            tempfile.TemporaryDirectory(prefix="rsidx-") as folder,
            closing(Results(self.out, [one.slug for one in self.listed])) as results,
        ):
            decision = _Decision(self, plan, results, Path(folder))
            with closing(decision):
                decision.run()
                n_shards = {name: decision.write_shards(name) for name in SPLITS}
                self.out.write_json(SUMMARY, {"shards": n_shards, **decision.summary()})
        return Counter(shards=sum(n_shards.values()))


class _Source:
    """Results by commit alone, as deduplication asks for them."""

    def __init__(self, owners: Mapping[bytes, int], results: Results) -> None:
        self._owners = owners
        self._results = results

    def get(self, oid: bytes) -> bytes:
        return self._results.read(self._owners[oid], oid)


class _Decision:
    def __init__(self, step: Decide, plan: CorpusPlan, results: Results, folder: Path) -> None:
        self._step = step
        self._plan = plan
        self._results = results
        self._names = [one.name for one in step.listed]
        self._owners = {one.oid: one.repository for one in plan.commits}
        self._exported: Plan = plan.as_export()
        config = step.config.export
        sets = agreeing(step.out, self._numbers())
        links = CherryPickLinks(lambda one: plan.commits[one.id].names, self._exported)
        self._lines = DroppedLines(hides_secrets="secrets" not in config.keep)
        self._statistics: dict[int, Statistics] = {}
        self._key = sort_key(config.order, config.seed)
        self._balance = _balance(step.config)
        with ExitStack() as stack:
            self._deduplicator = stack.enter_context(
                closing(
                    Deduplicator(
                        _Source(self._owners, results),
                        self._exported,
                        frozenset(config.keep),
                        links,
                        folder,
                        lambda: AgreeingEdits(sets),
                    )
                )
            )
            self._rows = {
                name: stack.enter_context(closing(SpillSorter(folder, n_values=1)))
                for name in SPLITS
            }
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Give up what was remembered."""
        self._stack.close()

    def _numbers(self) -> "list[array[int]]":
        """Return the numbers of the edits of each task that wrote signatures, in its order."""
        of_repository = [array("Q") for _ in self._step.listed]
        number = 0
        for position in self._exported.positions():
            commit = self._plan.commits[position]
            n_edits = self._results.entries(commit.repository)[commit.oid.hex()].n_edits
            of_repository[commit.repository].extend(range(number, number + n_edits))
            number += n_edits
        return [
            array("Q", (n for repository in task for n in of_repository[repository]))
            for task in self._step.signed
        ]

    def run(self) -> None:
        """Go through all commits in their order, and write what is left out."""
        with (
            self._step.out.folder.open(DROPPED, "wb") as dropped,
            self._step.out.folder.open(DUPLICATES, "wb") as duplicates,
        ):
            for repository, oid, reason in self._plan.left_out:
                counted = f"commits_{reason}"
                self._of(repository).dropped[counted] += 1
                for line in self._drop(repository, oid, [Dropped(counted, None, "")]):
                    dropped.write(orjson.dumps(line) + b"\n")
            kept: dict[int, Sequence[int]] = {}
            sampler = Sampler(self._balance)
            for position in self._exported.positions():
                edits, lines = self._decide(position)
                for line in lines:
                    dropped.write(orjson.dumps(line) + b"\n")
                    if "like" in line:
                        duplicates.write(orjson.dumps(line) + b"\n")
                if self._balance.is_any:
                    kept[position] = tuple(edits)
                    self._add(sampler, position, edits)
                else:
                    for line in self._keep(position, edits):
                        dropped.write(orjson.dumps(line) + b"\n")
            for line in self._balanced(sampler, kept):
                dropped.write(orjson.dumps(line) + b"\n")

    def _add(self, sampler: Sampler, position: int, edits: Mapping[int, EditResult]) -> None:
        commit = self._plan.commits[position]
        where = self._names[commit.repository], commit.oid.hex()
        split = self._exported.split.name(position)
        for number, edit in edits.items():
            sampler.add(KeptEdit(*where, number, *edit.name, split, len(edit.rows)))

    def _balanced(
        self, sampler: Sampler, kept: Mapping[int, Sequence[int]]
    ) -> Iterator[dict[str, Any]]:
        """Keep what is not too much of one repository or path; yield the lines of all else.

        `kept` are the edits that have stayed so far: their numbers by the positions of commits.
        """
        numbers = {name: number for number, name in enumerate(self._names)}
        too_many = set()
        for edit in sampler.too_many():
            too_many.add((edit.commit, edit.number))
            repository = numbers[edit.repository]
            self._of(repository).dropped[OVER_SHARE] += 1
            left_out = [Dropped(OVER_SHARE, edit.path, edit.symbol)]
            yield from self._drop(repository, edit.commit, left_out)
        for position, edits in kept.items():
            commit = self._plan.commits[position]
            stay = [number for number in edits if (commit.oid.hex(), number) not in too_many]
            if stay:
                result = unpack(self._results.read(commit.repository, commit.oid))
                yield from self._keep(position, {number: result.edits[number] for number in stay})

    def _decide(self, position: int) -> tuple[Mapping[int, EditResult], Iterator[dict[str, Any]]]:
        """Return the edits of a commit that stay, and the lines of what is left out."""
        commit = self._plan.commits[position]
        edits, left_out, counts = self._deduplicator.keep(position)
        reasons = counts + Counter(one.reason for one in left_out)
        split = self._exported.split.name(position)
        self._of(commit.repository).count_dropped(split, reasons)
        return edits, self._drop(commit.repository, commit.oid.hex(), left_out)

    def _keep(self, position: int, edits: Mapping[int, EditResult]) -> Iterator[dict[str, Any]]:
        """Count and place edits of a commit; yield the lines of the rows that they lack."""
        commit = self._plan.commits[position]
        for number, edit in edits.items():
            self._of(commit.repository).count_edit(edit)
            of_edit = of_rows(edit.dropped, *edit.name)
            yield from self._drop(commit.repository, commit.oid.hex(), of_edit)
            self._place(position, number, edit)

    def _place(self, position: int, number: int, edit: EditResult) -> None:
        commit, split = self._plan.commits[position], self._exported.split.name(position)
        for index, row in enumerate(edit.rows):
            placed = PlacedRow(commit.repository, commit.oid.hex(), commit.date, number, index)
            is_sorted = split == SPLITS[0] and self._key is not None
            key = self._key(row) if is_sorted and self._key is not None else position
            self._rows[split].add(key, orjson.dumps(tuple(placed)))

    def _drop(
        self, repository: int, oid: str, left_out: Sequence[Dropped]
    ) -> Iterator[dict[str, Any]]:
        for line in self._lines.of(oid, left_out):
            if "like" in line:
                owner = self._owners[bytes.fromhex(line["like"]["commit"])]
                line["like"]["repository"] = self._names[owner]
            yield {"repository": self._names[repository], **line}

    def _of(self, repository: int) -> Statistics:
        return self._statistics.setdefault(repository, Statistics())

    def write_shards(self, split: str) -> int:
        """Write which rows each shard of a split has; return how many shards there are."""
        rows = (orjson.loads(value) for _, value in self._rows[split].rows())
        n_shards = 0
        while shard := list(islice(rows, self._step.config.shard_rows)):
            self._step.out.write_lines(f"shards/{shard_name(split, n_shards)}.jsonl", shard)
            n_shards += 1
        return n_shards

    def summary(self) -> dict[str, Any]:
        """Return what is counted, and the newest commit of train, by which rows are weighed."""
        train = (
            self._plan.commits[position].date
            for position in self._exported.positions()
            if not self._exported.split.number(position)
        )
        across = Statistics(across_splits=self._deduplicator.across_splits())
        return {
            "newest": newest(train),
            "across": across.as_dict(),
            "repositories": {
                self._names[number]: statistics.as_dict()
                for number, statistics in sorted(self._statistics.items())
            },
        }


def _balance(config: CorpusConfig) -> Balance:
    return Balance(
        config.rows_per_repository,
        config.rows_per_path,
        config.weights,
        config.path_weights,
        config.export.seed,
    )


def shard_name(split: str, number: int) -> str:
    """Return the name of a shard's files, without their endings."""
    return f"{split}-{number:05d}"
