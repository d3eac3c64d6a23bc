"""Rates with intervals: the share of successes, and how far it would move with other commits."""

import random
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import comb

_RESAMPLES = 1_000
_SEED = 7
_TAIL = 0.025


@dataclass(frozen=True, slots=True)
class Rate:
    """A mean over `n` edits, a share mostly, with a 95% interval; all are None for no edit."""

    n: int
    rate: float | None
    low: float | None
    high: float | None


NO_RATE = Rate(0, None, None, None)


def rate(values: Iterable[tuple[Hashable, float]]) -> Rate:
    """Return the mean of values, each given with its commit.

    The interval is the percentiles of 1,000 means over commits drawn with replacement: edits of one
    commit succeed and fail together, so they are drawn together. The same values give the same
    interval. Of a single commit it has no width, and says nothing.
    """
    sums: dict[Hashable, list[float]] = {}
    for commit, value in values:
        entry = sums.setdefault(commit, [0.0, 0.0])
        entry[0] += value
        entry[1] += 1
    if not sums:
        return NO_RATE
    groups = [(total, n) for total, n in sums.values()]
    n_edits = int(sum(n for _, n in groups))
    mean = sum(total for total, _ in groups) / n_edits
    low, high = _percentiles(groups)
    return Rate(n_edits, mean, low, high)


def _percentiles(groups: Sequence[tuple[float, float]]) -> tuple[float, float]:
    draw = random.Random(_SEED)
    means = []
    for _ in range(_RESAMPLES):
        drawn = draw.choices(groups, k=len(groups))
        means.append(sum(total for total, _ in drawn) / sum(n for _, n in drawn))
    means.sort()
    at = round(_TAIL * (_RESAMPLES - 1))
    return means[at], means[-1 - at]


def pass_at(k: int, n_samples: int, n_passed: int) -> float:
    """Return the probability that one of `k` of the samples of an edit passes, drawn without order.

    Chen et al., Evaluating Large Language Models Trained on Code (2021), equation 1.
    """
    if n_samples - n_passed < k:
        return 1.0
    return 1.0 - comb(n_samples - n_passed, k) / comb(n_samples, k)


def bucket_of(n_lines: int, bounds: Sequence[int]) -> int:
    """Return the number of the bucket of a length; `bounds` are where all but the first begin."""
    return bisect_left(bounds, n_lines + 1)
