"""Random-equivalent factor, lossless ratio, transfer and ranks, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dqbench.board.curves import lossless, random_equivalent, ranks, transfer
from dqbench.board.statistics import Estimate, estimate

CURVE = [(100.0, 50.0), (1000.0, 70.0), (10000.0, 90.0)]


def test_factor_is_interpolated_in_log_samples() -> None:
    found = random_equivalent(estimate([60.0]), 100, CURVE)
    assert found is not None
    assert found.value == pytest.approx(math.sqrt(10))
    assert (found.low, found.high) == (None, None)


def test_factor_takes_its_interval_from_the_score() -> None:
    found = random_equivalent(Estimate(70.0, 5, 69.0, 71.0, 10.0), 1000, CURVE)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 10**-0.5, 10**0.5))


def test_an_end_outside_the_curve_stays_open() -> None:
    found = random_equivalent(Estimate(55.0, 5, 50.0, 60.0, 10.0), 100, CURVE)
    assert found is not None
    assert found.low is None
    assert found.high == pytest.approx(10**0.75)


@pytest.mark.parametrize("score", [49.9, 90.1])
def test_factor_is_blank_outside_the_curve(score: float) -> None:
    assert random_equivalent(estimate([score]), 100, CURVE) is None


def test_factor_needs_two_points() -> None:
    assert random_equivalent(estimate([50.0]), 100, CURVE[:1]) is None


def test_a_falling_curve_is_made_monotone_first() -> None:
    curve = [(100.0, 50.0), (200.0, 60.0), (400.0, 56.0), (800.0, 70.0)]  # the middle two pool to 58
    found = random_equivalent(estimate([58.0]), 100, curve)
    assert found is not None
    assert found.value == pytest.approx(2.0)
    after = random_equivalent(estimate([64.0]), 100, curve)
    assert after is not None
    assert after.value == pytest.approx(4 * math.sqrt(2))


def test_lossless_needs_all_larger_ratios() -> None:
    near, far = [-0.1, 0.0, 0.1], [-3.0, -3.1, -2.9]
    assert lossless({0.2: far, 0.4: near, 0.6: near}) == 0.4
    assert lossless({0.2: near, 0.4: far, 0.6: near}) == 0.6
    assert lossless({0.4: near, 0.6: far}) is None
    assert lossless({0.4: [0.0, 0.0]}) is None


def test_lossless_uses_the_bound_and_not_the_mean() -> None:
    assert lossless({0.5: [-1.0, 0.0, 1.0]}) is None


@pytest.mark.parametrize(("loss", "expected"), [(0.49, 0.5), (0.51, None)])
def test_half_a_point_may_be_lost(loss: float, expected: float | None) -> None:
    assert lossless({0.5: [-loss, -loss, -loss]}) == expected


def test_transfer_by_hand() -> None:
    # own: (mean(50, 60) - 80, mean(52, 60) - 80) = (-25, -24); random: (40 - 60, 41 - 60) = (-20, -19)
    found = transfer([[50, 52], [60, 60]], [80, 80], [[40, 41], [40, 41]], [60, 60])
    np.testing.assert_allclose(found, [-5.0, -5.0])


def test_ranks_are_intervals() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(0, 0.1, (4, 5))
    found = ranks({"best": base[0] + 10, "b": base[1], "c": base[2], "worst": base[3] - 10})
    assert found == {"best": (1, 1), "b": (2, 3), "c": (2, 3), "worst": (4, 4)}


def test_no_ranks_from_two_seeds_or_one_row() -> None:
    assert ranks({"a": [1.0, 2.0], "b": [5.0, 6.1]}) == {}
    assert ranks({"a": [1.0, 2.0, 3.0]}) == {}
