"""Budgets: met exactly, shared by largest remainder, ties drawn."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqbench.budgets import capped_quotas, largest_remainder, note_on_few, resolve
from dqbench.errors import UsageError
from dqbench.seeds import generator
from dqbench.specs import Budget

COUNTS = st.lists(st.integers(1, 400), min_size=1, max_size=12)


@settings(max_examples=200, deadline=None)
@given(counts=COUNTS, ratio=st.fractions(Fraction(1, 2000), 1), seed=st.integers(0, 9))
def test_a_ratio_is_rounded_half_up_and_met_exactly(counts, ratio, seed):
    budget = resolve(Budget.ratio(float(ratio)), counts, seed)
    assert budget.total == max(1, math.floor(ratio * sum(counts) + Fraction(1, 2)))
    assert budget.per_class.sum() == budget.total
    assert (budget.per_class >= 0).all()
    assert (budget.per_class <= counts).all()


@settings(max_examples=100, deadline=None)
@given(counts=COUNTS, ratio=st.floats(0.001, 1), seed=st.integers(0, 9))
def test_no_class_is_off_its_share_by_a_whole_sample(counts, ratio, seed):
    budget = resolve(Budget.ratio(ratio), counts, seed)
    shares = budget.total * np.array(counts) / sum(counts)
    assert (np.abs(budget.per_class - shares) < 1 + 1e-9).all()


@pytest.mark.parametrize(("ratio", "total"), [(0.1, 1), (0.15, 2), (0.25, 3), (0.35, 4), (0.01, 1), (1.0, 10)])
def test_halves_go_up_and_nothing_is_never_kept(ratio, total):
    assert resolve(Budget.ratio(ratio), [10], 0).total == total


def test_ratios_that_binary_cannot_hold_are_not_one_short():
    assert resolve(Budget.ratio(0.29), [50], 0).total == 15
    assert resolve(Budget.ratio(0.1), [5000] * 10, 0).per_class.tolist() == [500] * 10
    assert resolve(Budget.ratio(0.125), [5000] * 10, 0).per_class.tolist() == [625] * 10


def test_full_keeps_all_and_ipc_the_same_of_each():
    assert resolve(Budget.full(), [3, 5], 0).per_class.tolist() == [3, 5]
    assert resolve(Budget.ipc(3), [3, 5], 0).per_class.tolist() == [3, 3]


def test_more_per_class_than_there_are_is_refused():
    with pytest.raises(UsageError, match="ipc 4 is larger than class 0, which has 3"):
        resolve(Budget.ipc(4), [3, 5], 0)


@pytest.mark.parametrize("budget", [Budget.full(), Budget.ipc(1), Budget.ratio(0.5)])
def test_an_empty_class_is_refused(budget):
    with pytest.raises(UsageError, match="class 1 has no sample"):
        resolve(budget, [3, 0, 5], 0)


def test_equal_remainders_are_drawn_and_not_given_to_the_lowest():
    weights, caps = np.ones(4), np.full(4, 10)
    got = np.array([largest_remainder(weights, 2, caps, generator(seed, "x")) for seed in range(2000)])
    assert (got.sum(1) == 2).all()
    assert np.abs(got.mean(0) - 0.5).max() < 5 * math.sqrt(0.25 / 2000)


def test_remainders_that_are_equal_on_paper_are_equal():
    counts = [971, 6091, 11211, 2207]  # 12 of 20,480: 0.57, 3.57, 6.57 and 1.29, so two of the first three get one more
    budgets = [resolve(Budget.ratio(12 / 20480), counts, seed).per_class for seed in range(600)]
    extra = np.array(budgets) - [0, 3, 6, 1]
    assert (extra.sum(1) == 2).all()
    assert np.abs(extra.mean(0) - [2 / 3, 2 / 3, 2 / 3, 0]).max() < 5 * math.sqrt(2 / 9 / 600)


@settings(max_examples=150, deadline=None)
@given(
    pairs=st.lists(st.tuples(st.floats(0, 9), st.integers(0, 30)), min_size=1, max_size=8),
    share=st.floats(0, 1), seed=st.integers(0, 5),
)  # fmt: skip
def test_shares_add_up_under_their_caps(pairs, share, seed):
    weights, caps = np.array([w for w, _ in pairs]), np.array([c for _, c in pairs])
    total = int(share * caps.sum())
    for rng in (None, generator(seed, "x")):
        got = largest_remainder(weights, total, caps, rng)
        assert got.sum() == total
        assert (got >= 0).all()
        assert (got <= caps).all()
    assert capped_quotas(weights, total, caps).sum() == pytest.approx(total, abs=1e-6)


def test_what_a_cap_cuts_off_is_shared_in_proportion():
    assert capped_quotas(np.array([8.0, 1, 1]), 20, np.array([4, 50, 50])).tolist() == [4, 8, 8]
    assert largest_remainder(np.array([8.0, 3, 1]), 20, np.array([4, 50, 50])).tolist() == [4, 12, 4]


def test_nothing_but_zero_weights_is_in_proportion_to_the_caps():
    assert largest_remainder(np.zeros(3), 5, np.array([2, 4, 4])).tolist() == [1, 2, 2]


@pytest.mark.parametrize(
    ("weights", "total"), [([1.0, -1.0], 1), ([1.0, np.nan], 1), ([1.0, 1.0], 5), ([1.0, 1.0], -1)]
)
def test_what_cannot_be_shared_is_refused(weights, total):
    with pytest.raises(ValueError):
        largest_remainder(np.array(weights), total, np.array([2, 2]))


@given(st.integers(1, 10_000_000))
def test_the_least_ratio_that_is_named_is_enough(samples):
    nothing = Budget.ratio(0.49 / samples)
    with pytest.raises(UsageError) as caught:
        note_on_few(resolve(nothing, [samples], 0), [samples])
    least = str(caught.value).partition("; give ")[2].split()[0]
    note_on_few(resolve(Budget.ratio(least), [samples], 0), [samples])
