"""The budget of a set that a user gives: what it holds, once it is held against its source. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dqbench.budgets import resolve
from dqbench.data.given_sets import check
from dqbench.data.source import Source
from dqbench.given import Given
from dqbench.specs import Budget


def budget_of(
    given: Given,
    scope: str,
    source: Source | None,
    counts: Sequence[int],
    seeds: Iterable[int],
    usual: Iterable[Budget],
) -> Budget:
    """The budget that a given set meets.

    Args:
        given: the set.
        scope: ``class`` or ``dataset``; see :class:`dqbench.given.GivenConfig`.
        source: what it is of; None where that is not imported yet, and nothing is checked.
        counts: training samples of each class.
        seeds: those that will be run.
        usual: budgets that come before others which come to the same.

    Raises:
        UsageError: ids or classes that the source has not, images of another shape, classes without their share.
    """
    checked = [check(given, source, seed, scope) for seed in seeds] if source is not None else [False]
    equal = scope == "class" and all(checked)
    for budget in usual:
        if budget.kind == "ipc" and equal and budget.value * len(counts) == given.total:
            return budget
        if budget.kind == "ratio" and resolve(budget, counts, 0).total == given.total:
            return budget
    return Budget.ipc(given.total // len(counts)) if equal else _ratio(given.total, counts)


def _ratio(total: int, counts: Sequence[int]) -> Budget:
    """The shortest ratio that comes to so many samples."""
    share = total / sum(counts)
    for digits in range(1, 16):
        budget = Budget("ratio", float(f"{share:.{digits}g}"))
        if 0 < budget.value <= 1 and resolve(budget, counts, 0).total == total:
            return budget
    return Budget.ratio(share)
