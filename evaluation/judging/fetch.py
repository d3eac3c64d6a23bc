"""Fetching the crates that the commits of a split ask for, before checks without the network."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from rsidx.evaluation.edits import EditSet, JudgedEdit
from rsidx.evaluation.judging.judge import Judge
from rsidx.evaluation.judging.session import Run, bench, work_through

_MAX_SAID_CHARS = 200


@dataclass(frozen=True, slots=True)
class FetchCounts:
    """What was fetched: packages of commits, and what cargo said of those where it failed."""

    n_fetched: int
    failures: Mapping[str, int]


def fetch(edits: EditSet, run: Run) -> FetchCounts:
    """Fetch the crates of every package with an edit, at each commit, into the cargo home.

    cargo runs in the sandbox, with the network; no code of the repository is compiled. Raises
    EvaluationError where nothing can run here.
    """
    counts = Counter[str]()
    done: set[tuple[str, str]] = set()

    def fetch_for(judge: Judge, edit: JudgedEdit) -> None:
        said = judge.fetch(edit, done)
        if said is not None:
            counts[said[:_MAX_SAID_CHARS]] += 1

    with bench(run) as shared:
        # One after another: they write one cargo home.
        work_through(shared, edits.edits, fetch_for, run)
    n_fetched = counts.pop("", 0)
    return FetchCounts(n_fetched, dict(counts.most_common()))
