"""Random selection, uniform inside each class: the twin that every cell is compared with.

Draws come from the same streams as the samples of a method with one bin, so a larger budget keeps what a smaller one
kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dqbench import Config, MethodSpec, select

if TYPE_CHECKING:
    from dqbench import Arrays, ResolvedBudget, Source, Subset


class RandomConfig(Config):
    """Random selection has no options."""


SPEC = MethodSpec(
    name="random",
    target=f"{__name__}:Random",
    config=RandomConfig,
    kind="selection",
    version=1,
    labels=("hard", "soft", "teacher"),
    summary="uniform inside each class: the twin of every cell",
    data=("images", "texts"),
)


class Random:
    """Class-balanced uniform selection."""

    scope: select.Scope = "class"

    def __init__(self, config: RandomConfig) -> None:
        self.config = config

    def compress(self, source: Source, prepared: Arrays | None, budget: ResolvedBudget, seed: int) -> Subset:
        """``budget.per_class`` samples of each class, or ``budget.total`` of the whole set."""
        from dqbench import Subset

        bins = select.Bins.single(select.groups(source, self.scope))
        quotas = select.group_budgets(budget, self.scope)[:, None]
        return Subset(ids=source.ids[select.sample(bins, quotas, seed, "uniform")])
