"""Dataset Quantization (DQ): bins by recursive graph cut, then a uniform sample of each bin.

Zhou et al., Dataset Quantization, ICCV 2023, §3.2: each class is cut into N bins by greedy graph cut, every bin chosen
from what the bins before it left (Eq. 4), and a share ρ of each bin is kept (Eq. 5). Early bins are typical and late
ones diverse, so the sample is both. That is the sample level; ``drop=0.25``, which every method that keeps samples
takes, adds the pixel level (§3.3, :mod:`dqbench.pixels`): patches of low Grad-CAM++ score are not stored.

Differs from the released code: one draw of positions for each bin instead of one for all; budgets met exactly; the
observer is trained once, not anew for each bin; one softmax unless ``double_softmax`` is set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from dqbench.budgets import ResolvedBudget
from dqbench.compressed import Subset
from dqbench.data.source import Source
from dqbench.methods.configs import DQConfig
from dqbench.methods.graphcut import make_bins
from dqbench.observe.observed import Observed
from dqbench.select.bins import Bins
from dqbench.select.sampling import bin_quotas, group_budgets, subset

Arrays = Mapping[str, npt.NDArray[Any]]


class DQ:
    """Dataset Quantization, sample level."""

    def __init__(self, config: DQConfig) -> None:
        self.config = config

    def prepare(self, source: Source, observed: Observed, seed: int) -> dict[str, npt.NDArray[Any]]:
        """The bins, which serve every budget."""
        return make_bins(source, observed, self.config, self.config.bins).arrays()

    def compress(self, source: Source, prepared: Arrays, budget: ResolvedBudget, seed: int) -> Subset:
        """The same share of every bin."""
        bins = Bins.from_arrays(prepared)
        quotas = bin_quotas(bins.counts, group_budgets(budget, self.config.scope), seed)
        return subset(source, bins, quotas, seed, self.config.sampler)
