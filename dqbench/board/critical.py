"""Critical differences: methods compared over tasks. A block is a task; seeds are no blocks, as they share the data.

Friedman's test with Iman and Davenport's correction, and Nemenyi's critical difference of average ranks
(J. Demšar, Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 2006, §3.2.2).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy.special import fdtrc

from dqbench.board.board import Board
from dqbench.board.grid import largest
from dqbench.board.pairing import mean
from dqbench.board.tables import row_name
from dqbench.references import TWIN

LEAST_TASKS = 3
LEAST_METHODS = 3
LEAST_SEEDS = 5
"""A diagram is a claim, and claims need five seeds."""


@dataclass(frozen=True)
class CriticalDifference:
    """Average ranks over tasks, 1 the best.

    Attributes:
        labels: the regime of labels.
        tasks: the blocks, by name.
        ranks: (method, average rank), best first.
        difference: ranks farther apart than this are distinguishable at 5 %.
        p: of Friedman's test that all methods are alike.
        groups: methods that are not distinguishable, best first; each group is as large as it can be.
        left_out: methods and tasks that are not in the largest grid of methods that share tasks.
    """

    labels: str
    tasks: tuple[str, ...]
    ranks: tuple[tuple[str, float], ...]
    difference: float
    p: float
    groups: tuple[tuple[str, ...], ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class NoCriticalDifference:
    """Why there is none."""

    labels: str
    reason: str


def critical_differences(boards: Mapping[str, Sequence[Board]]) -> list[CriticalDifference | NoCriticalDifference]:
    """One analysis per regime of labels that a board of the profile ``paper`` has.

    Args:
        boards: the boards of each task; of a task with several in one regime, that with the most cells counts.
    """
    return over_tasks({task: compared_scores(found) for task, found in boards.items()})


def compared_scores(boards: Sequence[Board]) -> dict[str, dict[str, float]]:
    """By regime of labels, the scores of a task that its block consists of."""
    found = {}
    for board in sorted(boards, key=lambda board: len(board.section.done)):
        setting = board.section.setting
        scores = method_scores(board) if setting.profile == "paper" and not setting.altered else {}
        if len(scores) > 1:
            found[setting.labels] = scores
    return found


def over_tasks(
    scores: Mapping[str, Mapping[str, Mapping[str, float]]],
) -> list[CriticalDifference | NoCriticalDifference]:
    """One analysis per regime of labels, of each task's :func:`compared_scores`."""
    by_labels: dict[str, dict[str, Mapping[str, float]]] = {"hard": {}}
    for task, found in sorted(scores.items()):
        for labels, methods in found.items():
            by_labels.setdefault(labels, {})[task] = methods
    return [_analysed(labels, tasks) for labels, tasks in by_labels.items()]


def method_scores(board: Board) -> dict[str, float]:
    """Mean merit of random and the contestants over the grid that ranks are over, where that has five seeds."""
    grid = board.ranks
    if grid is None or len(grid.seeds) < LEAST_SEEDS:
        return {}
    found = {}
    for row in grid.rows:
        columns = [board.section.done[row, network, budget].merits for network, budget in grid.columns]
        found[row_name(row)] = mean([column[seed] for column in columns for seed in grid.seeds])
    return found


def _analysed(labels: str, tasks: Mapping[str, Mapping[str, float]]) -> CriticalDifference | NoCriticalDifference:
    if len(tasks) < LEAST_TASKS:
        there = f"there are {len(tasks)}" if len(tasks) > 1 else f"there is {'one' if tasks else 'none'}"
        return NoCriticalDifference(
            labels, f"it needs {LEAST_TASKS} tasks at the profile paper with {LEAST_SEEDS} seeds or more; {there}"
        )
    methods, one = sorted({name for found in tasks.values() for name in found}), frozenset({0})
    have = {name: {task: one for task, found in tasks.items() if name in found} for name in methods}
    grid = largest(have, rows=LEAST_METHODS, columns=LEAST_TASKS, required=TWIN)
    if grid is None:
        return NoCriticalDifference(labels, f"it needs {LEAST_METHODS} methods that share {LEAST_TASKS} tasks")
    found = [[tasks[task][name] for name in grid.rows] for task in grid.columns]
    left_out = [name for name in (*methods, *tasks) if name not in grid.rows and name not in grid.columns]
    return replace(analyse(labels, grid.columns, grid.rows, found), left_out=tuple(left_out))


def analyse(
    labels: str, tasks: tuple[str, ...], methods: Sequence[str], scores: Sequence[Sequence[float]]
) -> CriticalDifference:
    """The analysis of scores (tasks, methods), higher is better; ties share their average rank."""
    from scipy.stats import rankdata

    ranks = rankdata(-np.asarray(scores, dtype=np.float64), axis=1)
    average = ranks.mean(axis=0)
    blocks, count = ranks.shape
    ordered = sorted(zip(methods, average.tolist(), strict=True), key=lambda item: (item[1], item[0]))
    difference = nemenyi(count) * math.sqrt(count * (count + 1) / (6 * blocks))
    return CriticalDifference(
        labels, tasks, tuple(ordered), difference, _friedman(average, blocks), _groups(ordered, difference)
    )


def _friedman(average: np.ndarray[tuple[int], np.dtype[np.float64]], blocks: int) -> float:
    """p of Iman and Davenport's F, k - 1 and (k - 1)(N - 1) degrees of freedom."""
    k = len(average)
    chi2 = 12 * blocks / (k * (k + 1)) * float((average**2).sum() - k * (k + 1) ** 2 / 4)
    rest = blocks * (k - 1) - chi2
    if rest <= 1e-12:
        return 0.0
    return float(fdtrc(k - 1, (k - 1) * (blocks - 1), (blocks - 1) * chi2 / rest))


@cache
def nemenyi(methods: int) -> float:
    """q(0.05): the studentized range of so many means at infinite degrees of freedom, divided by √2."""
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(0.95, methods, np.inf)) / math.sqrt(2)


def _groups(ordered: Sequence[tuple[str, float]], difference: float) -> tuple[tuple[str, ...], ...]:
    found: list[tuple[int, int]] = []
    for start, (_, rank) in enumerate(ordered):
        end = max(i for i, (_, other) in enumerate(ordered) if other - rank <= difference)
        if end > start and not (found and end <= found[-1][1]):
            found.append((start, end))
    return tuple(tuple(name for name, _ in ordered[start : end + 1]) for start, end in found)
