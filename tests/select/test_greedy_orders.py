"""Herding, k-center and facility location against textbook loops and, where the problem is tiny, every subset."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from dqbench.select.facility import facility_location_order
from dqbench.select.herding import herding_order
from dqbench.select.k_center import k_center_order
from dqbench.select.rank_one import RankOne

SEEDS = range(6)


def points(seed, n=30, d=4, copies=1):
    made = np.random.default_rng(seed).standard_normal((n, d))
    return np.tile(made, (copies, 1))[np.random.default_rng(seed).permutation(n * copies)]


def lowest(values, width=1e-9):
    """The first place, in rising order, of the largest value."""
    best = max(values.values())
    return min(x for x, value in values.items() if value >= best - width)


def textbook_herding(phi):
    left, order = list(range(len(phi))), []
    for k in range(len(phi)):
        target = (k + 1) * phi.mean(axis=0) - phi[order].sum(axis=0)
        order.append(lowest({x: -float(((target - phi[x]) ** 2).sum()) for x in left}))
        left.remove(order[-1])
    return order


def textbook_k_center(phi, first):
    order = [first]
    while len(order) < len(phi):
        left = [x for x in range(len(phi)) if x not in order]
        order.append(lowest({x: min(float(np.linalg.norm(phi[x] - phi[s])) for s in order) for x in left}))
    return order


def textbook_facility(similarity):
    left, order = list(range(len(similarity))), []
    while left:
        values = {x: float(similarity[:, [*order, x]].max(axis=1).sum()) for x in left}
        order.append(lowest(values))
        left.remove(order[-1])
    return order


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("copies", [1, 2])
def test_herding_is_the_textbooks(seed, copies):
    phi = points(seed, copies=copies)
    assert herding_order(phi).tolist() == textbook_herding(phi)


def test_herding_takes_the_nearest_to_the_residual_mean_and_not_the_farthest():
    phi = np.array([[9.0], [-9.0], [0.5], [4.0], [-4.5]])
    assert herding_order(phi)[0] == 2
    picks = herding_order(points(0, n=200))
    errors = [np.linalg.norm(points(0, n=200)[picks[:k]].mean(axis=0) - points(0, n=200).mean(axis=0)) for k in (5, 50)]
    rng = np.random.default_rng(1)
    drawn = [
        np.linalg.norm(points(0, n=200)[rng.choice(200, 5, replace=False)].mean(axis=0) - points(0, n=200).mean(axis=0))
        for _ in range(20)
    ]
    assert errors[0] < min(drawn)
    assert errors[1] < errors[0]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("copies", [1, 2])
def test_k_center_is_the_textbooks(seed, copies):
    phi = points(seed, copies=copies)
    assert k_center_order(phi, 7).tolist() == textbook_k_center(phi, 7)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_k_center_is_within_twice_the_optimum(seed, k):
    phi = points(seed, n=11, d=2)
    distance = np.linalg.norm(phi[:, None] - phi[None], axis=2)
    optimum = min(distance[:, list(chosen)].min(axis=1).max() for chosen in combinations(range(11), k))
    for first in range(11):
        assert distance[:, k_center_order(phi, first)[:k]].min(axis=1).max() <= 2 * optimum + 1e-12


@pytest.mark.parametrize("scale", [1e-60, 1e60])
@pytest.mark.parametrize("memory", [0, 8 * 60 * 9, 1 << 29])
def test_little_memory_and_odd_scales_give_the_same_order(memory, scale, monkeypatch):
    monkeypatch.setattr("dqbench.select.rows.BLOCK", 4)
    phi = points(3, copies=2) * scale
    assert k_center_order(phi, 7, memory=memory).tolist() == textbook_k_center(phi / scale, 7)
    assert herding_order(phi).tolist() == textbook_herding(phi / scale)


def test_many_copies_are_compared_some_at_a_time(monkeypatch):
    monkeypatch.setattr("dqbench.select.k_center._DISTANCES", 20)
    phi = points(2, n=20, copies=3)
    assert k_center_order(phi, 3).tolist() == textbook_k_center(phi, 3)


def test_distances_that_inner_products_cannot_tell_apart_are_told_apart():
    rng = np.random.default_rng(0)
    far = 1e7 + rng.integers(-3, 4, (40, 3)) * 1e-3
    far[0] = -1e7
    assert k_center_order(far, 0).tolist() == textbook_k_center(far, 0)


@pytest.mark.parametrize("stop", [0, 1, 9, 30])
def test_a_stop_gives_the_first_of_the_whole_order(stop):
    phi = points(4)
    vectors = RankOne.of(phi, None, True)
    assert k_center_order(phi, 7, stop).tolist() == k_center_order(phi, 7)[:stop].tolist()
    assert herding_order(phi, stop).tolist() == herding_order(phi)[:stop].tolist()
    whole = facility_location_order(vectors)[:stop].tolist()
    assert facility_location_order(vectors, stop=stop).tolist() == whole


@pytest.mark.parametrize("stop", [-1, 31])
def test_more_than_there_are_cannot_be_picked(stop):
    phi = points(4)
    vectors = RankOne.of(phi, None, True)
    for pick in (lambda: herding_order(phi, stop), lambda: k_center_order(phi, 0, stop)):
        with pytest.raises(ValueError, match=f"{stop} of 30 samples cannot be picked"):
            pick()
    with pytest.raises(ValueError, match=f"{stop} of 30 samples"):
        facility_location_order(vectors, stop=stop)


def test_k_center_takes_copies_last():
    phi = np.array([[0.0], [0.0], [3.0], [3.0], [1.0]])
    assert k_center_order(phi, 1).tolist() == [1, 2, 4, 0, 3]


def similarity_of(vectors, metric):
    f = np.einsum("ni,nj->nij", vectors.left, vectors.right).reshape(len(vectors), -1)
    return f @ f.T if metric == "cosine" else -np.linalg.norm(f[:, None] - f[None], axis=2)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("memory", [0, 1 << 30])
def test_facility_location_is_the_textbooks(seed, metric, copies, memory):
    gradients = points(seed + 100, n=30 * copies, d=3)
    features = points(seed, copies=copies)
    vectors = RankOne.of(features, gradients if copies == 1 else None, metric == "cosine")
    assert facility_location_order(vectors, metric, memory=memory).tolist() == textbook_facility(
        similarity_of(vectors, metric)
    )


def test_facility_location_starts_at_the_medoid_and_goes_to_another_group():
    phi = np.concatenate([np.arange(7)[:, None] * 0.01, 5 + np.arange(3)[:, None] * 0.01, [[9.0]]])
    order = facility_location_order(RankOne.of(phi, None, False), "l2")
    assert order[0] == 5
    assert order[1] in {7, 8, 9}


@pytest.mark.parametrize("kernel", [herding_order, lambda phi: k_center_order(phi, 0)])
def test_features_that_are_not_finite_are_refused_by_sample(kernel):
    phi = points(0)
    phi[13, 1] = np.nan
    with pytest.raises(ValueError, match="sample 13"):
        kernel(phi)


@pytest.mark.parametrize("kernel", [herding_order, lambda phi: k_center_order(phi, 0)])
def test_one_sample_is_an_order(kernel):
    assert kernel(np.ones((1, 3))).tolist() == [0]
    assert facility_location_order(RankOne.of(np.ones((1, 3)), None, True)).tolist() == [0]
