"""Asking a model for all rows of a split, some at a time."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rsidx.errors import EvaluationError
from rsidx.evaluation.answer import text_of
from rsidx.evaluation.asking.client import Client, PromptRefusedError, Sampling
from rsidx.evaluation.asking.predictions import Prediction, read_predictions
from rsidx.evaluation.asking.prompts import PromptSet, RowPrompt
from rsidx.evaluation.lines import append_line, read_lines
from rsidx.evaluation.workers import Progress, work_off
from rsidx.locking import HeldError, locked


@dataclass(frozen=True, slots=True)
class PredictCounts:
    """What came of asking: answers, those that were there, and prompts that are too long.

    With these count the later parts of their edits. `refusal` is what the server said of one.
    `n_left_out` are rows of edits that lack a part, which are not asked.
    """

    model: str
    n_answers: int
    n_before: int
    n_cut_off: int
    n_too_long: int
    refusal: str
    n_left_out: int = 0


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

    An edit in several parts is asked part by part, each led up to by the model's own code. A prompt
    that is too long for the model gets no line, and nor do the parts behind it. Raises
    EvaluationError where the server refuses anything else, with what was answered before in the
    file.
    """
    try:
        with locked(to):
            read_lines(to)  # Which cuts off a line that was interrupted.
            done = read_predictions(to)
            asking = _Asking(client, to, sampling, prompts.stop, progress)
            asked = [
                _Asked(edit, sample, done)
                for edit in prompts.edits
                for sample in range(sampling.n_samples)
                if any((prompt.id, sample) not in done for prompt in edit)
            ]
            n_asked = sum(one.n_left for one in asked)
            asking.all(asked, n_asked, jobs)
    except HeldError as error:
        raise EvaluationError(f"another run writes {to}") from error
    counts = asking.counts
    n_before = prompts.n_prompts * sampling.n_samples - n_asked
    return PredictCounts(
        client.model,
        counts.n_answers,
        n_before,
        counts.n_cut_off,
        counts.n_too_long,
        counts.refusal,
        prompts.n_left_out,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """One answer to an edit: its prompts in order, and what was answered before."""

    prompts: tuple[RowPrompt, ...]
    sample: int
    done: Mapping[tuple[str, int], Prediction]

    @property
    def n_left(self) -> int:
        """How many of its prompts have no answer."""
        return sum((prompt.id, self.sample) not in self.done for prompt in self.prompts)


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

    def all(self, asked: Sequence[_Asked], n_asked: int, jobs: int) -> None:
        """Ask for all edits; after a prompt that fails, no other edit is begun."""
        self._progress(0, n_asked)
        ask = partial(self._ask, n_asked=n_asked)
        work_off(asked, jobs, lambda _: ask, threading.Event())

    def _ask(self, one: _Asked, n_asked: int) -> None:
        own, n_left = "", one.n_left
        for prompt in one.prompts:
            answer = one.done.get((prompt.id, one.sample))
            if answer is None:
                answer = self._answer(prompt.led_up_by(own), one.sample)
                if answer is None:
                    self._count(n_asked, n_too_long=n_left)
                    return
                self._count(n_asked, n_answers=1, n_cut_off=answer.is_cut_off)
                n_left -= 1
            own += text_of(answer.completion, self._stop[0])

    def _answer(self, prompt: RowPrompt, sample: int) -> Prediction | None:
        """Ask for a prompt and write the answer; return None where the prompt is too long."""
        try:
            found = self._client.complete(prompt, self._sampling, self._stop, sample)
        except PromptRefusedError as error:
            with self._lock:
                self.counts.refusal = self.counts.refusal or str(error)
            return None
        line = {
            "id": prompt.id,
            "sample": sample,
            "completion": found.text,
            "finish_reason": found.finish_reason,
        }
        with self._lock:
            append_line(self._to, line)
        return Prediction(prompt.id, sample, found.text, found.finish_reason == "length")

    def _count(
        self, n_asked: int, n_answers: int = 0, n_cut_off: int = 0, n_too_long: int = 0
    ) -> None:
        with self._lock:
            counts = self.counts
            counts.n_answers += n_answers
            counts.n_cut_off += n_cut_off
            counts.n_too_long += n_too_long
            self._progress(counts.n_answers + counts.n_too_long, n_asked)
