"""Asking a model for all rows of a split, some at a time."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rsidx.errors import EvaluationError
from rsidx.evaluation.client import Client, PromptRefusedError, Sampling
from rsidx.evaluation.lines import append_line, read_lines
from rsidx.evaluation.predictions import read_predictions
from rsidx.evaluation.prompts import PromptSet, RowPrompt
from rsidx.evaluation.session import Progress
from rsidx.evaluation.workers import work_off
from rsidx.locking import HeldError, locked


@dataclass(frozen=True, slots=True)
class PredictCounts:
    """What came of asking: answers, those that were there, and prompts that are too long.

    `refusal` is what the server said of one of these.
    """

    model: str
    n_answers: int
    n_before: int
    n_cut_off: int
    n_too_long: int
    refusal: str


@dataclass(slots=True)
class _Counts:
    n_answers: int = 0
    n_cut_off: int = 0
    n_too_long: int = 0
    refusal: str = ""


def predict(
    prompts: PromptSet,
    client: Client,
    to: Path,
    sampling: Sampling,
    *,
    jobs: int,
    progress: Progress,
) -> PredictCounts:
    """Ask for what is not in the file yet, and add the answers as they come.

    A prompt that is too long for the model gets no line. Raises EvaluationError where the server
    refuses anything else, with what was answered before in the file.
    """
    try:
        with locked(to):
            read_lines(to)  # Which cuts off a line that was interrupted.
            done = read_predictions(to)
            asking = _Asking(client, to, sampling, prompts.stop, progress)
            asked = [
                (prompt, sample)
                for prompt in prompts.prompts
                for sample in range(sampling.n_samples)
                if (prompt.id, sample) not in done
            ]
            asking.all(asked, jobs)
    except HeldError as error:
        raise EvaluationError(f"another run writes {to}") from error
    counts = asking.counts
    n_before = len(prompts.prompts) * sampling.n_samples - len(asked)
    return PredictCounts(
        client.model,
        counts.n_answers,
        n_before,
        counts.n_cut_off,
        counts.n_too_long,
        counts.refusal,
    )


class _Asking:
    """Asks prompts from several threads; each answer is written once it is there."""

    def __init__(
        self,
        client: Client,
        to: Path,
        sampling: Sampling,
        stop: Sequence[str],
        progress: Progress,
    ) -> None:
        self._client = client
        self._to = to
        self._sampling = sampling
        self._stop = stop
        self._progress = progress
        self._lock = threading.Lock()
        self.counts = _Counts()

    def all(self, asked: list[tuple[RowPrompt, int]], jobs: int) -> None:
        """Ask all prompts; after one that fails, no other is begun."""
        self._progress(0, len(asked))
        ask = partial(self._ask, n_asked=len(asked))
        work_off(asked, jobs, lambda _: ask, threading.Event())

    def _ask(self, one: tuple[RowPrompt, int], n_asked: int) -> None:
        prompt, sample = one
        line, refusal = None, ""
        try:
            found = self._client.complete(prompt, self._sampling, self._stop, sample)
            line = {
                "id": prompt.id,
                "sample": sample,
                "completion": found.text,
                "finish_reason": found.finish_reason,
            }
        except PromptRefusedError as error:
            refusal = str(error)
        with self._lock:
            counts = self.counts
            if line is None:
                counts.n_too_long += 1
                counts.refusal = counts.refusal or refusal
            else:
                append_line(self._to, line)
                counts.n_answers += 1
                counts.n_cut_off += line["finish_reason"] == "length"
            self._progress(counts.n_answers + counts.n_too_long, n_asked)
