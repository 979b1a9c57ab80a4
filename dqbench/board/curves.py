"""What is read off several budgets: the lossless ratio, the area under a curve, transfer, and ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from dqbench.board.statistics import LEAST, FloatArray, holm, lower_bound, paired_p


def lossless(losses: Mapping[float, Sequence[float]], most: float) -> float | None:
    """The smallest keep ratio from which on no measured one loses more than ``most``.

    Args:
        losses: by keep ratio, the paired differences A - A_full, above 0 where A is better, shape (S,); every ratio
            needs S >= 3.
        most: the largest loss that counts as none, in the score's unit.

    Returns:
        The ratio; None if there is none. Ratios above it are all lossless too.
    """
    smallest = None
    for ratio in sorted(losses, reverse=True):
        bound = lower_bound(losses[ratio])
        if bound is None or bound <= -most:
            break
        smallest = ratio
    return smallest


def area(ratios: Sequence[float], scores: Sequence[Sequence[float]]) -> FloatArray:
    """Area under the curve of score against log keep ratio, divided by the curve's width: a mean score per seed.

    Piecewise linear (trapezia). The log gives each doubling of the data the same weight, as κ's curve does.

    Args:
        ratios: at least two different keep ratios.
        scores: a score per seed at each ratio, shape (ratios, S).

    Returns:
        Shape (S,), in the score's unit.
    """
    order = np.argsort(ratios)
    x = np.log(np.asarray(ratios, dtype=np.float64)[order])
    y = np.asarray(scores, dtype=np.float64)[order]
    width = np.diff(x)[:, None]
    mean: FloatArray = (width * (y[1:] + y[:-1]) / 2).sum(axis=0) / (x[-1] - x[0])
    return mean


def transfer(
    unseen: Sequence[Sequence[float]],
    seen: Sequence[float],
    random_unseen: Sequence[Sequence[float]],
    random_seen: Sequence[float],
) -> FloatArray:
    """(Mean over unseen architectures - score on the observer's) - the same for random, per seed, in the score's unit.

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
