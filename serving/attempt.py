"""What came of asking a model: one answer after another, and how long each step took."""

from collections.abc import Sequence
from dataclasses import dataclass

from rsidx.api.worktree import Applied

DONE = frozenset({"compiles", "applies"})
"""The outcomes that end the loop well: with a check, and without."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An answer of the model, and what came of it.

    `outcome` is that of `rsidx check`, or without a check `applies`, that of `rsidx apply`, or
    `cut_off`: the answer ended because of its length. `errors` is what the next prompt says of it.
    `first_text_s` is the time until the answer began to come, part of `model_s`.
    """

    outcome: str
    reason: str
    errors: str
    code: str
    left_out: tuple[str, ...]
    temperature: float
    seed: int
    prompt_s: float
    model_s: float
    first_text_s: float
    check_s: float


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Half of the times are at most `p50` seconds, and 95 of 100 at most `p95`."""

    p50: float
    p95: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Percentiles":
        """Return the percentiles by the nearest rank; of no times 0."""
        ranked = sorted(seconds) or [0.0]

        def at(share: int) -> float:
            return round(ranked[max(0, -(-share * len(ranked) // 100) - 1)], 3)

        return cls(at(50), at(95))


@dataclass(frozen=True, slots=True)
class Completed:
    """What came of a request: the last attempt's outcome, all attempts, and what they took.

    `applied` is the last answer in its file where `is_done`: what was written, or would be. Where
    it is not, nothing was.
    """

    outcome: str
    reason: str
    model: str
    attempts: tuple[Attempt, ...]
    applied: Applied | None
    prompt_s: Percentiles
    model_s: Percentiles
    check_s: Percentiles

    @property
    def is_done(self) -> bool:
        """Whether the last answer is one to take."""
        return self.outcome in DONE
