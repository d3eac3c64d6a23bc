"""Rates have intervals over commits, and pass@k is the published estimate."""

from itertools import combinations

import pytest

from rsidx.evaluation.report.intervals import NO_RATE, bucket_of, pass_at, rate


def test_no_edit_has_no_rate():
    assert rate([]) == NO_RATE


def test_a_rate_is_the_mean_over_edits_and_the_interval_that_over_commits():
    alone = rate([(n, float(n % 2)) for n in range(100)])
    assert (alone.n, alone.rate) == (100, 0.5)
    assert 0.38 < alone.low < 0.45
    assert 0.55 < alone.high < 0.62
    # Edits of one commit that succeed and fail together say less.
    together = rate([(n // 10, float(n // 10 % 2)) for n in range(100)])
    assert together.rate == 0.5
    assert together.low < alone.low
    assert together.high > alone.high
    assert rate([(n // 10, float(n // 10 % 2)) for n in range(100)]) == together


def test_commits_count_by_their_edits():
    assert rate([("a", 1.0)] * 3 + [("b", 0.0)]).rate == 0.75


@pytest.mark.parametrize(("n", "passed"), [(5, 0), (5, 2), (5, 5), (1, 1), (4, 1)])
def test_pass_at_k_is_the_share_of_draws_with_a_success(n, passed):
    samples = [True] * passed + [False] * (n - passed)
    for k in range(1, n + 1):
        draws = list(combinations(samples, k))
        assert pass_at(k, n, passed) == pytest.approx(sum(map(any, draws)) / len(draws))


def test_lengths_fall_into_buckets():
    bounds = (5, 50)
    assert [bucket_of(n, bounds) for n in (0, 4, 5, 49, 50, 999)] == [0, 0, 1, 1, 2, 2]
