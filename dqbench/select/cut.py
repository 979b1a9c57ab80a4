"""What greedy graph cut maximises, whatever it runs on: gains, penalties of picks, and when two gains are a tie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from dqbench.select.rank_one import FloatArray, RankOne

IntArray = npt.NDArray[np.int64]

TIE = 1e-12
"""Gains closer than this, times the group's size and its longest squared vector, are a tie."""

_STRIP = 256


@dataclass(frozen=True)
class GraphCut:
    """What is maximised.

    Attributes:
        metric: ``cosine``, or ``l2`` for squared distances of vectors as they are.
        lam: λ, the weight of being like the rest against being unlike the picks.
    """

    metric: Literal["cosine", "l2"] = "cosine"
    lam: float = 1.0

    def start(self, vectors: RankOne) -> FloatArray:
        """The gain of each vector before the first pick, shape (n,)."""
        if self.metric == "cosine":
            return self.lam * vectors.sums()
        return self.lam * (2 * vectors.sums() - len(vectors) * vectors.diagonal())

    def penalties(self, vectors: RankOne, rows: IntArray | slice, out: FloatArray) -> FloatArray:
        """What a pick of each of ``rows`` takes from the gain of every vector, written to ``out``."""
        right = vectors.right[rows]
        np.matmul(right, vectors.right.T, out=out)
        left = vectors.left[rows] * (2 if self.metric == "cosine" else 4)
        for first in range(0, len(out), _STRIP):
            strip = slice(first, first + _STRIP)
            out[strip] *= left[strip] @ vectors.left.T
        if self.metric == "l2":
            out -= 2 * vectors.diagonal()
        return out


def tie_width(vectors: RankOne) -> float:
    """How far apart two gains may be by rounding alone."""
    return TIE * len(vectors) * float(vectors.diagonal().max(initial=0.0))
