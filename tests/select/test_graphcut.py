"""Greedy graph cut against the textbook: explicit embeddings, an explicit n×n matrix, every gain anew at every step."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqbench.select.bins import Bins, bin_sizes
from dqbench.select.graphcut import GraphCut, _Greedy, graph_cut_bins

METRICS = ("cosine", "l2", "dot")


def embedding(features, gradients):
    h = np.asarray(features, np.float64)
    if gradients is None:
        return h
    wide = np.hstack([np.ones((len(h), 1)), h])
    return np.stack([np.outer(g, w).ravel() for g, w in zip(gradients, wide, strict=True)])


def similarity(f, metric):
    if metric == "l2":
        return -((f[:, None] - f[None]) ** 2).sum(2) / 2
    if metric == "dot":
        return f @ f.T
    norms = np.linalg.norm(f, axis=1)
    unit = f / np.where(norms > 0, norms, 1)[:, None]
    return unit @ unit.T


def textbook(features, gradients, sizes, metric="cosine", lam=1.0):
    """The order of one group; ties, up to rounding, go to the lowest position."""
    f = embedding(features, gradients)
    sim = similarity(f, metric)
    width = 1e-11 * len(f) * max(1.0, (f**2).sum(1).max())
    left, order = list(range(len(f))), []
    for size in sizes:
        whole, picks = list(left), []
        for _ in range(size):
            gains = {x: -2 * sim[picks, x].sum() + lam * sim[whole, x].sum() for x in left}
            best = max(gains.values())
            picks.append(min(x for x, gain in gains.items() if gain >= best - width))
            left.remove(picks[-1])
        order += picks
    return order


def problem(n, classes=4, d=5, seed=0):
    rng = np.random.default_rng(seed)
    return np.maximum(rng.standard_normal((n, d)), 0), rng.standard_normal((n, classes))


def orders(bins: Bins):
    return {key: bins.order[bins.group[bins.order] == key].tolist() for key in np.unique(bins.group)}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("embedded", ["gradient", "feature"])
@pytest.mark.parametrize("bins", [1, 3, 7, 40])
@pytest.mark.parametrize("lam", [1.0, 0.4, 0.0])
def test_picks_are_the_textbooks(metric, embedded, bins, lam):
    h, g = problem(40, seed=bins)
    g = g if embedded == "gradient" else None
    got = graph_cut_bins(h, g, np.zeros(40, np.int64), bins, GraphCut(metric, lam))
    assert got.order.tolist() == textbook(h, g, bin_sizes(40, bins), metric, lam)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 25), bins=st.integers(1, 12), copies=st.integers(1, 4), zeros=st.integers(0, 3),
    metric=st.sampled_from(METRICS), seed=st.integers(0, 10**6),
)  # fmt: skip
def test_ties_duplicates_and_zero_gradients(n, bins, copies, zeros, metric, seed):
    h, g = problem(n, seed=seed)
    h, g = np.tile(h, (copies, 1)), np.tile(g, (copies, 1))
    g[:zeros] = 0
    shuffled = np.random.default_rng(seed).permutation(len(h))
    h, g = h[shuffled], g[shuffled]
    got = graph_cut_bins(h, g, np.zeros(len(h), np.int64), bins, GraphCut(metric))
    assert got.order.tolist() == textbook(h, g, bin_sizes(len(h), bins), metric)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 30), bins=st.integers(1, 5), seed=st.integers(0, 10**6))
def test_small_whole_numbers_tie_often(n, bins, seed):
    rng = np.random.default_rng(seed)
    h, g = rng.integers(0, 2, (n, 2)).astype(float), rng.integers(-1, 2, (n, 2)).astype(float)
    for metric in METRICS:
        got = graph_cut_bins(h, g, np.zeros(n, np.int64), bins, GraphCut(metric))
        assert got.order.tolist() == textbook(h, g, bin_sizes(n, bins), metric)


def test_equal_samples_come_in_the_order_of_their_positions():
    got = graph_cut_bins(np.ones((9, 3)), np.full((9, 2), 0.5), np.zeros(9, np.int64), 2)
    assert got.order.tolist() == list(range(9))


def test_groups_are_independent_and_a_group_of_one_is_one_bin():
    h, g = problem(24, seed=3)
    group = np.array([2, 0, 0, 3] * 6)
    group[group == 3] = 0
    group[5] = 1
    got = graph_cut_bins(h, g, group, 5)
    for key, order in orders(got).items():
        where = np.flatnonzero(group == key)
        assert order == where[textbook(h[where], g[where], bin_sizes(len(where), 5))].tolist()
    assert got.counts[1].tolist() == [1, 0, 0, 0, 0]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("rows", [1, 4, 29])
@pytest.mark.parametrize("block", [3, 128])
def test_little_memory_gives_the_same_picks(metric, rows, block, monkeypatch):
    monkeypatch.setattr("dqbench.select.rows.BLOCK", block)
    h, g = problem(60, seed=8)
    group = (np.arange(60) % 5 == 0).astype(np.int64)
    whole = graph_cut_bins(h, g, group, 3, GraphCut(metric))
    blocks = graph_cut_bins(h, g, group, 3, GraphCut(metric), memory=8 * 48 * rows)
    assert whole.order.tolist() == blocks.order.tolist()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("embedded", ["gradient", "feature"])
@pytest.mark.parametrize("bins", [1, 4])
@pytest.mark.parametrize("lam", [1.0, 0.0])
@pytest.mark.parametrize("close", [1, 9, 20])
def test_following_few_vectors_closely_gives_the_same_picks(metric, embedded, bins, lam, close, monkeypatch):
    monkeypatch.setattr("dqbench.select.graphcut._FEW", close)
    h, g = problem(40, seed=close + bins)
    h[::9], g[::9] = h[3], g[3]
    g = g if embedded == "gradient" else None
    got = graph_cut_bins(h, g, np.zeros(40, np.int64), bins, GraphCut(metric, lam), memory=8 * 40 * 15)
    assert got.order.tolist() == textbook(h, g, bin_sizes(40, bins), metric, lam)


@settings(max_examples=60, deadline=None)
@given(n=st.integers(2, 40), close=st.integers(1, 12), seed=st.integers(0, 10**6), metric=st.sampled_from(METRICS))
def test_following_few_among_many_ties(n, close, seed, metric):
    rng = np.random.default_rng(seed)
    h, g = rng.integers(0, 3, (n, 2)).astype(float), rng.integers(-1, 2, (n, 2)).astype(float)
    with mock.patch("dqbench.select.graphcut._FEW", close):
        got = graph_cut_bins(h, g, np.zeros(n, np.int64), 2, GraphCut(metric), memory=8 * n)
    assert got.order.tolist() == textbook(h, g, bin_sizes(n, 2), metric)


def test_few_are_enough_where_the_most_typical_stand_out(monkeypatch):
    followed = []
    monkeypatch.setattr("dqbench.select.graphcut._FEW", 50)
    divided = _Greedy._divided
    monkeypatch.setattr(_Greedy, "_divided", lambda self: followed.append(divided(self)) or followed[-1])
    h = np.abs(np.random.default_rng(0).standard_normal((2000, 1)) * 0.5 + np.linspace(0, 3, 2)) + 0.1
    h[:, 1] = np.linspace(0.01, 5, 2000)
    got = graph_cut_bins(h, None, np.zeros(2000, np.int64), 1, stops={0: 40}, memory=0)
    assert got.order[:40].tolist() == textbook(h, None, [40])
    assert len(followed[0][0]) <= 51
    assert len(followed) < 40


@pytest.mark.parametrize("metric", METRICS)
def test_stops_give_the_first_of_the_whole_order_and_then_positions(metric):
    h, g = problem(60, seed=2)
    group = (np.arange(60) % 3 == 0).astype(np.int64)
    whole, stopped = (graph_cut_bins(h, g, group, 1, GraphCut(metric), stops=s) for s in (None, {0: 7, 1: 20}))
    for key, stop in ((0, 7), (1, 20)):
        assert orders(stopped)[key][:stop] == orders(whole)[key][:stop]
        assert orders(stopped)[key][stop:] == sorted(orders(whole)[key][stop:])


def test_more_than_there_are_cannot_be_picked():
    h, g = problem(6)
    with pytest.raises(ValueError, match="7 of 6 samples cannot be picked"):
        graph_cut_bins(h, g, np.zeros(6, np.int64), 1, stops={0: 7})


def test_little_memory_and_many_ties():
    got = graph_cut_bins(np.eye(40), None, np.zeros(40, np.int64), 3, memory=8 * 40 * 2)
    assert got.order.tolist() == list(range(40))


def test_tiny_gradients_keep_their_direction():
    h, g = problem(30, seed=4)
    scale = 10.0 ** -np.random.default_rng(0).integers(0, 250, (30, 1)).astype(float)
    whole = np.zeros(30, np.int64)
    assert graph_cut_bins(h, g * scale, whole, 4).order.tolist() == graph_cut_bins(h, g, whole, 4).order.tolist()


def test_the_first_pick_of_the_next_bin_is_the_most_typical_of_what_is_left():
    h, g = problem(50, seed=5)
    got = graph_cut_bins(h, g, np.zeros(50, np.int64), 5)
    f = embedding(h, g)
    sim = similarity(f, "cosine")
    for number in range(5):
        left = np.flatnonzero(got.bin >= number)
        first = got.order[number * 10]
        assert first == left[sim[np.ix_(left, left)].sum(1).argmax()]


def test_values_that_are_not_finite_are_refused():
    h, g = problem(6)
    h[2, 1] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        graph_cut_bins(h, g, np.zeros(6, np.int64), 2)


def test_single_precision_features_are_lifted_to_double():
    h, g = problem(40, seed=6)
    h = h.astype(np.float32)
    got = graph_cut_bins(h, g, np.zeros(40, np.int64), 4)
    assert got.order.tolist() == textbook(h, g, bin_sizes(40, 4))


@settings(max_examples=30, deadline=None)
@given(counts=st.lists(st.integers(1, 15), min_size=1, max_size=4), bins=st.integers(1, 8), seed=st.integers(0, 99))
def test_bins_partition_every_group(counts, bins, seed):
    group = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    h, g = problem(len(group), seed=seed)
    got = graph_cut_bins(h, g, group, bins)
    assert sorted(got.order) == list(range(len(group)))
    for key, count in enumerate(counts):
        sizes = got.counts[key][: min(bins, count)]
        assert sizes.sum() == count
        assert sizes.max() - sizes.min() <= 1
        assert not got.counts[key][min(bins, count) :].any()
    for key, number, positions in got.cells():
        assert (group[positions] == key).all()
        assert (got.bin[positions] == number).all()
        assert got.rank[positions].tolist() == list(range(len(positions)))


def test_bins_survive_being_stored():
    h, g = problem(20)
    got = graph_cut_bins(h, g, np.arange(20) % 3, 4)
    again = Bins.from_arrays(got.arrays())
    assert all(np.array_equal(getattr(got, name), getattr(again, name)) for name in got.arrays())


def test_one_bin_keeps_the_order_of_positions():
    single = Bins.single(np.array([1, 0, 1, 0, 0]))
    assert single.order.tolist() == [1, 3, 4, 0, 2]
    assert single.counts.tolist() == [[3], [2]]


@pytest.mark.parametrize(("samples", "bins", "sizes"), [(10, 3, [4, 3, 3]), (2, 5, [1, 1]), (6, 1, [6]), (0, 3, [])])
def test_bin_sizes(samples, bins, sizes):
    assert bin_sizes(samples, bins) == sizes
