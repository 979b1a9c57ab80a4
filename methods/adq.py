"""Adaptive Dataset Quantization (ADQ): DQ's bins, sampled by their importance instead of alike.

Li et al., Adaptive Dataset Quantization, AAAI 2025. A bin holds its samples of every class. Representativeness is its
mean texture (Eq. 3), diversity comes from a contrastive discriminator (Eq. 4, 5), importance I is the sum of both after
min-max normalisation over the bins (Eq. 6-8). A class with N_n samples in bin n and budget b keeps
b·[α·N_n·I_n / Σ_k N_k·I_k + (1 − α)·N_n / Σ_k N_k] of them (Eq. 9), in whole numbers that add up to b; α = 0 is DQ.

Differs from the released code, which has fixed importances and a discriminator that was never trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from dqbench.budgets import ResolvedBudget
from dqbench.compressed import Subset
from dqbench.data.source import Source
from dqbench.methods.configs import ADQConfig
from dqbench.observe.observed import Observed
from dqbench.seeds import generator
from dqbench.select.bins import Bins
from dqbench.select.diversity import DiscriminatorSettings, bin_diversity
from dqbench.select.importance import importance
from dqbench.select.sampling import bin_quotas, group_budgets, subset
from dqbench.select.texture import bin_texture

Arrays = Mapping[str, npt.NDArray[Any]]


class ADQ:
    """Adaptive Dataset Quantization, sample level."""

    def __init__(self, config: ADQConfig) -> None:
        self.config = config

    def prepare(self, source: Source, observed: Observed, seed: int, *, prior: Arrays) -> dict[str, npt.NDArray[Any]]:
        """DQ's bins and, for each, texture, diversity and importance, float64 of shape (bins,)."""
        bins = Bins.from_arrays(prior)
        given = self.config.importances
        if given is not None:
            return {**bins.arrays(), "importance": np.array(given[: len(bins)])}
        texture = bin_texture(source.images, bins, self.config.patch)
        diversity = bin_diversity(source.images, bins, observed, self._discriminator(), seed)
        scores = {"texture": texture, "diversity": diversity, "importance": importance(texture, diversity)}
        return {**bins.arrays(), **scores}

    def compress(self, source: Source, prepared: Arrays, budget: ResolvedBudget, seed: int) -> Subset:
        """More of the bins that matter more."""
        return _compress(self.config, source, prepared, prepared["importance"], budget, seed)

    def _discriminator(self) -> DiscriminatorSettings:
        config = self.config
        return DiscriminatorSettings(
            hidden=config.hidden,
            out=config.out,
            epochs=config.epochs,
            views=config.views,
            batch_size=config.batch_size,
            lr=config.lr,
            temperature=config.temperature,
        )


class ADQShuffled:
    """ADQ with its importances randomly permuted over the bins: what they are worth is what ADQ beats this by."""

    def __init__(self, config: ADQConfig) -> None:
        self.config = config

    def compress(self, source: Source, prepared: Arrays, budget: ResolvedBudget, seed: int) -> Subset:
        """The same importances, elsewhere."""
        shuffled = generator(seed, "shuffle-importances").permutation(prepared["importance"])
        return _compress(self.config, source, prepared, shuffled, budget, seed)


def _compress(
    config: ADQConfig,
    source: Source,
    prepared: Arrays,
    important: npt.NDArray[Any],
    budget: ResolvedBudget,
    seed: int,
) -> Subset:
    bins = Bins.from_arrays(prepared)
    quotas = bin_quotas(bins.counts, group_budgets(budget, config.scope), seed, important, config.alpha)
    scores = {name: prepared[name].tolist() for name in ("texture", "diversity") if name in prepared}
    return subset(source, bins, quotas, seed, config.sampler, {"importance": important.tolist(), **scores})
