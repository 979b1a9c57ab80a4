"""The random-equivalent factor κ: how many random samples buy a score, divided by the samples kept.

The curve is that of random selection under the same recipe: mean score against log samples, made monotone by pooling
neighbours (isotonic regression) and linear in between; κ stands where it reaches the method's mean score.

Its 95 % interval reaches from the least to the most factor that a paired t-test at 5 % does not refute: at n samples
the differences of the method and the random curve, seed by seed, the pooling held fixed. Both are measured with the
same few seeds, so that their errors correlate, and resampling S = 5 seeds covers 80 to 85 % only (65 to 75 % at S = 3);
the test keeps 95 %. A method's own interval read off the curve would leave out that the curve is measured too.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy.optimize import isotonic_regression

from dqbench.board.statistics import LEAST, LEVEL, FloatArray, Ratio, t_quantile


@dataclass(frozen=True)
class Segments:
    """The pieces of a random curve; a share s of a piece j has the scores starts[j] + s * rises[j], seed by seed.

    Attributes:
        log_n: where each piece begins, and the last one ends.
        starts: shape (K - 1, S).
        rises: over the piece, their mean taken off, shape (K - 1, S).
        mean_rises: shape (K - 1,).
        scale: what a sum of squares is multiplied by for t squared standard errors.
    """

    log_n: list[float]
    starts: FloatArray
    rises: FloatArray
    mean_rises: FloatArray
    scale: float

    @classmethod
    def of(cls, log_n: FloatArray, pooled: FloatArray) -> Segments:
        """The pieces between points (K,) with scores (K, S)."""
        rises, count = np.diff(pooled, axis=0), pooled.shape[1]
        means = rises.mean(axis=1)
        scale = t_quantile(0.5 + LEVEL / 2, count) ** 2 / (count * (count - 1))
        return cls(log_n.tolist(), pooled[:-1], rises - means[:, None], means, scale)


@dataclass(frozen=True)
class RandomCurve:
    """Random selection measured at several budgets.

    Attributes:
        log_n: log samples, ascending, shape (K,).
        pooled: scores (K, S) averaged over the points that isotonic regression of their means pools.
    """

    log_n: FloatArray
    pooled: FloatArray

    @classmethod
    def of(cls, points: Sequence[tuple[float, Sequence[float]]]) -> RandomCurve | None:
        """The curve of (samples, scores per seed); None of fewer than two numbers of samples."""
        found = sorted((n, tuple(values)) for n, values in points)
        if len({n for n, _ in found}) < 2:
            return None
        return cls(np.log([n for n, _ in found]), _pooled(np.array([values for _, values in found], dtype=np.float64)))

    @cached_property
    def fitted(self) -> FloatArray:
        """The monotone curve, shape (K,)."""
        # Pooled means may fall by a rounding error, which searchsorted must not see.
        rising: FloatArray = np.maximum.accumulate(self.pooled.mean(axis=1))
        return rising

    @cached_property
    def segments(self) -> Segments:
        """What the test needs of the pieces between points."""
        return Segments.of(self.log_n, self.pooled)

    def equivalents(self, scores: Sequence[Sequence[float]], samples: Sequence[float]) -> list[Ratio | None]:
        """κ of several cells, as :func:`random_equivalent` has it of one: scores (N, S), samples (N,)."""
        own, (log_n, fitted) = np.array(scores, dtype=np.float64), (self.log_n.tolist(), self.fitted.tolist())
        pieces = _quadratics(own, self.segments) if own.shape[1] >= LEAST else None
        found: list[Ratio | None] = []
        for cell, (mean, kept) in enumerate(zip(own.mean(axis=1).tolist(), samples, strict=True)):
            value = _where_reached(mean, log_n, fitted)
            ends = _not_refuted(pieces[cell], log_n) if pieces and value is not None else (None, None)
            found.append(None if value is None else _ratio(value, *ends, kept))
        return found


def random_equivalent(
    scores: Sequence[float], samples: float, curve: Sequence[tuple[float, Sequence[float]]]
) -> Ratio | None:
    """κ with its interval.

    Args:
        scores: of the method, paired with the curve's by seed, shape (S,).
        samples: what the method kept.
        curve: (samples, scores per seed) of random selection.

    Returns:
        None where the curve does not reach the score. An end of the interval is None where the test does not refute
        the end of the curve, and both are below three seeds.
    """
    found = RandomCurve.of(curve)
    return found.equivalents([scores], [samples])[0] if found else None


def _ratio(value: float, low: float | None, high: float | None, samples: float) -> Ratio:
    return Ratio(
        _factor(value, samples),
        None if low is None else _factor(min(low, value), samples),
        None if high is None else _factor(max(high, value), samples),
    )


def _factor(log_n: float, samples: float) -> float:
    return float(np.exp(log_n)) / samples


def _pooled(scores: FloatArray) -> FloatArray:
    """Scores (points, S) averaged over the points that isotonic regression of their means pools."""
    blocks = isotonic_regression(scores.mean(axis=1)).blocks
    parts = [scores[a:b].mean(axis=0, keepdims=True).repeat(b - a, axis=0) for a, b in pairwise(blocks)]
    return np.concatenate(parts)


def _where_reached(value: float, log_n: Sequence[float], fitted: Sequence[float]) -> float | None:
    """The smallest log n at which the monotone curve reaches ``value``."""
    if not fitted[0] <= value <= fitted[-1]:
        return None
    j = bisect_left(fitted, value)
    if j == 0:
        return log_n[0]
    share = (value - fitted[j - 1]) / (fitted[j] - fitted[j - 1])
    return log_n[j - 1] + share * (log_n[j] - log_n[j - 1])


def _not_refuted(pieces: Sequence[Sequence[float]], log_n: Sequence[float]) -> tuple[float | None, float | None]:
    """The least and most log n that the test does not refute; None for an end of the curve."""
    found: list[float] = []
    for j, (a, b, c) in enumerate(pieces):
        found += [log_n[j] + share * (log_n[j + 1] - log_n[j]) for share in _accepted(a, b, c)]
    if not found:
        return None, None
    low, high = min(found), max(found)
    # Accepted at an end of the curve: the interval goes on beyond what was measured, so that side stays open.
    return (None if low <= log_n[0] else low), (None if high >= log_n[-1] else high)


def _quadratics(scores: FloatArray, segments: Segments) -> list[list[list[float]]]:
    """By cell and segment, a, b and c of the shares s at which mean(scores - start - s * rise) is near 0.

    Near is within t standard errors: mean² <= t² var / S is a s² - 2 b s + c <= 0.
    """
    starts = scores[:, None, :] - segments.starts
    rises, y, scale = segments.rises, segments.mean_rises, segments.scale
    x = starts.mean(axis=2)
    deviations = starts - x[:, :, None]
    # Fieller's interval: scores and the curve come from the same seeds, so their covariance belongs in the variance.
    a = y * y - (rises * rises).sum(axis=1) * scale
    b = x * y - (deviations * rises).sum(axis=2) * scale
    c = x * x - (deviations * deviations).sum(axis=2) * scale
    found: list[list[list[float]]] = np.stack([np.broadcast_to(a, b.shape), b, c], axis=2).tolist()
    return found


def _accepted(a: float, b: float, c: float) -> list[float]:
    """The ends of the shares s in [0, 1] at which a s² - 2 b s + c <= 0."""
    # Where the curve is flat within its noise (a <= 0), all shares outside the roots are accepted, the ends among them:
    # so the ends are asked themselves, and roots count only as ends of what lies inside the segment.
    inside = [end for end in (0.0, 1.0) if a * end * end - 2 * b * end + c <= 0]
    if abs(a) > 1e-12 and b * b >= a * c:
        root = math.sqrt(b * b - a * c)
        inside += [share for share in ((b - root) / a, (b + root) / a) if 0 < share < 1]
    elif abs(a) <= 1e-12 and b and 0 < c / (2 * b) < 1:
        inside.append(c / (2 * b))
    return inside
