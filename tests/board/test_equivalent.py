"""The random-equivalent factor: by hand, against a scan of the test that it inverts, and on simulated boards."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from dqbench.board.equivalent import random_equivalent

EXACT = [(100.0, [50.0]), (1000.0, [70.0]), (10000.0, [90.0])]
SHARP = [(n, score * 3) for n, score in EXACT]
"""A random curve without any spread over three seeds."""


def test_factor_is_interpolated_in_log_samples() -> None:
    found = random_equivalent([60.0], 100, EXACT)
    assert found is not None
    assert found.value == pytest.approx(math.sqrt(10))
    assert (found.low, found.high) == (None, None)


def test_against_a_sharp_curve_the_interval_is_that_of_the_score_read_off_it() -> None:
    found = random_equivalent([69.0, 70.0, 71.0], 1000, SHARP)  # 70 +- 4.302653 / sqrt(3), 20 points per decade
    decades = 4.302653 / math.sqrt(3) / 20
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 10**-decades, 10**decades), rel=1e-6)


def test_an_end_that_reaches_the_end_of_the_curve_stays_open() -> None:
    found = random_equivalent([50.5, 51.5, 52.5], 100, SHARP)  # 51.5 +- 2.48 goes below 50
    assert found is not None
    assert found.low is None
    assert found.high == pytest.approx(10 ** ((1.5 + 4.302653 / math.sqrt(3)) / 20), rel=1e-6)


def test_two_seeds_have_no_interval() -> None:
    found = random_equivalent([60.0, 61.0], 100, [(n, score * 2) for n, score in EXACT])
    assert found is not None
    assert (found.low, found.high) == (None, None)


def test_what_all_seeds_share_cancels() -> None:
    shift = np.array([-5.0, 0.0, 5.0])
    curve = [(n, (score[0] + shift).tolist()) for n, score in EXACT]
    found = random_equivalent((60.0 + shift).tolist(), 100, curve)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((math.sqrt(10),) * 3, rel=1e-6)


@pytest.mark.parametrize("score", [49.9, 90.1])
def test_factor_is_blank_outside_the_curve(score: float) -> None:
    assert random_equivalent([score], 100, EXACT) is None


def test_factor_needs_two_points() -> None:
    assert random_equivalent([50.0], 100, EXACT[:1]) is None
    assert random_equivalent([50.0], 100, [(100.0, [50.0]), (100.0, [51.0])]) is None


def test_a_falling_curve_is_made_monotone_first() -> None:
    curve = [(100.0, [50.0]), (200.0, [60.0]), (400.0, [56.0]), (800.0, [70.0])]  # the middle two pool to 58
    found = random_equivalent([58.0], 100, curve)
    assert found is not None
    assert found.value == pytest.approx(2.0)
    after = random_equivalent([64.0], 100, curve)
    assert after is not None
    assert after.value == pytest.approx(4 * math.sqrt(2))


def test_the_ends_are_those_of_a_scan_of_the_paired_test() -> None:
    rng = np.random.default_rng(1)
    n = np.array([1000.0, 2000.0, 4000.0])
    for _ in range(20):
        curve = np.array([50.0, 60.0, 70.0])[:, None] + rng.normal(0, 0.6, (3, 5))
        scores = 60.0 + rng.normal(0, 0.6, 5)
        found = random_equivalent(scores.tolist(), 2000, [(a, b.tolist()) for a, b in zip(n, curve, strict=True)])
        grid = np.linspace(np.log(n[0]), np.log(n[-1]), 20001)
        at = np.array([np.interp(grid, np.log(n), column) for column in curve.T]).T
        accepted = grid[stats.ttest_1samp(scores - at, 0.0, axis=1).pvalue >= 0.05]
        assert found is not None
        assert found.low == pytest.approx(math.exp(accepted[0]) / 2000, rel=2e-4)
        assert found.high == pytest.approx(math.exp(accepted[-1]) / 2000, rel=2e-4)


@pytest.mark.parametrize("seeds", [3, 5])
def test_the_interval_covers(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    n, truth = np.array([1e3, 2e3, 4e3, 8e3, 16e3]), np.array([50.0, 62.0, 71.0, 78.0, 82.0])
    factor = math.exp(float(np.interp(66.0, truth, np.log(n)))) / 2000
    covered = []
    for _ in range(2000):
        shared = rng.normal(0, 0.3, seeds)
        curve = truth[:, None] + shared + rng.normal(0, 0.7, (5, seeds))
        scores = 66.0 + shared + rng.normal(0, 0.7, seeds)
        found = random_equivalent(scores.tolist(), 2000, [(a, b.tolist()) for a, b in zip(n, curve, strict=True)])
        assert found is not None
        covered.append((found.low or 0.0) <= factor <= (found.high or math.inf))
    assert 0.93 <= np.mean(covered) <= 0.97
