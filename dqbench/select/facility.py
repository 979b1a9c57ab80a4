"""Exact facility location: each pick adds the most to Σ_i max_{s∈S} sim(i, s).

The greedy is lazy (Minoux, 1978): gains only fall, so a gain that was computed at an earlier step is an upper bound.
Only gains whose bound reaches the best of this step are computed again, a few at a time in one matrix product.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from dqbench.select.cut import TIE, IntArray
from dqbench.select.finite import checked_stop
from dqbench.select.rank_one import FloatArray, RankOne
from dqbench.steps import report_step

MEMORY = 2 << 30
"""Bytes that all similarities may take; where they take more, their rows are made when they are needed."""

_AT_ONCE, _STRIP = 16, 256


def facility_location_order(
    vectors: RankOne, metric: Literal["cosine", "l2"] = "cosine", stop: int | None = None, *, memory: int = MEMORY
) -> IntArray:
    """Vectors in the order of picking, shape (stop,), int64; exact in float64, ties go to the lowest position.

    The similarity is the inner product (of unit vectors: the cosine), or minus the Euclidean distance. Before the first
    pick each vector counts as covered by the lowest similarity there can be, a constant that changes no choice.

    Args:
        vectors: unit vectors for ``cosine``, vectors as they are for ``l2``.
        metric: how similarity is measured.
        stop: how many to pick; None for all.
        memory: bytes that an n×n matrix may take; with less the order is the same, from rows made anew.

    Raises:
        ValueError: ``stop`` is above n.
    """
    return facility_location(vectors, metric, stop, memory=memory)[0]


def facility_location(
    vectors: RankOne, metric: Literal["cosine", "l2"] = "cosine", stop: int | None = None, *, memory: int = MEMORY
) -> tuple[IntArray, IntArray]:
    """As :func:`facility_location_order`, and how many vectors each pick stands for, shape (stop,), int64.

    A pick stands for itself and for all others that no other pick is more like; of equal ones the first pick does.
    """
    stop = checked_stop(stop, len(vectors))
    similar = _Similarities(vectors, metric, memory)
    n = len(vectors)
    covered = np.full(n, similar.lowest)
    bound = np.concatenate([_gains(similar, np.arange(s, min(n, s + _STRIP)), covered) for s in range(0, n, _STRIP)])
    width = TIE * n * max(1.0, -similar.lowest)
    order, nearest = np.empty(stop, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for step in range(stop):
        order[step] = pick = _best(similar, bound, covered, width)
        bound[pick] = -np.inf
        row = similar.rows(np.array([pick]))[0]
        nearest[row > covered] = step
        np.maximum(covered, row, out=covered)
        report_step("pick", step + 1, stop)
    # what was picked stands for itself, however like it a later pick is
    nearest[order] = np.arange(stop)
    return order, np.bincount(nearest, minlength=stop) if stop else order


def _best(similar: _Similarities, bound: FloatArray, covered: FloatArray, width: float) -> int:
    """The vector of the largest gain; ``bound`` is brought up to date where it had to be."""
    fresh = np.zeros(len(bound), dtype=bool)
    best = -np.inf
    while True:
        candidates = np.flatnonzero(~fresh & (bound >= best - width) & (bound > -np.inf))
        if not len(candidates):
            return int((fresh & (bound >= best - width)).argmax())
        if len(candidates) > _AT_ONCE:
            candidates = candidates[np.argpartition(-bound[candidates], _AT_ONCE)[:_AT_ONCE]]
        bound[candidates] = _gains(similar, candidates, covered)
        fresh[candidates] = True
        best = max(best, float(bound[candidates].max()))


def _gains(similar: _Similarities, rows: IntArray, covered: FloatArray) -> FloatArray:
    gains: FloatArray = np.maximum(similar.rows(rows) - covered, 0.0).sum(axis=1)
    return gains


class _Similarities:
    """Rows of the matrix of similarities, which is held only where it fits."""

    def __init__(self, vectors: RankOne, metric: Literal["cosine", "l2"], memory: int) -> None:
        self._vectors, self._metric = vectors, metric
        self._squares = vectors.diagonal()
        self._whole: npt.NDArray[np.float64] | None = None
        longest = float(np.sqrt(self._squares.max(initial=0.0)))
        self.lowest = -1.0 if metric == "cosine" else -2 * longest
        if 8 * len(vectors) ** 2 <= memory:
            self._whole = self._made(np.arange(len(vectors)))

    def rows(self, places: IntArray) -> FloatArray:
        """Similarities of some vectors to all, shape (len(places), n)."""
        return self._made(places) if self._whole is None else self._whole[places]

    def _made(self, places: IntArray) -> FloatArray:
        left, right = self._vectors.left, self._vectors.right
        inner: FloatArray = right[places] @ right.T
        inner *= left[places] @ left.T
        if self._metric == "cosine":
            return inner
        both = self._squares[places][:, None] + self._squares
        squared = both - 2 * inner
        # copies are at distance 0, which rounding would make the root of a rounding error
        distances: FloatArray = -np.sqrt(np.where(squared > TIE * both, squared, 0.0))
        return distances
