"""What a chosen set is worth by the objective that its greedy raises, judged on a draw of the rows it was chosen from.

Every objective is the higher the better, so that two sets of one size can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt

from dqbench.select.rank_one import FloatArray, unit

Values = npt.NDArray[np.floating]
Metric = Literal["cosine", "l2", "dot"]

_AT_ONCE = 2048


def facility_location_value(rows: Values, kept: Values, metric: Literal["cosine", "l2"] = "cosine") -> float:
    """The mean over ``rows`` of the largest similarity to one of ``kept``: cosine, or minus the Euclidean distance.

    Args:
        rows: shape (m, d).
        kept: shape (k, d).
        metric: as of :func:`dqbench.select.facility_location_order`.
    """
    best = np.full(len(rows), -np.inf)
    for similar in _blocks(rows, kept, metric):
        np.maximum(best, similar.max(axis=1), out=best)
    return float((best if metric == "cosine" else -np.sqrt(-2 * np.minimum(best, 0.0))).mean())


def graph_cut_value(rows: Values, kept: Values, count: int, lam: float = 1.0, metric: Metric = "cosine") -> float:
    """λ·Σ_{i∈V} Σ_{s∈S} sim(i, s) − Σ_{s≠t∈S} sim(s, t), V's sum from a draw of it.

    Args:
        rows: the draw, shape (m, d).
        kept: S, shape (k, d).
        count: how many rows V has.
        lam: λ.
        metric: cosine, inner product, or minus half the squared distance.
    """
    like_all = sum(float(similar.sum()) for similar in _blocks(rows, kept, metric)) * count / len(rows)
    like_each_other = sum(float(similar.sum()) for similar in _blocks(kept, kept, metric))
    itself = {"cosine": float(len(kept)), "dot": float(np.square(kept, dtype=np.float64).sum()), "l2": 0.0}[metric]
    return lam * like_all - (like_each_other - itself)


def covering_value(rows: Values, kept: Values) -> float:
    """Minus the largest distance of one of ``rows`` to its nearest in ``kept``; k-center's objective."""
    nearest = np.full(len(rows), -np.inf)
    for similar in _blocks(rows, kept, "l2"):
        np.maximum(nearest, similar.max(axis=1), out=nearest)
    return -float(np.sqrt(2 * max(0.0, -float(nearest.min()))))


def mean_value(rows: Values, kept: Values) -> float:
    """Minus the distance between the means of ``rows`` and of ``kept``; herding's objective."""
    return -float(np.linalg.norm(rows.mean(axis=0, dtype=np.float64) - kept.mean(axis=0, dtype=np.float64)))


def _blocks(rows: Values, kept: Values, metric: Metric) -> Iterator[FloatArray]:
    """Similarities of all rows to some of ``kept`` after the other, each (m, up to 2,048), float64."""
    left, right = rows.astype(np.float64), kept.astype(np.float64)
    if metric == "cosine":
        left, right = unit(left), unit(right)
    squares = np.square(left).sum(axis=1)
    for start in range(0, len(right), _AT_ONCE):
        some = right[start : start + _AT_ONCE]
        inner: FloatArray = left @ some.T
        yield inner if metric != "l2" else inner - (squares[:, None] + np.square(some).sum(axis=1)) / 2
