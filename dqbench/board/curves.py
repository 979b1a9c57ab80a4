"""What is read off several budgets: the random-equivalent factor, the lossless ratio, transfer, and ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from scipy.optimize import isotonic_regression

from dqbench.board.statistics import LEAST, Estimate, FloatArray, Ratio, holm, lower_bound, paired_p

DELTA = 0.5
"""Points below the full-data score that still count as lossless; fixed beforehand."""


def random_equivalent(score: Estimate, samples: float, curve: Sequence[tuple[float, float]]) -> Ratio | None:
    """How many random samples buy the same score, divided by the samples kept.

    The curve is (samples, mean score) of random rows under the same recipe; it is made monotone (isotonic) and
    interpolated in log samples. The interval is that of the score, read off the same curve. None, and an open end
    of the interval, where the curve does not reach.
    """
    points = sorted(curve)
    if len({n for n, _ in points}) < 2:
        return None
    log_n = np.log([n for n, _ in points])
    fitted = isotonic_regression([value for _, value in points]).x

    def factor(value: float) -> float | None:
        n = _samples_for(value, log_n, fitted)
        return None if n is None else n / samples

    value = factor(score.mean)
    if value is None:
        return None
    low, high = score.interval or (None, None)
    return Ratio(value, None if low is None else factor(low), None if high is None else factor(high))


def _samples_for(value: float, log_n: FloatArray, fitted: FloatArray) -> float | None:
    """The fewest samples at which the monotone curve reaches ``value``."""
    if not fitted[0] <= value <= fitted[-1]:
        return None
    j = int(np.searchsorted(fitted, value, side="left"))
    if j == 0:
        return float(np.exp(log_n[0]))
    share = (value - fitted[j - 1]) / (fitted[j] - fitted[j - 1])
    return float(np.exp(log_n[j - 1] + share * (log_n[j] - log_n[j - 1])))


def lossless(losses: Mapping[float, Sequence[float]]) -> float | None:
    """The smallest keep ratio from which on no measured one loses more than ``DELTA`` points.

    Args:
        losses: by keep ratio, the paired differences A - A_full, shape (S,); every ratio needs S >= 3.

    Returns:
        The ratio; None if there is none. Ratios above it are all lossless too.
    """
    smallest = None
    for ratio in sorted(losses, reverse=True):
        bound = lower_bound(losses[ratio])
        if bound is None or bound <= -DELTA:
            break
        smallest = ratio
    return smallest


def transfer(
    unseen: Sequence[Sequence[float]],
    seen: Sequence[float],
    random_unseen: Sequence[Sequence[float]],
    random_seen: Sequence[float],
) -> FloatArray:
    """(Mean over unseen architectures - score on the observer's) - the same for random, per seed, in points.

    Args:
        unseen: a score per seed for each unseen architecture, shape (archs, S); ``random_unseen`` likewise.
        seen: scores on the observer's architecture, shape (S,); ``random_seen`` likewise.

    Returns:
        Shape (S,).
    """
    own = np.mean(np.asarray(unseen, dtype=np.float64), axis=0) - np.asarray(seen, dtype=np.float64)
    twin = np.mean(np.asarray(random_unseen, dtype=np.float64), axis=0) - np.asarray(random_seen, dtype=np.float64)
    difference: FloatArray = own - twin
    return difference


def ranks(scores: Mapping[str, Sequence[float]]) -> dict[str, tuple[int, int]]:
    """The interval of ranks of each row: [1 + number significantly better, M - number significantly worse].

    Paired t-tests over the seeds, Holm over all pairs.

    Args:
        scores: by row, the mean over all columns of the board for each seed, shape (S,), seeds in the same order.

    Returns:
        Empty below three seeds or two rows.
    """
    names = sorted(scores)
    if len(names) < 2 or min(len(scores[name]) for name in names) < LEAST:
        return {}
    pairs = list(combinations(names, 2))
    differences = np.array([np.subtract(scores[a], scores[b]) for a, b in pairs])
    significant = holm(paired_p(differences)) < 0.05
    better = dict.fromkeys(names, 0)
    worse = dict.fromkeys(names, 0)
    for (a, b), mean, sure in zip(pairs, differences.mean(axis=1), significant, strict=True):
        if sure:
            winner, loser = (a, b) if mean > 0 else (b, a)
            worse[winner] += 1
            better[loser] += 1
    return {name: (1 + better[name], len(names) - worse[name]) for name in names}
