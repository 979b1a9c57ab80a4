"""Random selection: the twin that every cell is compared with.

``random`` draws uniformly inside each class, ``random-unbalanced`` from the whole set. Draws come from the same
streams as the samples of a method with one bin, so a larger budget keeps what a smaller one kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from dqbench.budgets import ResolvedBudget
from dqbench.compressed import Subset
from dqbench.data.source import Source
from dqbench.methods.configs import RandomConfig
from dqbench.select.bins import Bins
from dqbench.select.sampling import Scope, group_budgets, groups, sample

Prepared = Mapping[str, npt.NDArray[Any]]


class Random:
    """Class-balanced uniform selection."""

    scope: Scope = "class"

    def __init__(self, config: RandomConfig) -> None:
        self.config = config

    def compress(self, source: Source, prepared: Prepared | None, budget: ResolvedBudget, seed: int) -> Subset:
        """``budget.per_class`` samples of each class, or ``budget.total`` of the whole set."""
        bins = Bins.single(groups(source, self.scope))
        quotas = group_budgets(budget, self.scope)[:, None]
        return Subset(ids=source.ids[sample(bins, quotas, seed, "uniform")])


class RandomUnbalanced(Random):
    """Uniform selection from the whole set, whatever the classes."""

    scope = "dataset"
