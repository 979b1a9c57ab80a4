"""Herding: samples whose mean follows the mean of all (Welling, Herding dynamical weights, ICML 2009)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.select.cut import TIE, IntArray
from dqbench.select.finite import checked_stop, finite_features
from dqbench.select.rank_one import FloatArray
from dqbench.steps import report_step


def herding_order(features: npt.NDArray[Any], stop: int | None = None) -> IntArray:
    """Samples in the order of picking: step k takes argmin_x |(k+1)·μ − Σ_{s∈S} φ(s) − φ(x)|.

    Every sample is picked once. O(nd) time for a pick, O(nd) memory. Each step goes through all samples in float32 and
    through those that its rounding leaves in question in float64; ties go to the lowest position.

    Args:
        features: φ, shape (n, d).
        stop: how many to pick; None for all.

    Returns:
        shape (stop,), int64.

    Raises:
        ValueError: a feature is not finite, or ``stop`` is above n.
    """
    phi = finite_features(features)
    stop = checked_stop(stop, len(phi))
    mean = phi.mean(axis=0)
    left = _Left(phi, mean)
    residual = mean.copy()
    order = np.empty(stop, dtype=np.int64)
    for step in range(stop):
        order[step] = pick = left.take_nearest(residual)
        residual += mean - phi[pick]
        report_step("pick", step + 1, stop)
    return order


class _Left:
    """Samples that were not taken, less their mean; in float32 as parts of the longest, which cannot overflow."""

    def __init__(self, phi: FloatArray, mean: FloatArray) -> None:
        self._phi, self._mean = phi, mean
        self._squares = np.einsum("ij,ij->i", phi, phi)
        centred = phi - mean
        self._offsets = np.einsum("ij,ij->i", centred, centred)
        self._longest = float(np.sqrt(self._offsets.max(initial=0.0))) or 1.0
        self._single = (centred / self._longest).astype(np.float32)
        self._width = TIE * len(phi) * float(self._squares.max(initial=0.0))

    def take_nearest(self, point: FloatArray) -> int:
        """The lowest position of the nearest to ``point``, shape (d,); it is not given again."""
        target = point - self._mean
        size = self._longest * (float(np.linalg.norm(target)) or 1.0)
        inner = (self._single @ (target * (self._longest / size)).astype(np.float32)).astype(np.float64)
        distance = self._offsets - 2 * size * inner
        # both this distance and the least may be wrong by 2·d·u·size, u half of eps
        error = 2 * (len(target) + 8) * float(np.finfo(np.float32).eps) * (size + self._longest**2 * 1e-6)
        near = np.flatnonzero(distance <= distance.min() + error + self._width)
        # |p − φ|² without |p|², which no choice changes
        exact = self._squares[near] - 2 * (self._phi[near] @ point)
        pick = int(near[(exact <= exact.min() + self._width).argmax()])
        self._offsets[pick] = np.inf
        return pick
