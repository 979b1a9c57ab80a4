"""The statistics of a board: means, intervals, paired differences, Holm's marks and the gain.

Three values are the least that an interval is shown for. What is undefined is None or NaN, never a guess.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

FloatArray = npt.NDArray[np.float64]

LEAST = 3
"""Fewest seeds for an interval, a mark, a rank or a claim."""

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds.

    Attributes:
        mean: the mean.
        count: number of values.
        least: the smallest value.
        most: the largest value.
        half: half the width of the 95 % t-interval; None below three values.
    """

    mean: float
    count: int
    least: float
    most: float
    half: float | None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The ends of the 95 % interval."""
        return None if self.half is None else (self.mean - self.half, self.mean + self.half)


@dataclass(frozen=True)
class Ratio:
    """A quotient with its 95 % interval; an end is None where it is not defined."""

    value: float
    low: float | None
    high: float | None


def t_quantile(probability: float, count: int) -> float:
    """The quantile of Student's t with ``count - 1`` degrees of freedom."""
    return float(stdtrit(count - 1, probability))


def half_width(values: npt.ArrayLike) -> FloatArray:
    """t(0.975, S-1) * sd / sqrt(S) over the last axis: shape (..., S) to (...); NaN where S = 1."""
    x = np.asarray(values, dtype=np.float64)
    count = x.shape[-1]
    if count < 2:
        return np.full(x.shape[:-1], np.nan)
    return t_quantile(0.5 + LEVEL / 2, count) * _standard_error(x)


def estimate(values: Sequence[float]) -> Estimate:
    """Mean, range and, from three values on, the half-width of the 95 % interval."""
    return estimates([values])[0]


def estimates(columns: Sequence[Sequence[float]]) -> list[Estimate]:
    """The same of many, all with as many values at once: a board has thousands."""
    found: dict[int, Estimate] = {}
    for places, x in _by_length(columns):
        count = x.shape[1]
        halves: list[float | None] = half_width(x).tolist() if count >= LEAST else [None] * len(x)
        numbers = (x.mean(axis=1).tolist(), x.min(axis=1).tolist(), x.max(axis=1).tolist(), halves)
        for place, mean, least, most, half in zip(places, *numbers, strict=True):
            found[place] = Estimate(mean, count, least, most, half)
    return [found[place] for place in range(len(columns))]


def _by_length(columns: Sequence[Sequence[float]]) -> Iterator[tuple[list[int], FloatArray]]:
    """Places of columns of one length S, and these columns as an array, shape (N, S)."""
    places: dict[int, list[int]] = {}
    for place, column in enumerate(columns):
        places.setdefault(len(column), []).append(place)
    for own in places.values():
        yield own, np.array([columns[place] for place in own], dtype=np.float64)


def paired_p(differences: npt.ArrayLike) -> FloatArray:
    """Two-sided p of the paired t-test that the mean is 0, over the last axis: shape (..., S) to (...).

    Differences without any spread say nothing about chance: their p is 1, which never makes a mark.
    """
    x = np.asarray(differences, dtype=np.float64)
    count, mean = x.shape[-1], x.mean(axis=-1)
    if count < 2:
        return np.ones(mean.shape)
    error = _standard_error(x)
    spread = error > 1e-12 * np.maximum(1.0, np.abs(mean))
    t = np.abs(mean) / np.where(spread, error, 1.0)
    return np.where(spread, 2.0 * stdtr(count - 1, -t), 1.0)


def holm(p_values: npt.ArrayLike) -> FloatArray:
    """Holm's adjusted p over the last axis, same shape: significant at 5 % where it is below 0.05.

    S. Holm, A simple sequentially rejective multiple test procedure, 1979.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, axis=-1, kind="stable")
    steps = p.shape[-1] - np.arange(p.shape[-1])
    stepped = np.maximum.accumulate(np.take_along_axis(p, order, -1) * steps, axis=-1)
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.minimum(stepped, 1.0), -1)
    return adjusted


def gain(scores: Sequence[float], random: Sequence[float], full: Sequence[float]) -> Ratio | None:
    """(A - A_random) / (A_full - A_random), a ratio of means with Fieller's 95 % interval.

    The three are paired by seed, shape (S,). None unless S >= 3 and the denominator's interval is above 0.
    """
    return gains([(scores, random, full)])[0]


def gains(triples: Sequence[tuple[Sequence[float], ...]]) -> list[Ratio | None]:
    """The same of many (scores, random, full), all of one number of seeds at once."""
    found: dict[int, Ratio | None] = {}
    for places, own in _by_length([triple[0] for triple in triples]):
        base, full = (np.array([triples[place][i] for place in places], dtype=np.float64) for i in (1, 2))
        enough = own.shape[1] >= LEAST
        found |= zip(places, _fiellers(own - base, full - base) if enough else [None] * len(places), strict=True)
    return [found[place] for place in range(len(triples))]


def fieller(numerator: FloatArray, denominator: FloatArray) -> Ratio | None:
    """The ratio of two paired means, shapes (S,), with Fieller's 95 % interval.

    None unless the denominator's own interval is above 0, where Fieller's interval is one piece.
    """
    return _fiellers(numerator[None], denominator[None])[0]


def _fiellers(numerator: FloatArray, denominator: FloatArray) -> list[Ratio | None]:
    count = numerator.shape[1]
    a, b = numerator.mean(axis=1), denominator.mean(axis=1)
    x, y = numerator - a[:, None], denominator - b[:, None]
    factor = t_quantile(0.5 + LEVEL / 2, count) ** 2
    covariances = ((p * q).sum(axis=1) / (count - 1) / count * factor for p, q in ((x, x), (x, y), (y, y)))
    return [_fieller(*found) for found in zip(*(column.tolist() for column in (a, b, *covariances)), strict=True)]


def _fieller(a: float, b: float, aa: float, ab: float, bb: float) -> Ratio | None:
    if b <= 0 or b * b <= bb:
        return None
    middle, scale = a * b - ab, b * b - bb
    root = math.sqrt(max(0.0, middle**2 - scale * (a * a - aa)))
    return Ratio(a / b, (middle - root) / scale, (middle + root) / scale)


def lower_bound(differences: Sequence[float]) -> float | None:
    """The one-sided 95 % lower bound of a mean; None below three values."""
    x = np.asarray(differences, dtype=np.float64)
    if len(x) < LEAST:
        return None
    return float(x.mean() - t_quantile(LEVEL, len(x)) * _standard_error(x))


def _standard_error(x: FloatArray) -> FloatArray:
    error: FloatArray = x.std(axis=-1, ddof=1) / math.sqrt(x.shape[-1])
    return error
