"""The statistics against numbers worked by hand, scipy, and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from dqbench.board.statistics import estimate, fieller, gain, half_width, holm, lower_bound, paired_p


def test_estimate_by_hand() -> None:
    found = estimate([1.0, 2.0, 3.0])
    assert (found.mean, found.count, found.least, found.most) == (2.0, 3, 1.0, 3.0)
    assert found.half == pytest.approx(4.302653 * 1.0 / math.sqrt(3), abs=1e-6)
    assert found.interval == pytest.approx((2 - 2.484138, 2 + 2.484138), abs=1e-5)


@pytest.mark.parametrize("values", [[5.0], [5.0, 7.0]])
def test_no_interval_below_three_seeds(values: list[float]) -> None:
    assert estimate(values).half is None
    assert lower_bound(values) is None
    assert gain(values, [0.0] * len(values), [9.0] * len(values)) is None


def test_paired_p_is_the_t_test() -> None:
    rng = np.random.default_rng(0)
    differences = rng.normal(0.3, 1.0, (20, 5))
    expected = stats.ttest_1samp(differences, 0.0, axis=1).pvalue
    np.testing.assert_allclose(paired_p(differences), expected, rtol=1e-10)


@pytest.mark.parametrize("differences", [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.1 + 0.2, 0.3, 0.3], [2.0]])
def test_differences_without_spread_are_no_evidence(differences: list[float]) -> None:
    assert paired_p(differences) == 1.0


def test_holm_by_hand() -> None:
    # sorted: 0.005*4, 0.01*3, 0.03*2, 0.04*1 -> running maximum 0.02, 0.03, 0.06, 0.06
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.9, 0.6]), [1.0, 1.0])
    assert holm([]).shape == (0,)


def test_gain_by_hand() -> None:
    random, full = [50.0, 51.0, 52.0], [90.0, 91.0, 92.0]
    found = gain([60.0, 61.0, 62.0], random, full)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))


def test_gain_is_blank_unless_full_is_surely_above_random() -> None:
    assert gain([5.0, 6.0, 7.0], [5.0, 5.0, 5.0], [4.0, 5.0, 8.0]) is None
    assert gain([5.0, 6.0, 7.0], [5.0, 5.0, 5.0], [4.0, 4.1, 4.2]) is None


def test_fieller_ends_are_where_the_t_statistic_is_critical() -> None:
    rng = np.random.default_rng(3)
    b = rng.normal(10, 1, 6)
    a = 0.4 * b + rng.normal(0, 1, 6)
    found = fieller(a, b)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high
    for end in (found.low, found.high):
        assert stats.ttest_1samp(a - end * b, 0.0).pvalue == pytest.approx(0.05, abs=1e-9)


def test_fieller_covers() -> None:
    rng = np.random.default_rng(4)
    hits = 0
    for _ in range(1000):
        b = rng.normal(10, 1, 5)
        found = fieller(0.4 * b + rng.normal(0, 1, 5), b)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.4 <= found.high
    assert 0.93 <= hits / 1000 <= 0.97


def test_lower_bound_by_hand() -> None:
    assert lower_bound([-0.2, 0.0, 0.2]) == pytest.approx(-2.919986 * 0.2 / math.sqrt(3), abs=1e-6)


def _boards(seed: int, boards: int, tests: int, seeds: int) -> np.ndarray:
    """Paired differences under no effect, sharing each board's random twin: shape (boards, tests, seeds)."""
    rng = np.random.default_rng(seed)
    twin = rng.normal(0, 0.5, (boards, 1, seeds))
    return rng.normal(0, 0.7, (boards, tests, seeds)) - twin


@pytest.mark.parametrize("seeds", [3, 5])
def test_intervals_cover_and_holm_rarely_errs(seeds: int) -> None:
    differences = _boards(seeds, 2000, 10, seeds)
    first = differences[:, 0, :] + 1.5
    covered = np.abs(first.mean(axis=-1) - 1.5) <= half_width(first)
    assert 0.93 <= covered.mean() <= 0.97
    false_alarms = (holm(paired_p(differences)) < 0.05).any(axis=-1)
    assert false_alarms.mean() <= 0.06
    assert false_alarms.mean() > 0.01
