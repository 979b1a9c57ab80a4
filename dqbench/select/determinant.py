"""Greedy log-determinant: each pick adds the most to log det of the kernel of the picks, by an incremental Cholesky."""

from __future__ import annotations

import numpy as np

from dqbench.select.cut import TIE, IntArray
from dqbench.select.finite import checked_stop
from dqbench.select.rank_one import RankOne
from dqbench.steps import report_step

SPENT = 1e-10
"""A residual below this share of the largest squared vector is rounding: the vector lies in the span of the picks."""


def log_determinant_order(vectors: RankOne, stop: int | None = None) -> IntArray:
    """Vectors in the order of picking, argmax_x log(S_xx − S_xA S_AA⁻¹ S_Ax) with S the inner products.

    The residual S_xx − S_xA S_AA⁻¹ S_Ax is what is left of x outside the span of the picks A. Once nothing is left of
    any vector, log det is −∞ with any of them, and the greedy begins anew among those that are left, with A empty; zero
    vectors come last. Ties go to the lowest position. O(n·r) time a pick and 8·n·r bytes, r being the picks since it
    began, at most the rank.

    Args:
        vectors: n of them.
        stop: how many to pick; None for all.

    Returns:
        shape (stop,), int64.

    Raises:
        ValueError: ``stop`` is negative or above n.
    """
    stop = checked_stop(stop, len(vectors))
    left = np.arange(len(vectors))
    picked: list[IntArray] = []
    while (missing := stop - sum(map(len, picked))) > 0:
        round_ = _spanning(vectors.at(left), missing)
        picked.append(left[round_] if len(round_) else left[:missing])
        left = np.setdiff1d(left, picked[-1])
    return np.concatenate([np.empty(0, dtype=np.int64), *picked])


def _spanning(vectors: RankOne, most: int) -> IntArray:
    """The greedy until the residuals are spent: a pivoted Cholesky factorisation, a row for each pick."""
    residual = vectors.diagonal()
    largest = float(residual.max(initial=0.0))
    rank = vectors.left.shape[1] * vectors.right.shape[1]
    factor = np.empty((min(most, len(vectors), rank), len(vectors)))
    order: list[int] = []
    for row in factor:
        best = float(residual.max())
        if best <= SPENT * largest:
            break
        pick = int((residual >= best - TIE * len(vectors) * largest).argmax())
        done = len(order)
        np.multiply(vectors.left @ vectors.left[pick], vectors.right @ vectors.right[pick], out=row)
        row -= factor[:done, pick] @ factor[:done]
        row /= np.sqrt(residual[pick])
        residual -= row**2
        residual[pick] = -np.inf
        order.append(pick)
        report_step("pick", len(order), most)
    return np.array(order, dtype=np.int64)
