"""Graph cut: samples that are like the rest of their class and unlike each other, greedily (GraphCut-MI).

Gain of x: −2·Σ_{s∈S} sim(s, x) + λ·Σ_{i∈V} sim(i, x), where S is what was picked and V the class. This is DQ with one
bin of which the first are kept (DQ, ICCV 2023, §3.1). The papers leave the similarity open; here it is the cosine of
last-layer gradients of the loss, as in DQ's earlier version and in released code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from dqbench.budgets import ResolvedBudget
from dqbench.compressed import Subset
from dqbench.data.source import Source
from dqbench.methods.configs import GraphCutConfig
from dqbench.observe.observed import Observed
from dqbench.select.bins import Bins
from dqbench.select.graphcut import GraphCut as Cut
from dqbench.select.graphcut import graph_cut_bins
from dqbench.select.sampling import bin_quotas, group_budgets, groups, subset

Arrays = Mapping[str, npt.NDArray[Any]]


def make_bins(source: Source, observed: Observed, config: GraphCutConfig, bins: int) -> Bins:
    """Every class, or the whole set, ordered by greedy graph cut into ``bins`` bins."""
    gradients = observed.gradients(config.double_softmax) if config.embedding == "gradient" else None
    cut = Cut(config.metric, config.lam)
    group = groups(source, config.scope)
    return graph_cut_bins(observed.features, gradients, group, bins, cut, device=observed.device)


class GraphCut:
    """Greedy graph cut."""

    def __init__(self, config: GraphCutConfig) -> None:
        self.config = config

    def prepare(self, source: Source, observed: Observed, seed: int) -> dict[str, npt.NDArray[Any]]:
        """The whole greedy order, which serves every budget."""
        return make_bins(source, observed, self.config, bins=1).arrays()

    def compress(self, source: Source, prepared: Arrays, budget: ResolvedBudget, seed: int) -> Subset:
        """The first of the order."""
        bins = Bins.from_arrays(prepared)
        quotas = bin_quotas(bins.counts, group_budgets(budget, self.config.scope), seed)
        return subset(source, bins, quotas, seed, "first")
