"""Which commits of which repositories give rows, each once, and in which split."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from rsidx.corpus.benchmarks import known_benchmarks, of_benchmarks
from rsidx.corpus.configuration import CorpusConfig
from rsidx.corpus.facts import Facts, read_facts
from rsidx.corpus.groups import groups_of
from rsidx.corpus.repositories import Listed
from rsidx.corpus.step import TaskStep
from rsidx.corpus.workspace import Workspace
from rsidx.errors import CorpusError
from rsidx.exporters.splits.frozen import split_summary
from rsidx.exporters.splits.split import SPLITS, SPLITS_BY, Plan, Split, split_commits
from rsidx.store.records import CommitRow

COMMITS, LEFT_OUT, SUMMARY = "plan/commits.jsonl", "plan/left_out.jsonl", "plan/summary.json"
SHARED, REMOVED, BENCHMARK, ELSEWHERE = "shared", "removed", "benchmark", "other_time"
"""Why a commit that a history has gives no row: another repository has it too and gives its rows;
somebody asked for it; it is a benchmark's; or its repository is in a split that the commit's time
is not in."""


class PlannedCommit(NamedTuple):
    """A commit that is in the corpus, and the number of the repository that gives its rows.

    `names` are the beginnings of the ids of commits that it reverts or picks.
    """

    repository: int
    oid: bytes
    date: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CorpusPlan:
    """The commits of a corpus in their order, with their splits, and the others with reasons."""

    commits: Sequence[PlannedCommit]
    split: Split
    left_out: Sequence[tuple[int, str, str]]
    """Repository, commit and reason."""

    def as_export(self) -> Plan:
        """Return the plan as an export has it; the row of a commit has its position as its id."""
        rows = [
            CommitRow(position, one.oid, (), 0, one.date, False, "ok", one.date)
            for position, one in enumerate(self.commits)
        ]
        return Plan(rows, self.split)


class Planner(TaskStep):
    """Decides which commits give rows; one task."""

    name = "plan"

    def __init__(
        self, run: Workspace, out: Workspace, listed: Sequence[Listed], config: CorpusConfig
    ) -> None:
        super().__init__()
        self.run_folder = run
        self.out = out
        self.listed = listed
        self.config = config

    def task(self, rank: int, world_size: int) -> Counter[str]:  # noqa: ARG002
        """Write the plan."""
        repositories = [read_facts(self.run_folder, one.slug) for one in self.listed]
        groups = groups_of(repositories)
        known = known_benchmarks() if self.config.benchmarks == "leave-out" else []
        left_out = of_benchmarks(self.listed, repositories, known)
        plan = plan_of(repositories, groups, self.config, left_out)
        write_plan(self.out, plan)
        exported = plan.as_export()
        wanted: dict[int, list[str]] = {number: [] for number in range(len(repositories))}
        for position in exported.positions():
            commit = plan.commits[position]
            wanted[commit.repository].append(commit.oid.hex())
        for number, one in enumerate(self.listed):
            self.out.write_json(f"plan/{one.slug}.json", wanted[number])
        self.out.write_json(
            SUMMARY,
            {
                "groups": groups,
                "n_commits": [len(wanted[number]) for number in range(len(repositories))],
                "splits": split_summary(exported.commits, plan.split),
                "tips": {one.name: one.tip for one in repositories},
            },
        )
        return Counter(commits=len(plan.commits), left_out=len(plan.left_out))


def plan_of(
    repositories: Sequence[Facts],
    groups: Sequence[int],
    config: CorpusConfig,
    benchmarks: Set[int] = frozenset(),
) -> CorpusPlan:
    """Return which commits give rows; a commit that several repositories have is the first's.

    One is left out only if no repository can give its rows, if it is to be removed, or if it is of
    one of `benchmarks`.
    """
    theirs = {oid for number in benchmarks for oid in repositories[number].reached}
    owners: dict[str, int] = {}
    reasons: dict[str, tuple[int, str]] = {}
    commits, left_out = [], []
    for number, facts in enumerate(repositories):
        for oid, reason in facts.left_out:
            reasons.setdefault(oid, (number, reason))
        for one in facts.chosen:
            if owners.setdefault(one.oid, number) != number:
                left_out.append((number, one.oid, SHARED))
            elif one.oid in theirs:
                left_out.append((number, one.oid, BENCHMARK))
            elif one.oid.startswith(config.removed):
                left_out.append((number, one.oid, REMOVED))
            else:
                oid_bytes = bytes.fromhex(one.oid)
                commits.append(PlannedCommit(number, oid_bytes, one.date, one.names))
    left_out += [(n, oid, why) for oid, (n, why) in reasons.items() if oid not in owners]
    commits.sort(key=lambda commit: (commit.date, commit.oid))
    chosen, split, elsewhere = _split(commits, groups, config)
    left_out += [(one.repository, one.oid.hex(), ELSEWHERE) for one in elsewhere]
    left_out += [
        (one.repository, one.oid.hex(), "embargo")
        for position, one in enumerate(chosen)
        if split.is_out(position)
    ]
    return CorpusPlan(chosen, split, left_out)


def _split(
    commits: list[PlannedCommit], groups: Sequence[int], config: CorpusConfig
) -> tuple[list[PlannedCommit], Split, list[PlannedCommit]]:
    """Return the commits in the order of their splits, the splits, and those that are in none."""
    spec, embargo = config.export.split, config.export.embargo
    by_time = split_commits([_row(one) for one in commits], spec, embargo)
    split_by = SPLITS_BY[config.split_by]
    if not split_by.groups:
        return commits, by_time, []
    drawn = _drawn(groups, commits, config)
    chosen: list[list[PlannedCommit]] = [[] for _ in SPLITS]
    elsewhere = []
    for position, commit in enumerate(commits):
        number = drawn[groups[commit.repository]]
        if split_by.time and (by_time.number(position) != number or by_time.is_out(position)):
            elsewhere.append(commit)
        else:
            chosen[number].append(commit)
    train, val, test = chosen
    split = Split(len(train), len(train) + len(val))
    return [*train, *val, *test], split, elsewhere


def _row(commit: PlannedCommit) -> CommitRow:
    return CommitRow(0, commit.oid, (), 0, commit.date, False, "ok", commit.date)


def _drawn(
    groups: Sequence[int], commits: Sequence[PlannedCommit], config: CorpusConfig
) -> Mapping[int, int]:
    """Return the split of each group: drawn by the seed, the shares counted in commits."""
    shares = _shares(config.export.split)
    size = Counter(groups[commit.repository] for commit in commits)
    wanted = [share * len(commits) for share in shares]
    found = {}
    for group in sorted(set(groups), key=lambda group: _rank(group, config.export.seed)):
        # To the split that lacks most of its share.
        lacking = [left / max(share, 1e-9) for left, share in zip(wanted, shares, strict=True)]
        number = lacking.index(max(lacking))
        found[group] = number
        wanted[number] -= size[group]
    return found


def _rank(group: int, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}\0{group}".encode()).digest()


def _shares(spec: str) -> tuple[float, ...]:
    try:
        shares = tuple(float(word) for word in spec.split(","))
    except ValueError:
        shares = ()
    if len(shares) != len(SPLITS):
        raise CorpusError(f"split_by repository needs three shares, as in 0.8,0.1,0.1, not {spec}")
    return shares


def write_plan(out: Workspace, plan: CorpusPlan) -> None:
    """Keep a plan in the folder of a run."""
    split = (
        plan.split.val_from,
        plan.split.test_from,
        plan.split.val_embargo,
        plan.split.test_embargo,
    )
    lines = ((one.repository, one.oid.hex(), one.date, one.names) for one in plan.commits)
    out.write_lines(COMMITS, [split, *lines])
    out.write_lines(LEFT_OUT, plan.left_out)


def read_plan(out: Workspace) -> CorpusPlan:
    """Return what `write_plan` kept."""
    split, *lines = out.read_lines(COMMITS)
    commits = [
        PlannedCommit(number, bytes.fromhex(oid), date, tuple(names))
        for number, oid, date, names in lines
    ]
    left_out = [(number, oid, reason) for number, oid, reason in out.read_lines(LEFT_OUT)]
    return CorpusPlan(commits, Split(*split), left_out)
