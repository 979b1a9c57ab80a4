"""Whether scores that were claimed agree with the same runs done again: one test over all of them.

The mean of claimed - redone over all runs is held against what chance makes of it. The spread is that of the redone
runs alone, as a claim could make its own as wide as it needs. Runs with one seed share the draw of the selection and of
the observer, so that their scores rise and fall together in all cells: on this project's boards their correlation is up
to 0.3, and so much is granted to all. Cells differ in spread by a factor of ten, for which the degrees of freedom pay
(Welch and Satterthwaite's, with the fourth moment's bias removed). A handful of runs knows its own spread badly: none
is granted more than 10 points, which is above every cell of this project's boards (8.2 at most).

Honest bundles are refused in less than 1 % of cases in every setting that ``tests/bench/verification.py`` simulates; it
also says which inflation of scores is found how often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

from dqbench.measure import USUAL, Measure

LEVEL = 0.004
"""Share of honest bundles that is refused where the assumptions hold; half as many for the largest spread granted."""

SHARED = 0.3
"""Correlation of two cells' scores of one seed."""

LARGEST = 10.0
"""The largest standard deviation of a run, in points; of metrics in other units none is known."""


@dataclass(frozen=True)
class Agreement:
    """What the test says.

    Attributes:
        difference: mean of claimed - redone over all runs, in the score's unit.
        margin: the most that chance makes of it, on either side.
        runs: how many runs were done again.
        measure: how the score is read.
    """

    difference: float
    margin: float
    runs: int
    measure: Measure = USUAL

    @property
    def agrees(self) -> bool:
        """Whether the difference is within the margin."""
        return abs(self.difference) <= self.margin + 1e-9


def agreement(
    claimed: Sequence[Sequence[float]],
    redone: Sequence[Sequence[float]],
    resolution: float = 0.0,
    largest_sd: float = LARGEST,
) -> Agreement:
    """Hold claimed scores against redone ones.

    Args:
        claimed: by cell, a score for each seed, all in one unit; at least two seeds each.
        redone: the same, run again.
        resolution: the least difference that two scores can have; no spread counts as less, since a
            handful of equal scores is no proof of none.
        largest_sd: the largest standard deviation of a run that is granted.
    """
    counts = np.array([len(scores) for scores in redone])
    spreads = np.array([max(np.var(scores, ddof=1), resolution**2) for scores in redone])
    runs, parts = int(counts.sum()), counts * spreads
    chance = math.sqrt(2 * (1 + SHARED * (len(counts) - 1)) / runs)
    margin = float(stdtrit(_freedom(parts, counts - 1), 1 - LEVEL / 2)) * math.sqrt(parts.sum() / runs) * chance
    largest = float(ndtri(1 - LEVEL / 4)) * largest_sd * chance
    total = sum(map(sum, claimed)) - sum(map(sum, redone))
    return Agreement(total / runs, min(margin, largest), runs)


def _freedom(parts: np.ndarray, freedom: np.ndarray) -> float:
    """Degrees of freedom of a sum of variances, each known by so many; E s⁴ = σ⁴ (f + 2) / f takes off the two."""
    if not parts.any():
        return float(freedom.sum())
    found = parts.sum() ** 2 / (parts**2 / (freedom + 2)).sum() - 2
    return float(np.clip(found, freedom.min(), freedom.sum()))
