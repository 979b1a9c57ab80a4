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
        metric: ``cosine``, of vectors as they are ``dot`` for inner products or ``l2`` for squared distances.
        lam: λ, the weight of being like the rest against being unlike the picks.
    """

    metric: Literal["cosine", "l2", "dot"] = "cosine"
    lam: float = 1.0

    @property
    def scale(self) -> float:
        """What a pick takes from the gain of a vector, for each unit of their inner product."""
        return 4.0 if self.metric == "l2" else 2.0

    @property
    def shift(self) -> float:
        """What a pick gives to the gain of a vector, for each unit of the vector's square."""
        return 2.0 if self.metric == "l2" else 0.0

    def start(self, vectors: RankOne) -> FloatArray:
        """The gain of each vector before the first pick, shape (n,)."""
        if self.metric != "l2":
            return self.lam * vectors.sums()
        return self.lam * (2 * vectors.sums() - len(vectors) * vectors.diagonal())

    def penalties(self, vectors: RankOne, rows: IntArray | slice, out: FloatArray) -> FloatArray:
        """What a pick of each of ``rows`` takes from the gain of every vector, written to ``out``."""
        right = vectors.right[rows]
        np.matmul(right, vectors.right.T, out=out)
        left = vectors.left[rows] * self.scale
        for first in range(0, len(out), _STRIP):
            strip = slice(first, first + _STRIP)
            out[strip] *= left[strip] @ vectors.left.T
        if self.shift:
            out -= self.shift * vectors.diagonal()
        return out


class Picks:
    """The sum of the vectors that were picked: all that the gains of others depend on."""

    def __init__(self, cut: GraphCut, vectors: RankOne) -> None:
        self._vectors, self._number = vectors, 0
        self._sum = np.zeros((vectors.left.shape[1], vectors.right.shape[1]))
        self._scale, self._shift = cut.scale, cut.shift

    def add(self, pick: int) -> None:
        """Count a vector in."""
        self._sum += self._vectors.left[pick][:, None] * self._vectors.right[pick]
        self._number += 1

    def rise(self, longest: float) -> float:
        """The most that the picks can have raised the gain of a vector, none being longer than ``longest``."""
        return longest * (self._scale * float(np.linalg.norm(self._sum)) + self._shift * self._number * longest)

    def taken(self, vectors: RankOne) -> FloatArray:
        """What the picks took from the gains of some vectors, shape (n,)."""
        taken = self._scale * vectors.along(self._sum)
        if self._shift:
            taken -= self._shift * self._number * vectors.diagonal()
        return taken


def tie_width(vectors: RankOne) -> float:
    """How far apart two gains may be by rounding alone."""
    return TIE * len(vectors) * float(vectors.diagonal().max(initial=0.0))
