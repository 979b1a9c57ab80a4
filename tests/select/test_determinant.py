"""The greedy log-determinant against determinants that are computed anew for every candidate."""

from __future__ import annotations

import numpy as np
import pytest

from dqbench.select import RankOne, log_determinant_order


def vectors(left: np.ndarray, right: np.ndarray) -> RankOne:
    return RankOne(left, right)


def kernel(of: RankOne) -> np.ndarray:
    built = np.einsum("ia,ib->iab", of.left, of.right).reshape(len(of), -1)
    return built @ built.T


def textbook(s: np.ndarray, steps: int) -> list[int]:
    order: list[int] = []
    for _ in range(steps):
        left = [x for x in range(len(s)) if x not in order]
        gains = {x: np.linalg.slogdet(s[np.ix_([*order, x], [*order, x])])[1] for x in left}
        order.append(max(left, key=lambda x: gains[x]))
    return order


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_textbooks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    of = vectors(rng.normal(size=(15, 3)), rng.normal(size=(15, 7)))
    assert log_determinant_order(of, 12).tolist() == textbook(kernel(of), 12)


def test_a_copy_and_a_mixture_wait_until_all_is_spanned_and_zeros_come_last() -> None:
    right = np.array([[2.0, 0, 0], [2.0, 0, 0], [0, 1.0, 0], [0.7, 0.7, 0], [0, 0, 0.5], [0, 0, 0]])
    order = log_determinant_order(vectors(np.ones((6, 1)), right)).tolist()
    assert order[:3] == [0, 2, 4]
    assert order[3:] == [1, 3, 5]


def test_every_sample_is_picked_once_and_a_stop_gives_the_first() -> None:
    rng = np.random.default_rng(9)
    of = vectors(rng.normal(size=(40, 2)), rng.normal(size=(40, 3)))
    whole = log_determinant_order(of)
    assert sorted(whole.tolist()) == list(range(40)), "the rank is 6: it begins anew"
    for stop in (0, 1, 6, 7, 39):
        assert log_determinant_order(of, stop).tolist() == whole[:stop].tolist()
    with pytest.raises(ValueError, match="cannot be picked"):
        log_determinant_order(of, 41)


def test_nothing_and_nothing_but_zeros() -> None:
    assert log_determinant_order(vectors(np.zeros((0, 1)), np.zeros((0, 2)))).tolist() == []
    assert log_determinant_order(vectors(np.ones((3, 1)), np.zeros((3, 2)))).tolist() == [0, 1, 2]
