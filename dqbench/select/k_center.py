"""The greedy for k-center: each pick is the sample that is farthest from all picks before it (Gonzalez, 1985).

The first k are within twice the optimum of the largest distance from a sample to its nearest pick.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from dqbench.select.cut import TIE, IntArray
from dqbench.select.finite import checked_stop, finite_features
from dqbench.select.rank_one import FloatArray
from dqbench.select.rows import Rows, rows_held
from dqbench.steps import report_step

MEMORY = 1 << 29
"""Bytes that rows of squared distances may take."""

_DISTANCES = 1 << 22
"""Distances that are computed by differences at a time."""


def k_center_order(
    features: npt.NDArray[Any], first: int, stop: int | None = None, *, memory: int = MEMORY
) -> IntArray:
    """Samples in the order of picking, argmax_x min_{s∈S} |φ(x) − φ(s)| after ``first``.

    O(knd) time for k picks, most of it in matrix products; O(nd) memory and ``memory`` bytes of rows. Distances come
    from inner products, and where rounding could decide they are computed anew by differences. Ties go to the lowest
    position.

    Args:
        features: φ, shape (n, d).
        first: the position that is picked first.
        stop: how many to pick; None for all.
        memory: bytes that rows of distances may take.

    Returns:
        shape (stop,), int64.

    Raises:
        ValueError: a feature is not finite, or ``stop`` is above n.
    """
    phi = finite_features(features)
    stop = checked_stop(stop, len(phi))
    nearest = _Nearest(phi, stop, memory)
    order = np.empty(stop, dtype=np.int64)
    for step in range(stop):
        order[step] = pick = nearest.farthest(order[:step]) if step else first
        nearest.add(pick)
        report_step("pick", step + 1, stop)
    return order


class _Nearest:
    """The squared distance of each sample to its nearest pick, up to a known error."""

    def __init__(self, phi: FloatArray, stop: int, memory: int) -> None:
        self._phi, n = phi, len(phi)
        # distances do not change, and squares round less, when the mean is taken off
        centred = phi - phi.mean(axis=0)
        squares = np.einsum("ij,ij->i", centred, centred)
        self._error = 8 * (phi.shape[1] + 8) * np.finfo(np.float64).eps * float(squares.max(initial=0.0))
        self._distance = np.full(n, np.inf)
        self._exact, self._seen = np.full(n, np.inf), np.zeros(n, dtype=np.int64)

        def rows(places: IntArray | slice, out: FloatArray) -> None:
            np.matmul(centred[places] * -2, centred.T, out=out)
            out += squares
            out += squares[places][:, None]

        self._rows = Rows(rows, n, np.empty(n * rows_held(n, memory)), stop)

    def add(self, pick: int) -> None:
        np.minimum(self._distance, self._rows.of(pick, self._distance), out=self._distance)
        self._distance[pick] = -np.inf

    def farthest(self, picks: IntArray) -> int:
        """The lowest position of the largest distance to ``picks``."""
        top = float(self._distance.max())
        likely = np.flatnonzero(self._distance >= top * (1 - TIE) - 2 * self._error)
        if len(likely) == 1:
            return int(likely[0])
        exact = self._by_differences(likely, picks)
        return int(likely[(exact >= exact.max() * (1 - TIE)).argmax()])

    def _by_differences(self, places: IntArray, picks: IntArray) -> FloatArray:
        """Squared distances without the rounding of inner products; picks that were seen before are not seen again."""
        for seen in np.unique(self._seen[places]):
            same, new = places[self._seen[places] == seen], self._phi[picks[seen:]]
            at_once = max(1, _DISTANCES // max(1, len(new)))
            for first in range(0, len(same), at_once):
                some = same[first : first + at_once]
                near = cdist(self._phi[some], new, "sqeuclidean").min(axis=1, initial=np.inf)
                self._exact[some] = np.minimum(self._exact[some], near)
        self._seen[places] = len(picks)
        self._distance[places] = self._exact[places]
        exact: FloatArray = self._exact[places]
        return exact
