"""Area, lossless ratio, transfer and ranks, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dqbench.board.curves import area, lossless, ranks, transfer


def test_area_by_hand() -> None:
    # trapezia over log 0.1, log 0.2, log 0.4: two of equal width, means 15 and 25
    np.testing.assert_allclose(area([0.2, 0.1, 0.4], [[20.0], [10.0], [30.0]]), [20.0])
    # widths log 2 and log 5 over log 10
    share = math.log(2) / math.log(10)
    np.testing.assert_allclose(area([0.1, 0.2, 1.0], [[0, 8], [10, 8], [10, 8]]), [5 * share + 10 * (1 - share), 8.0])


def test_the_area_of_a_curve_is_between_its_scores_and_does_not_ask_for_the_budgets_order() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(60, 10, (5, 3))
    ratios = [0.02, 0.05, 0.1, 0.4, 0.8]
    found = area(ratios, scores.tolist())
    assert (scores.min(axis=0) <= found).all()
    assert (found <= scores.max(axis=0)).all()
    np.testing.assert_allclose(area(ratios[::-1], scores[::-1].tolist()), found)


def test_lossless_needs_all_larger_ratios() -> None:
    near, far = [-0.1, 0.0, 0.1], [-3.0, -3.1, -2.9]
    assert lossless({0.2: far, 0.4: near, 0.6: near}, 0.5) == 0.4
    assert lossless({0.2: near, 0.4: far, 0.6: near}, 0.5) == 0.6
    assert lossless({0.4: near, 0.6: far}, 0.5) is None
    assert lossless({0.4: [0.0, 0.0]}, 0.5) is None


def test_lossless_uses_the_bound_and_not_the_mean() -> None:
    assert lossless({0.5: [-1.0, 0.0, 1.0]}, 0.5) is None


@pytest.mark.parametrize(("loss", "expected"), [(0.49, 0.5), (0.51, None)])
def test_half_a_point_may_be_lost(loss: float, expected: float | None) -> None:
    assert lossless({0.5: [-loss, -loss, -loss]}, 0.5) == expected


def test_a_loss_of_half_a_point_is_rarely_called_lossless() -> None:
    differences = np.random.default_rng(6).normal(-0.5, 0.4, (2000, 5))
    called = [lossless({0.5: values.tolist()}, 0.5) is not None for values in differences]
    assert 0.035 <= np.mean(called) <= 0.065


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
