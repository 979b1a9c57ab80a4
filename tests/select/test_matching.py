"""Matching pursuit against a loop over built vectors with scipy's solver, and against what it promises."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls

from dqbench.select.matching import matching_pursuit
from dqbench.select.rank_one import RankOne


def problem(seed, n=24, classes=3, d=4, shift=1.0):
    rng = np.random.default_rng(seed)
    vectors = RankOne.of(rng.standard_normal((n, d)), rng.standard_normal((n, classes)) + shift, normalise=False)
    return vectors, np.einsum("ni,nj->nij", vectors.left, vectors.right).reshape(n, -1)


def best_weights(f, places, ridge):
    """The non-negative optimum of some vectors, by scipy."""
    tall = np.vstack([f[places].T, np.sqrt(ridge) * np.eye(len(places))])
    return nnls(tall, np.concatenate([f.sum(axis=0), np.zeros(len(places))]))[0]


def textbook(f, stop, ridge):
    picks, weights = [], np.empty(0)
    while len(picks) < stop:
        residual = f.sum(axis=0) - weights @ f[picks]
        reach = {x: float(f[x] @ residual) for x in range(len(f)) if x not in picks}
        pick = max(reach, key=reach.get)
        if reach[pick] <= 1e-9:
            break
        picks = [*picks, pick]
        weights = best_weights(f, picks, ridge)
        picks, weights = [p for p, w in zip(picks, weights, strict=True) if w > 0], weights[weights > 0]
    return picks, weights


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("ridge", [0.0, 0.5, 20.0])
@pytest.mark.parametrize("stop", [1, 5, 12])
def test_picks_and_weights_are_the_textbooks(seed, ridge, stop):
    vectors, f = problem(seed, shift=seed % 3)
    picks, weights = matching_pursuit(vectors, stop, ridge)
    expected, their_weights = textbook(f, stop, ridge)
    assert picks.tolist() == expected
    assert weights == pytest.approx(their_weights, rel=1e-6)


@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_copies_and_more_samples_than_dimensions_do_no_harm(ridge):
    vectors, f = problem(3, n=20)
    vectors, f = RankOne(np.tile(vectors.left, (3, 1)), np.tile(vectors.right, (3, 1))), np.tile(f, (3, 1))
    picks, weights = matching_pursuit(vectors, 60, ridge)
    assert len(set(picks.tolist())) == len(picks)
    assert (weights > 0).all()
    residual = f.sum(axis=0) - weights @ f[picks]
    reach = f @ residual
    assert reach[picks] == pytest.approx(ridge * weights, abs=1e-6)
    assert np.delete(reach, picks).max(initial=0.0) < 1e-6 * np.abs(f @ f.sum(axis=0)).max() or len(picks) == 60


def test_more_picks_match_better():
    vectors, f = problem(5, n=40, classes=5, d=9)
    lengths = []
    for stop in (1, 3, 9, 20):
        picks, weights = matching_pursuit(vectors, stop)
        lengths.append(np.linalg.norm(f.sum(axis=0) - weights @ f[picks]))
    assert (np.diff(lengths) < 0).all()


def test_where_nothing_reaches_nothing_is_picked():
    picks, weights = matching_pursuit(RankOne(np.zeros((4, 2)), np.ones((4, 3))), 3)
    assert len(picks) == len(weights) == 0


def test_more_than_there_are_cannot_be_picked():
    with pytest.raises(ValueError, match="25 of 24 samples cannot be picked"):
        matching_pursuit(problem(0)[0], 25)
