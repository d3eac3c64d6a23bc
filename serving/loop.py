"""Asking a model until an answer passes, by one rule.

The first prompt is that of `rsidx prompt`. Where an answer does not pass, the next prompt says why,
in its message; of all that came before, the last answer's errors alone. The first answer is the
likeliest one, later ones are drawn, since a model often repeats what it is told is wrong. After
`tries` answers, or where another answer would not help, the request is given up.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from rsidx.answer import read_answer
from rsidx.evaluation.asking.client import Completion
from rsidx.exporters.questions.prompt import Prompt
from rsidx.serving.attempt import DONE, Attempt

RETRIED = frozenset({"error", "syntax", "no_answer", "not_the_symbol", "not_applied", "cut_off"})
"""The outcomes after which another answer may be better."""
_FIRST_TEMPERATURE, _LATER_TEMPERATURE = 0.0, 0.8


@dataclass(frozen=True, slots=True)
class Draw:
    """How an answer is drawn."""

    temperature: float
    seed: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is said of an answer: the outcome, and what the next prompt says of it."""

    outcome: str
    reason: str = ""
    errors: str = ""


class Steps(Protocol):
    """What an attempt is made of."""

    def prompt(self, errors: str) -> Prompt:
        """Return the prompt, which says what was wrong with the last answer."""

    def ask(self, prompt: Prompt, draw: Draw, on_text: Callable[[str], None]) -> Completion:
        """Return the model's answer."""

    def judge(self, code: bytes, prompt: Prompt) -> Judgement:
        """Return what comes of an answer's code."""


def draws(tries: int, temperature: float | None, seed: int) -> list[Draw]:
    """Return how each answer is drawn; a `temperature` is that of all."""
    first, later = _FIRST_TEMPERATURE, _LATER_TEMPERATURE
    if temperature is not None:
        first = later = temperature
    return [Draw(later if number else first, seed + number) for number in range(tries)]


def attempts(
    steps: Steps, planned: list[Draw], on_text: Callable[[str], None]
) -> Iterator[tuple[Attempt, Prompt]]:
    """Yield each attempt with its prompt; the last one is done, or given up."""
    errors = ""
    for draw in planned:
        attempt, prompt = _attempt(steps, draw, errors, on_text)
        yield attempt, prompt
        if attempt.outcome in DONE or attempt.outcome not in RETRIED:
            return
        errors = attempt.errors


def _attempt(
    steps: Steps, draw: Draw, errors: str, on_text: Callable[[str], None]
) -> tuple[Attempt, Prompt]:
    clock = time.perf_counter
    began = clock()
    prompt = steps.prompt(errors)
    asked, first = clock(), None

    def note(text: str) -> None:
        nonlocal first
        first = first or clock()
        on_text(text)

    completion = steps.ask(prompt, draw, note)
    answered = clock()
    text = completion.text.partition(prompt.end_token)[0]
    answer = read_answer(text.encode("utf-8", "replace"))
    if completion.finish_reason == "length":
        judged = Judgement("cut_off", "the answer ended because of its length")
    else:
        judged = steps.judge(answer.code, prompt)
    ended = clock()
    attempt = Attempt(
        judged.outcome,
        judged.reason,
        judged.errors,
        answer.code.decode("utf-8", "replace"),
        answer.left_out,
        draw.temperature,
        draw.seed,
        prompt_s=asked - began,
        model_s=answered - asked,
        first_text_s=(first or answered) - asked,
        check_s=ended - answered,
    )
    return _rounded(attempt), prompt


def _rounded(attempt: Attempt) -> Attempt:
    names = ("prompt_s", "model_s", "first_text_s", "check_s")
    return replace(attempt, **{name: round(getattr(attempt, name), 3) for name in names})
