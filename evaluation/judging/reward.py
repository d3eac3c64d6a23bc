"""A reward for reinforcement learning: what the gate says of a completion, as a number."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from queue import SimpleQueue
from typing import Any

from rsidx.errors import EvaluationError
from rsidx.evaluation.asking.predictions import Prediction
from rsidx.evaluation.edits import EditSet, JudgedEdit
from rsidx.evaluation.judging.judge import Judge, Subject
from rsidx.evaluation.judging.session import Run, bench
from rsidx.evaluation.judging.verdict import VERDICTS

EXACT, UNCHANGED = "exact", "unchanged"
"""What the gate calls `compiles`, too: the commit's own code, and the old code left in place."""
OUTCOMES = (EXACT, UNCHANGED, *VERDICTS)
REWARDS: Mapping[str, float] = {EXACT: 1.0, "compiles": 1.0}
"""What an outcome is worth; any other is worth nothing."""

Completion = str | Sequence[Mapping[str, Any]]
"""A text, or the messages of a conversation, of which the last is the answer."""


class Reward:
    """Judges completions of the rows of a split, each in its commit's tree; a context manager.

    Called as TRL's trainers call a reward function: with lists of as many prompts and completions,
    and the columns of the rows as keyword arguments, of which it needs `id`. It returns a number
    for each. Of an edit that is asked for in several parts, the others are the commit's own code.
    `outcomes` counts what came of all completions so far.
    """

    def __init__(self, edits: EditSet, run: Run, rewards: Mapping[str, float]) -> None:
        unknown = sorted(rewards.keys() - set(OUTCOMES))
        if unknown:
            raise EvaluationError(
                f"no outcome is called {', '.join(unknown)}: there are {', '.join(OUTCOMES)}"
            )
        # What trainers log it as.
        self.__name__ = "compiles"
        self.outcomes: Counter[str] = Counter()
        self._rewards = rewards
        self._end_token = edits.end_token
        self._edit_of = {row.id: edit for edit in edits.edits for row in edit.rows}
        self._jobs = max(1, run.jobs)
        self._judges: SimpleQueue[Judge] = SimpleQueue()
        with ExitStack() as stack:
            shared = stack.enter_context(bench(_of_this_process(run)))
            stack.callback(shared.stop.set)
            for number in range(self._jobs):
                self._judges.put(shared.judge(number))
            self._stack = stack.pop_all()

    def __enter__(self) -> "Reward":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let others use the folder of the clones."""
        self._stack.close()

    def __call__(
        self, prompts: Sequence[Any], completions: Sequence[Completion], **columns: Any
    ) -> list[float]:
        """Return the reward of each completion; raises EvaluationError where a row is unknown."""
        found = self.judge(columns.get("id", ()), completions)
        if len(found) != len(prompts):
            raise EvaluationError(f"{len(prompts)} prompts have {len(found)} completions")
        return [self._rewards.get(outcome, 0.0) for outcome in found]

    def judge(self, ids: Iterable[str], completions: Sequence[Completion]) -> list[str]:
        """Return the outcome of each completion, given the id of its row: one of `OUTCOMES`."""
        asked: dict[str, list[tuple[int, str]]] = {}
        for number, (row, _) in enumerate(_pairs(ids, completions)):
            if row not in self._edit_of:
                raise EvaluationError(f"the data set has no row {row} that can be judged")
            asked.setdefault(row, []).append((number, _text(completions[number])))
        outcomes = [""] * len(completions)

        def judge_row(row: str) -> None:
            judge = self._judges.get()
            try:
                for number, outcome in self._outcomes(judge, row, asked[row]):
                    outcomes[number] = outcome
            finally:
                self._judges.put(judge)

        with ThreadPoolExecutor(self._jobs) as pool:
            # Rows of one commit next to each other, so that its tree is checked out once.
            ordered = sorted(asked, key=lambda row: (self._edit_of[row].commit, row))
            list(pool.map(judge_row, ordered))
        self.outcomes.update(outcomes)
        return outcomes

    def _outcomes(
        self, judge: Judge, row: str, texts: Sequence[tuple[int, str]]
    ) -> Iterable[tuple[int, str]]:
        edit = self._edit_of[row]
        subject = judge.open(edit)
        for number, text in texts:
            if isinstance(subject, Subject):
                yield number, self._outcome(judge, subject, row, text)
            else:
                yield number, "not_scorable"

    def _outcome(self, judge: Judge, subject: Subject, row: str, text: str) -> str:
        edit: JudgedEdit = subject.site.edit
        answers = [Prediction(row, 0, text) if one == row else None for one in edit.ids]
        verdict = judge.judge(subject, answers, end_token=self._end_token)
        if verdict.verdict != "compiles":
            return verdict.verdict
        if verdict.is_exact:
            return EXACT
        return UNCHANGED if judge.is_unchanged(subject, answers, self._end_token) else "compiles"


def _of_this_process(run: Run) -> Run:
    """Return a run with a folder of its own for each process that trains, and the same crates."""
    home = run.settings.cargo_home
    if home is None:
        home = run.scratch / "cargo"
        home.mkdir(parents=True, exist_ok=True)
    folder = run.scratch / f"reward-{os.environ.get('RANK', '0')}"
    return replace(run, scratch=folder, settings=replace(run.settings, cargo_home=home))


def _pairs(
    ids: Iterable[str], completions: Sequence[Completion]
) -> Iterable[tuple[str, Completion]]:
    rows = list(ids)
    if len(rows) != len(completions):
        raise EvaluationError(
            f"{len(completions)} completions have {len(rows)} values of the column id"
        )
    return zip(rows, completions, strict=True)


def _text(completion: Completion) -> str:
    if isinstance(completion, str):
        return completion
    return str(completion[-1]["content"]) if completion else ""
